// The simulated world: seeds and hashes, the order of handlers, clocks, and what the end of a world leaves behind.
#include "support/catch.hpp"
#include <boost/asio/post.hpp>
#include <coelect/coelect.hpp>
#include <coelect/testing/world.hpp>
#include <set>
#include <stdexcept>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using testing::host;
using testing::world;
namespace asio = boost::asio;

namespace {

/// Two candidates and an hour of pauses; everything in it goes through the world's dice.
std::uint64_t hash_of_an_hour(std::uint64_t seed) {
  world w(seed);
  auto const a = w.add_host(), b = w.add_host(), server = w.add_host();
  auto const hub = make_memory_hub(server->executor(), {.env = server});
  auto const stand = [&](std::shared_ptr<host> const& on, char const* name) {
    memory_store_options how;
    how.hub = hub;
    how.env = on;
    return elector(on->executor(), make_memory_store(on->executor(), how), {.election = "leader", .candidate = name});
  };
  auto first = stand(a, "A"), second = stand(b, "B");
  leadership of_a, of_b;
  first.campaign([&](error_code, leadership won) { of_a = std::move(won); });
  second.campaign([&](error_code, leadership won) { of_b = std::move(won); });
  w.run_for(w.below(nanoseconds(1h)));
  return w.hash();
}

std::string order_of_ten(std::uint64_t seed) {
  world w(seed);
  auto const h = w.add_host();
  std::string order;
  for (char c = '0'; c <= '9'; ++c) asio::post(h->executor(), [&order, c] { order += c; });
  w.settle();
  return order;
}

}  // namespace

TEST_CASE("the same seed gives the same run, another one another", "[testing]") {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    auto const hash = hash_of_an_hour(seed);
    CHECK(hash == hash_of_an_hour(seed));
    hashes.insert(hash);
  }
  CHECK(hashes.size() == 20);
}

TEST_CASE("there is no seed whose dice are stuck", "[testing]") {
  // Its state would be 0, and so would be every number.
  std::uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - 2654435761ULL * inverse;
  std::uint64_t const seed = (0 - 88172645463325252ULL) * inverse;
  REQUIRE(seed * 2654435761ULL + 88172645463325252ULL == 0);
  world w(seed);
  CHECK(w.draw() != w.draw());
}

TEST_CASE("handlers of one host run in an order drawn by lot", "[testing]") {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) orders.insert(order_of_ten(seed));
  CHECK(orders.size() > 15);
  CHECK(order_of_ten(3) == order_of_ten(3));
  for (auto const& each : orders) CHECK(std::set<char>(each.begin(), each.end()).size() == 10);
}

TEST_CASE("handlers on io run in the order of their posting", "[testing]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world w(seed);
    auto const h = w.add_host();
    std::string order;
    for (char c = '0'; c <= '9'; ++c) asio::post(h->io, [&order, c] { order += c; });
    asio::post(h->executor(), [] {});
    w.settle();
    CHECK(order == "0123456789");
  }
}

TEST_CASE("nothing posted runs before the world does", "[testing]") {
  world w(1);
  auto const h = w.add_host();
  int ran = 0;
  asio::post(h->executor(), [&] {
    asio::post(h->executor(), [&] { ++ran; });
    CHECK(ran == 0);  // never inside execute()
  });
  CHECK(ran == 0);
  CHECK(w.step());
  CHECK(ran == 0);
  CHECK(w.step());
  CHECK(ran == 1);
  CHECK_FALSE(w.step());
  CHECK(w.steps() == 2);
}

TEST_CASE("a world without hosts calls what it was asked to call, in order", "[testing]") {
  world w(1);
  CHECK_FALSE(w.step());
  std::string order;
  w.after(2s, [&] { order += "b"; });
  w.after(1s, [&] { order += "a"; });
  w.at(w.now() - 1min, [&] { order += "now"; });
  w.run_for(1500ms);
  CHECK(order == "nowa");
  CHECK(w.now() == 1h + 1500ms);
  w.run_for(1min);
  CHECK(order == "nowab");
}

TEST_CASE("run_until tells whether, and time passes when nothing happens", "[testing]") {
  world w(1);
  bool rang = false;
  w.after(5s, [&] { rang = true; });
  CHECK_FALSE(w.run_until([&] { return rang; }, 4s));
  CHECK(w.now() == 1h + 4s);
  CHECK(w.run_until([&] { return rang; }, 4s));
  CHECK(w.now() == 1h + 5s);  // not to the end of the limit
  w.run_for(-1min);
  CHECK(w.now() == 1h + 5s);
  w.run_for(nanoseconds::max());  // to the end of time, and not beyond
  CHECK(w.now() == nanoseconds::max());
}

TEST_CASE("what a handler throws comes out of the run, and the world goes on", "[testing]") {
  world w(1);
  auto const h = w.add_host();
  bool ran = false;
  asio::post(h->executor(), [] { throw std::runtime_error("a bug in the server"); });
  CHECK_THROWS_WITH(w.run_for(1s), "a bug in the server");
  asio::post(h->executor(), [&] { ran = true; });
  w.run_for(1s);
  CHECK(ran);
}

TEST_CASE("a paused host does nothing, its clocks go on, and afterwards it does what waited", "[testing]") {
  world w(1);
  auto const h = w.add_host(), other = w.add_host();
  int here = 0, there = 0;
  h->paused = true;
  asio::post(h->executor(), [&] { ++here; });
  asio::post(h->io, [&] { ++here; });
  asio::post(other->executor(), [&] { ++there; });
  auto const before = h->now();
  w.run_for(10s);
  CHECK(here == 0);
  CHECK(there == 1);
  CHECK(h->now().boot - before.boot == 10s);
  CHECK(h->now().raw - before.raw == 10s);
  h->paused = false;
  w.settle();
  CHECK(here == 2);
}

TEST_CASE("each host has its own clocks", "[testing]") {
  world w(1);
  auto const slow = w.add_host(910), late = w.add_host({.permille = 1000, .offset = 24h});
  auto const a = slow->now(), b = late->now();
  CHECK(b.boot - 24h == w.now());
  w.run_for(100s);
  CHECK(slow->now().boot - a.boot == 91s);
  CHECK(late->now().raw - b.raw == 100s);
  auto const wall = late->wall_clock();
  late->wall_step = -1h;
  CHECK(late->wall_clock() == wall - 1h);
  CHECK(late->now().boot - b.boot == 100s);  // which no wall clock changes
}

TEST_CASE("a suspend counts on CLOCK_BOOTTIME only", "[testing]") {
  world w(1);
  auto const h = w.add_host(), other = w.add_host();
  auto const before = h->now();
  auto const others = other->now();
  w.suspend(*h, 30s);
  CHECK(h->now().boot - before.boot == 30s);
  CHECK(h->now().raw == before.raw);
  CHECK(other->now() == others);
}

TEST_CASE("clocks that no host can have are refused", "[testing]") {
  world w(1);
  CHECK_THROWS_AS(w.add_host(0), std::invalid_argument);
  CHECK_THROWS_AS(w.add_host(10'001), std::invalid_argument);
  CHECK_THROWS_AS(w.add_host({.permille = 1000, .offset = -1s}), std::invalid_argument);
  CHECK(w.hosts().empty());
  CHECK(w.add_host(1)->number() == 0);
  CHECK(w.add_host(10'000)->number() == 1);
}

TEST_CASE("notes: the last 200 are kept, each is told, and they are part of the hash", "[testing]") {
  world w(1), same(1);
  std::vector<std::string> told;
  w.tell = [&](std::string const& line) { told.push_back(line); };
  for (std::uint64_t i = 0; i < 250; ++i) w.note("counted", i, 7);
  auto const kept = w.last_notes();
  REQUIRE(kept.size() == 200);
  CHECK(told.size() == 250);
  CHECK(kept.back() == told.back());
  CHECK(kept.front() == told[50]);
  CHECK_THAT(kept.back(), ContainsSubstring("3600.000000000  counted"));
  CHECK_THAT(kept.back(), EndsWith(" 249 7"));
  CHECK(w.hash() != same.hash());
}

TEST_CASE("the end of a world destroys what is pending and runs none of it", "[testing]") {
  auto const counted = std::make_shared<int>(0);
  {
    world w(1);
    auto const h = w.add_host();
    auto const touch = [counted] { ++*counted; };
    asio::post(h->executor(), touch);
    asio::post(h->io, touch);
    w.after(1s, touch);
    h->sleep(1s, [counted](error_code) { ++*counted; });
    auto bell = h->make_alarm(h->executor());
    bell->set(h->now() + 1s, touch);
    // A destroyed handler that posts and sets a timer once more.
    struct last_words {
      std::shared_ptr<host> on;
      std::shared_ptr<int> count;
      ~last_words() {
        asio::post(on->executor(), [c = count] { ++*c; });
        on->world().after(1s, [c = count] { ++*c; });
      }
    };
    w.after(2s, [words = std::shared_ptr<last_words>(new last_words{h, counted})] {});
  }
  CHECK(counted.use_count() == 1);
  CHECK(*counted == 0);
}

TEST_CASE("an executor may outlive its world: what it is given is dropped", "[testing]") {
  auto const held = std::make_shared<int>(0);
  asio::any_io_executor kept;
  {
    world w(1);
    kept = w.add_host()->executor();
  }
  asio::post(kept, [held] { ++*held; });
  CHECK(held.use_count() == 1);
  CHECK(*held == 0);
}

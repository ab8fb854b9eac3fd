// host::sleep() and host::crash(): a server's own waits, and what is left of a server that was killed.
#include "support/catch.hpp"
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <coelect/coelect.hpp>
#include <coelect/testing/world.hpp>
#include <optional>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using testing::host;
using testing::world;
namespace asio = boost::asio;

namespace {

struct sleeper {
  std::optional<error_code> woke;
  asio::cancellation_signal stop;
  void sleep(host& on, nanoseconds span) {
    auto done = [this](error_code ec) { woke = ec; };
    on.sleep(span, asio::bind_cancellation_slot(stop.slot(), std::move(done)));
  }
};

/// Says so when it is destroyed: a local variable of a coroutine.
struct farewell {
  std::string& said;
  ~farewell() { said += "destroyed "; }
};

asio::awaitable<void> wait_twice(std::shared_ptr<host> on, std::string& said) {
  farewell const local{said};
  co_await on->sleep(1s);
  said += "one ";
  co_await on->sleep(1min);
  said += "two ";
}

}  // namespace

TEST_CASE("sleep ends after so much of the host's own time", "[testing]") {
  auto const permille = GENERATE(910, 1000, 1090);
  world w(1);
  auto const h = w.add_host(permille);
  sleeper one;
  auto const before = h->now();
  one.sleep(*h, 10s);
  CHECK_FALSE(w.run_until([&] { return one.woke.has_value(); }, h->world_wait(10s) - 1us));
  REQUIRE(w.run_until([&] { return one.woke.has_value(); }, 2us));
  CHECK_FALSE(*one.woke);
  CHECK(h->now().boot - before.boot >= 10s);
  CHECK(h->now().boot - before.boot < 10s + 1us);
}

TEST_CASE("a suspend counts for sleep, a pause makes it late", "[testing]") {
  world w(1);
  auto const h = w.add_host();
  sleeper one, two;
  one.sleep(*h, 10s);
  w.suspend(*h, 8s);
  w.run_for(1s);
  CHECK_FALSE(one.woke);
  w.run_for(1s + 1us);
  CHECK(one.woke);
  two.sleep(*h, 10s);
  h->paused = true;
  w.run_for(1min);
  CHECK_FALSE(two.woke);
  h->paused = false;
  w.settle();
  CHECK(two.woke);
}

TEST_CASE("the shortest and the longest sleep", "[testing]") {
  world w(1);
  auto const h = w.add_host(GENERATE(1, 1000, 10'000));
  sleeper none, past, ever;
  none.sleep(*h, 0ns);
  past.sleep(*h, -1h);
  ever.sleep(*h, nanoseconds::max());
  CHECK_FALSE(none.woke);  // never inside the call
  w.run_for(10us);
  CHECK(none.woke);
  CHECK(past.woke);
  w.run_for(24h * 365);
  CHECK_FALSE(ever.woke);
}

TEST_CASE("a cancelled sleep ends at once with operation_aborted, once", "[testing]") {
  auto const type =
      GENERATE(asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total);
  world w(1);
  auto const h = w.add_host();
  sleeper one;
  one.sleep(*h, 10s);
  w.run_for(1s);
  one.stop.emit(type);
  CHECK_FALSE(one.woke);
  w.settle();
  REQUIRE(one.woke);
  CHECK(*one.woke == asio::error::operation_aborted);
  one.woke.reset();
  one.stop.emit(type);
  w.run_for(1min);
  CHECK_FALSE(one.woke);
}

TEST_CASE("sleep completes on the handler's own executor", "[testing]") {
  world w(1);
  auto const h = w.add_host(), other = w.add_host();
  bool woke = false;
  h->sleep(1s, asio::bind_executor(other->executor(), [&](error_code) { woke = true; }));
  other->paused = true;
  w.run_for(1min);
  CHECK_FALSE(woke);
  other->paused = false;
  w.settle();
  CHECK(woke);
}

TEST_CASE("after a crash nothing of the dead process runs and no timer of its rings", "[testing]") {
  world w(1);
  auto const h = w.add_host(), other = w.add_host();
  int dead = 0, alive = 0;
  auto const was = h->executor();
  asio::post(was, [&] { ++dead; });
  auto bell = h->make_alarm(was);
  bell->set(h->now() + 1s, [&] { ++dead; });
  asio::post(h->io, [&] { ++alive; });
  asio::post(other->executor(), [&] { ++alive; });
  h->crash();
  asio::post(was, [&] { ++dead; });  // what its objects send when they are destroyed
  bell->set(h->now() + 2s, [&] { ++dead; });
  CHECK(was != h->executor());
  asio::post(h->executor(), [&] { ++alive; });
  w.run_for(1min);
  CHECK(dead == 0);
  CHECK(alive == 3);
}

TEST_CASE("a crash destroys who sleeps, before it returns", "[testing]") {
  world w(1);
  auto const h = w.add_host();
  std::string said;
  asio::co_spawn(h->executor(), wait_twice(h, said), asio::detached);
  w.run_for(2s);
  CHECK(said == "one ");
  h->crash();
  CHECK(said == "one destroyed ");
  w.run_for(1h);
  CHECK(said == "one destroyed ");
  // The next process of the host sleeps as ever.
  asio::co_spawn(h->executor(), wait_twice(h, said), asio::detached);
  w.run_for(2min);
  CHECK(said == "one destroyed one two destroyed ");
}

TEST_CASE("a handler destroyed by a crash may send once more: nothing comes of it", "[testing]") {
  world w(1);
  auto const h = w.add_host();
  int came = 0, destroyed = 0;
  struct last_words {
    asio::any_io_executor where;
    int *came, *destroyed;
    ~last_words() {
      ++*destroyed;
      asio::post(where, [c = came] { ++*c; });
    }
  };
  auto const talkative = [&] { return std::shared_ptr<last_words>(new last_words{h->executor(), &came, &destroyed}); };
  h->sleep(1s, [words = talkative()](error_code) {});
  asio::post(h->executor(), [words = talkative()] {});
  h->crash();
  CHECK(destroyed == 2);
  w.run_for(1min);
  CHECK(came == 0);
}

TEST_CASE("a killed leader is replaced, and what it was says nothing", "[testing]") {
  world w(1);
  auto const a = w.add_host(), b = w.add_host(), server = w.add_host();
  auto const hub = make_memory_hub(server->executor(), {.env = server});
  auto const stand = [&](std::shared_ptr<host> const& on, char const* name) {
    memory_store_options how;
    how.hub = hub;
    how.env = on;
    how.timing.ttl = 10s;
    return std::make_unique<elector>(on->executor(), make_memory_store(on->executor(), how),
                                     elector_options{.election = "leader", .candidate = name});
  };
  auto first = stand(a, "A"), second = stand(b, "B");
  leadership of_a, of_b;
  bool told = false;
  first->campaign([&](error_code, leadership won) {
    of_a = std::move(won);
    of_a.lost([&](error_code, term_end) { told = true; });
  });
  REQUIRE(w.run_until([&] { return of_a.valid(); }, 1min));
  second->campaign([&](error_code, leadership won) { of_b = std::move(won); });
  w.run_for(1min);
  REQUIRE(of_a.valid());
  a->crash();
  of_a = {};
  first.reset();
  auto const killed = w.now();
  REQUIRE(w.run_until([&] { return of_b.valid(); }, 1min));
  CHECK(w.now() - killed > 5s);  // the dead leader sent no release
  CHECK_FALSE(told);
}

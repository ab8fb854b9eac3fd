// Many threads on one term, and many electors on one loop.
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include "support/scratch_directory.hpp"
#include <algorithm>
#include <atomic>
#include <boost/asio/use_future.hpp>
#include <thread>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

elector_options named(std::string candidate, std::string election = "leader") {
  elector_options o;
  o.election = std::move(election);
  o.candidate = std::move(candidate);
  return o;
}

std::shared_ptr<store> memory_with(asio::any_io_executor ex, std::chrono::milliseconds ttl) {
  memory_store_options how;
  how.timing.ttl = ttl;
  return make_memory_store(ex, how);
}

}  // namespace

TEST_CASE("threads that ask while a term is renewed, lost and won again see one token at a time",
          "[L4][etcd][azure][file]") {
  threaded_context pool(2);
  scratch_directory scratch;
  bool const on_files = GENERATE(false, true);
  auto const where = on_files ? open_store(pool.io.get_executor(), "file:" + scratch.path().string())
                              : memory_with(pool.io.get_executor(), 60ms);
  elector e(pool.io.get_executor(), where, named("A"));
  std::atomic<bool> over{false};
  std::atomic<int> backwards{0};
  int still_valid = 0, not_stopped = 0;
  std::atomic<long> asked{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 6; ++i)
    readers.emplace_back([&, signal = e.signal()] {
      std::uint64_t highest = 0;
      while (!over) {
        auto const token = signal.fencing_token();
        bool const leads = signal.is_leader();
        auto const until = signal.valid_until();
        if (token != 0 && token < highest) ++backwards;
        highest = std::max(highest, token);
        static_cast<void>(leads);
        static_cast<void>(until);
        ++asked;
      }
    });
  for (int term = 0; term < 8; ++term) {
    leadership held = e.campaign(asio::use_future).get();
    auto const before = asked.load();
    auto const renewed = held.valid_until() + (on_files ? 0ms : 1ms);
    while (asked < before + 1'000 || (!on_files && held.valid() && held.valid_until() < renewed))
      std::this_thread::yield();
    auto const copy = held.stop_token();
    held.resign(asio::use_future).wait();
    still_valid += held.valid() ? 1 : 0;
    // It is requested on the elector's executor, where another thread may be a little behind.
    auto const end = std::chrono::steady_clock::now() + 5s;
    while (!copy.stop_requested() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    not_stopped += copy.stop_requested() ? 0 : 1;
  }
  over = true;
  for (auto& r : readers) r.join();
  CHECK(backwards == 0);
  CHECK(still_valid == 0);
  CHECK(not_stopped == 0);
}

TEST_CASE("eight threads stand for the same files at once", "[L4][L5][file]") {
  threaded_context pool(4);
  scratch_directory scratch;
  auto const where = open_store(pool.io.get_executor(), "file:" + scratch.path().string());
  std::atomic<int> inside{0}, together{0}, terms{0};
  std::vector<std::thread> users;
  for (int i = 0; i < 8; ++i)
    users.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        elector e(pool.io.get_executor(), where, named("user" + std::to_string(i)));
        leadership term = e.campaign(asio::use_future).get();
        if (++inside > 1) ++together;
        terms += term.valid() ? 1 : 0;
        --inside;
        if (round % 2) term.resign(asio::use_future).wait();
      }
    });
  for (auto& u : users) u.join();
  CHECK(terms == 40);
  CHECK(together == 0);
}

TEST_CASE("a blocked loop's term is over on time for every thread", "[P3][etcd][azure]") {
  asio::io_context server;
  auto const where = memory_with(server.get_executor(), 200ms);
  elector e(server.get_executor(), where, named("A"));
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(run_until(server, [&] { return won.done(); }));
  catcher<term_end> lost;
  won.result.lost(lost.handler());
  // Never later than the deadline, but as much earlier as its two looks at the clock are apart: the latest of many.
  auto deadline = won.result.valid_until();
  for (int i = 0; i < 100; ++i) deadline = std::max(deadline, won.result.valid_until());
  // Nobody runs the loop from here on, as when a handler blocks it.
  std::atomic<int> late{0}, early{0};
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i)
    askers.emplace_back([&, signal = e.signal()] {
      auto const end = deadline + 100ms;
      for (auto before = coelect::clock::now(); before < end; before = coelect::clock::now()) {
        bool const leads = signal.is_leader();
        auto const after = coelect::clock::now();
        if (leads && before > deadline) ++late;
        if (!leads && after < deadline - 1ms) ++early;
      }
    });
  for (auto& a : askers) a.join();
  CHECK(late == 0);
  CHECK(early == 0);
  CHECK_FALSE(lost.done());
  // The signal is as late as the loop was, and no later.
  REQUIRE(run_until(
      server, [&] { return lost.done(); }, 1s));
  CHECK(lost.result.how() == end_of_term::expired);
}

TEST_CASE("a thousand electors on one loop are independent", "[L5][etcd][azure]") {
  one_host h;
  std::vector<elector> all;
  std::vector<leadership> terms;
  all.reserve(1'000);
  for (int i = 0; i < 1'000; ++i) {
    all.push_back(h.make_elector("A", "election" + std::to_string(i)));
    all.back().campaign([&](error_code, leadership won) { terms.push_back(std::move(won)); });
  }
  REQUIRE(h.world.run_until([&] { return terms.size() == 1'000; }, 10s));
  h.world.run_for(25s);
  CHECK(std::all_of(terms.begin(), terms.end(), [](auto const& t) { return t.valid(); }));
  // The same key once more: it waits like a stranger's.
  auto again = h.make_elector("A", "election7");
  catcher<leadership> next;
  again.campaign(next.handler());
  h.world.run_for(25s);
  CHECK_FALSE(next.done());
  h.hub->expire("election7");
  REQUIRE(h.world.run_until([&] { return next.done(); }, 20s));
  CHECK(std::count_if(terms.begin(), terms.end(), [](auto const& t) { return t.valid(); }) == 999);
}

TEST_CASE("many electors on files are independent", "[L5][file]") {
  scratch_directory scratch;
  asio::io_context io;
  auto const where = open_store(io.get_executor(), "file:" + scratch.path().string());
  constexpr std::size_t how_many = 200;
  std::vector<elector> all;
  std::vector<leadership> terms;
  for (std::size_t i = 0; i < how_many; ++i) {
    all.emplace_back(io.get_executor(), where, named("A", "election" + std::to_string(i)));
    all.back().campaign([&](error_code, leadership won) { terms.push_back(std::move(won)); });
  }
  REQUIRE(run_until(io, [&] { return terms.size() == how_many; }));
  CHECK(std::all_of(terms.begin(), terms.end(), [](auto const& t) { return t.valid(); }));
  std::filesystem::remove(scratch.path() / "election7.lock");
  auto const valid = [&] { return std::count_if(terms.begin(), terms.end(), [](auto const& t) { return t.valid(); }); };
  CHECK(run_until(io, [&] { return valid() == how_many - 1; }));
}

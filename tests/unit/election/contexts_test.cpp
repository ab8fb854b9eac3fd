// Execution contexts: threads, stores on a thread of their own, contexts that die early, forks.
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/real_loop.hpp"
#include "support/scratch_directory.hpp"
#include <atomic>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <sys/wait.h>
#include <unistd.h>

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

memory_store_options short_leases(std::chrono::milliseconds ttl) {
  memory_store_options o;
  o.timing.ttl = ttl;
  return o;
}

}  // namespace

TEST_CASE("a store on a thread of its own keeps the term while the server's loop is blocked", "[P3][etcd][azure]") {
  threaded_context renewing;
  asio::io_context server;
  auto const where = make_memory_store(renewing.io.get_executor(), short_leases(300ms));
  elector e(server.get_executor(), where, named("A"));
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(run_until(server, [&] { return won.done(); }));
  auto const first_deadline = won.result.valid_until();
  // The server does nothing for three ttls: that is what is tested, not waiting for an event.
  auto const unblocked = coelect::clock::now() + 900ms;
  bool always_valid = true;
  while (coelect::clock::now() < unblocked) always_valid = always_valid && won.result.valid();
  CHECK(always_valid);
  CHECK(won.result.valid_until() > first_deadline + 600ms);
}

TEST_CASE("with the store on the server's own loop a blocked loop costs the term, on time", "[P3][etcd][azure]") {
  asio::io_context server;
  auto const where = make_memory_store(server.get_executor(), short_leases(300ms));
  elector e(server.get_executor(), where, named("A"));
  catcher<leadership> won;
  e.campaign(won.handler());
  REQUIRE(run_until(server, [&] { return won.done(); }));
  auto const deadline = won.result.valid_until();
  while (coelect::clock::now() < deadline) {
  }
  CHECK_FALSE(won.result.valid());
}

TEST_CASE("completion handlers run on their own executor, not on the store's") {
  threaded_context renewing;
  asio::io_context server;
  auto const where = make_memory_store(renewing.io.get_executor(), short_leases(10s));
  elector e(server.get_executor(), where, named("A"));
  auto const here = std::this_thread::get_id();
  std::thread::id campaign_on, stop_on;
  bool stopped = false;
  leadership term;
  e.campaign([&](error_code, leadership won) {
    campaign_on = std::this_thread::get_id();
    term = std::move(won);
  });
  REQUIRE(run_until(server, [&] { return static_cast<bool>(term); }));
  std::stop_callback const on_stop(term.stop_token(), [&] {
    stop_on = std::this_thread::get_id();
    stopped = true;
  });
  term.resign(asio::detached);
  REQUIRE(run_until(server, [&] { return stopped; }));
  CHECK(campaign_on == here);
  CHECK(stop_on == here);
}

TEST_CASE("eight threads campaign, ask, publish, watch, resign and destroy at once", "[L4][etcd][azure][file]") {
  threaded_context pool(8);
  auto const where = make_memory_store(pool.io.get_executor(), short_leases(10s));
  constexpr int rounds = 25;
  std::atomic<int> terms{0};
  std::atomic<std::uint64_t> highest{0};
  std::atomic<bool> disorder{false};
  std::vector<std::thread> users;
  for (int i = 0; i < 8; ++i) {
    users.emplace_back([&, i] {
      for (int round = 0; round < rounds; ++round) {
        elector e(pool.io.get_executor(), where, named("user" + std::to_string(i)));
        auto const signal = e.signal();
        auto watching = e.watch({}, asio::use_future);
        auto campaign = e.campaign(asio::use_future);
        leadership term = campaign.get();
        auto seen = highest.load();
        while (seen < term.fencing_token() && !highest.compare_exchange_weak(seen, term.fencing_token())) {
        }
        if (seen > term.fencing_token() || !term.valid() || !signal.is_leader()) disorder = true;
        auto published = term.proclaim("x", asio::use_future);
        published.wait();
        watching.wait();
        ++terms;
        if (round % 3 == 0) term.resign(asio::use_future).wait();
        if (round % 3 == 1) e.stop(asio::use_future).wait();
      }
    });
  }
  for (auto& u : users) u.join();
  CHECK(terms == 8 * rounds);
  CHECK_FALSE(disorder);
}

TEST_CASE("elector and term outlive their io_context, at every step of a campaign", "[L2][etcd][azure][file]") {
  for (int handlers = 0; handlers < 30; ++handlers) {
    auto io = std::make_unique<asio::io_context>();
    auto where = make_memory_store(io->get_executor(), short_leases(10s));
    elector leads(io->get_executor(), where, named("A"));
    elector waits(io->get_executor(), where, named("B"));
    auto const signal = leads.signal();
    catcher<leadership> won, waiting;
    catcher<sighting> watched;
    leads.campaign(won.handler());
    waits.campaign(waiting.handler());
    waits.watch({}, watched.handler());
    for (int i = 0; i < handlers; ++i) io->run_one_for(0ms);
    io.reset();
    CHECK_FALSE(signal.is_leader());
    CHECK_FALSE(won.result.valid());
    if (won.result) CHECK(won.result.ended().how() == end_of_term::stopped);
    CHECK(signal.fencing_token() == 0);
  }
}

TEST_CASE("coroutines suspended in every operation are destroyed with their io_context", "[L2][etcd][azure][file]") {
  auto io = std::make_unique<asio::io_context>();
  auto where = make_memory_store(io->get_executor(), short_leases(10s));
  elector leads(io->get_executor(), where, named("A"));
  elector waits(io->get_executor(), where, named("B"));
  auto const in_campaign = [](elector& e) -> asio::awaitable<void> {
    leadership term = co_await e.campaign();
    term_end end = co_await term.lost();
    static_cast<void>(end);
  };
  auto const in_watch = [](elector& e) -> asio::awaitable<void> {
    sighting seen;
    for (;;) seen = co_await e.watch(seen);
  };
  auto const body = [](leadership& term) -> asio::awaitable<void> {
    term_end end = co_await term.lost();
    static_cast<void>(end);
  };
  elector runs(io->get_executor(), where, named("C", "other"));
  auto const in_lead = [](elector& e, auto const& b) -> asio::awaitable<void> {
    term_end end = co_await lead(e, b);
    static_cast<void>(end);
  };
  asio::co_spawn(*io, in_campaign(leads), asio::detached);
  asio::co_spawn(*io, in_campaign(waits), asio::detached);
  asio::co_spawn(*io, in_watch(waits), asio::detached);
  asio::co_spawn(*io, in_lead(runs, body), asio::detached);
  io->run_for(50ms);
  CHECK(leads.signal().is_leader());
  CHECK(runs.signal().is_leader());
  io.reset();  // the sanitizer tells whether a frame was leaked
  CHECK_FALSE(leads.signal().is_leader());
}

TEST_CASE("a server's context that dies before the store's leaves a free seat and no crash",
          "[L2][etcd][azure][file]") {
  threaded_context renewing;
  auto const where = make_memory_store(renewing.io.get_executor(), short_leases(10s));
  auto server = std::make_unique<asio::io_context>();
  auto coroutine = [](asio::any_io_executor ex, std::shared_ptr<store> s) -> asio::awaitable<void> {
    elector e(ex, s, named("A"));
    leadership term = co_await e.campaign();
    term_end end = co_await term.lost();
    static_cast<void>(end);
  };
  asio::co_spawn(*server, coroutine(server->get_executor(), where), asio::detached);
  asio::io_context other;
  elector observer(other.get_executor(), where, named("O"));
  catcher<sighting> seen;
  observer.watch(sighting::empty_seat(), seen.handler());
  REQUIRE(run_until(other, [&] {
    server->poll();
    return seen.done();
  }));
  server.reset();
  catcher<leadership> next;
  observer.campaign(next.handler());
  REQUIRE(run_until(other, [&] { return next.done(); }));
  CHECK(next.result.valid());
}

TEST_CASE("calls after the context is gone end with errc::stopped") {
  auto io = std::make_unique<asio::io_context>();
  asio::io_context other;
  auto where = make_memory_store(io->get_executor(), short_leases(10s));
  elector e(other.get_executor(), where, named("A"));
  io.reset();
  catcher<leadership> won;
  catcher<sighting> seen, watched;
  catcher<void> stopped;
  e.campaign(won.handler());
  e.leader(seen.handler());
  e.watch({}, watched.handler());
  e.stop(stopped.handler());
  other.run();
  CHECK(*won.ec == errc::stopped);
  CHECK(*seen.ec == errc::stopped);
  CHECK(*watched.ec == errc::stopped);
  CHECK_FALSE(*stopped.ec);
}

TEST_CASE("run() returns once nothing is under way: no timer or watch keeps it") {
  scratch_directory scratch;
  for (bool const on_files : {false, true}) {
    asio::io_context io;
    auto const where = on_files ? open_store(io.get_executor(), "file:" + scratch.path().string())
                                : make_memory_store(io.get_executor(), short_leases(60s));
    elector e(io.get_executor(), where, named("A"));
    auto coroutine = [](elector& who) -> asio::awaitable<void> {
      leadership term = co_await who.campaign();
      sighting seen = co_await who.leader();
      static_cast<void>(seen);
      co_await term.resign();
    };
    asio::co_spawn(io, coroutine(e), asio::detached);
    auto const began = std::chrono::steady_clock::now();
    io.run_for(10s);
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    CHECK(io.stopped());
  }
}

TEST_CASE("valid() is false in a forked child, whose destructors disturb nothing", "[P5][etcd][azure][file]") {
  asio::io_context io;
  scratch_directory scratch;
  for (bool const on_files : {false, true}) {
    auto where = on_files ? open_store(io.get_executor(), "file:" + scratch.path().string())
                          : make_memory_store(io.get_executor(), short_leases(10s));
    auto e = std::make_unique<elector>(io.get_executor(), where, named("A"));
    catcher<leadership> won;
    e->campaign(won.handler());
    REQUIRE(run_until(io, [&] { return won.done(); }));
    auto const child = ::fork();
    if (child == 0) {
      bool const silent = !won.result.valid() && !e->signal().is_leader() && won.result.remaining() == 0ns;
      won.result = leadership();
      e.reset();
      where.reset();
      ::_exit(silent ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(won.result.valid());
    // The parent's timers and watches still work: the term can be lost and won again.
    elector other(io.get_executor(), where, named("B"));
    catcher<leadership> next;
    other.campaign(next.handler());
    won.result = leadership();
    CHECK(run_until(io, [&] { return next.done(); }));
  }
}

TEST_CASE("a forked child that lives on does not keep the lock", "[P5][file]") {
  scratch_directory scratch;
  asio::io_context io;
  auto const where = open_store(io.get_executor(), "file:" + scratch.path().string());
  elector a(io.get_executor(), where, named("A"));
  elector b(io.get_executor(), where, named("B"));
  catcher<leadership> first, second;
  a.campaign(first.handler());
  REQUIRE(run_until(io, [&] { return first.done(); }));
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  auto const child = ::fork();
  if (child == 0) {
    ::close(pipe_ends[1]);
    char byte = 0;
    static_cast<void>(!::read(pipe_ends[0], &byte, 1));  // until the parent closes its end
    ::_exit(0);
  }
  ::close(pipe_ends[0]);
  first.result = leadership();
  b.campaign(second.handler());
  CHECK(run_until(io, [&] { return second.done(); }));
  CHECK(second.result.valid());
  ::close(pipe_ends[1]);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("a child that makes its own store after fork elects like anybody else", "[P5][etcd][azure][file]") {
  auto const child = ::fork();
  if (child == 0) {
    asio::io_context io;  // a memory store: TSan forbids the child the file store's thread
    elector e(io.get_executor(), make_memory_store(io.get_executor(), short_leases(10s)), named("child"));
    catcher<leadership> won;
    e.campaign(won.handler());
    bool const done = run_until(io, [&] { return won.done(); });
    ::_exit(done && won.result.valid() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("handlers on other contexts hear of the end when the elector's context dies") {
  threaded_context renewing;
  asio::io_context worker;
  auto server = std::make_unique<asio::io_context>();
  auto const where = make_memory_store(renewing.io.get_executor(), short_leases(10s));
  auto e = std::make_unique<elector>(server->get_executor(), where, named("A"));
  catcher<leadership> won;
  e->campaign(won.handler());
  REQUIRE(run_until(*server, [&] { return won.done(); }));
  catcher<term_end> lost;
  catcher<void> signal_lost;
  won.result.lost(asio::bind_executor(worker, lost.handler()));
  e->signal().lost(asio::bind_executor(worker, signal_lost.handler()));
  server.reset();
  CHECK(run_until(worker, [&] { return lost.done() && signal_lost.done(); }));
  CHECK(lost.result.how() == end_of_term::stopped);
}

TEST_CASE("an executor that destroys what is posted to it may destroy the term, whatever is told",
          "[L2][etcd][azure][file]") {
  for (int const told : {0, 1, 2}) {
    one_host h;
    auto e = h.make_elector("A");
    asio::io_context gone;
    auto const closed = std::make_shared<testing::ready_queue>(gone);
    closed->close();
    auto term = std::make_shared<leadership>(h.win(e));
    auto const where_it_was = std::weak_ptr<leadership>(term);
    auto& its = *term;
    auto owner = [term = std::move(term)](error_code, auto const&...) { FAIL("nothing runs there"); };
    auto handler = asio::bind_executor(testing::host_executor(closed), std::move(owner));
    if (told == 0) its.at_risk(std::move(handler));
    if (told == 1) its.lost(std::move(handler));
    if (told == 2) e.signal().gained(std::move(handler));
    CHECK(where_it_was.expired() == (told == 2));  // somebody leads already
    h.fate = [](memory_request what) {
      memory_fate f;
      f.lose_reply = what == memory_request::renew;
      return f;
    };
    CHECK(h.world.run_until([&] { return where_it_was.expired(); }, 20s));
    h.fate = nullptr;
    CHECK(h.win(e).valid());
  }
}

TEST_CASE("an operation whose slot is connected may complete on another thread at once", "[L4][etcd][azure][file]") {
  threaded_context pool(3);
  auto const where = make_memory_store(pool.io.get_executor(), short_leases(10s));
  elector e(pool.io.get_executor(), where, named("A"));
  auto term = e.campaign(asio::use_future).get();
  std::atomic<int> heard{0};
  for (int i = 0; i < 500; ++i) {
    asio::cancellation_signal stop;
    std::promise<void> done;
    auto handler = [&](error_code) {
      ++heard;
      done.set_value();
    };
    e.signal().gained(asio::bind_cancellation_slot(stop.slot(), handler));
    done.get_future().wait();
  }
  CHECK(heard == 500);
  CHECK(term.valid());
}

TEST_CASE("a handler that was erased before keeps its executor") {
  asio::io_context server, worker;
  auto const where = make_memory_store(server.get_executor(), short_leases(10s));
  elector e(server.get_executor(), where, named("A"));
  bool called = false;
  auto plain = asio::bind_executor(worker, [&](error_code, sighting const&) { called = true; });
  e.leader(asio::any_completion_handler<void(error_code, sighting)>(std::move(plain)));
  server.run_for(200ms);
  CHECK_FALSE(called);
  CHECK(run_until(worker, [&] { return called; }));
}

TEST_CASE("any completion token works") {
  asio::io_context io;
  auto const where = make_memory_store(io.get_executor(), short_leases(10s));
  elector e(io.get_executor(), where, named("A"));
  std::optional<bool> tuple_won;
  auto coroutine = [](elector& who, std::optional<bool>& won) -> asio::awaitable<void> {
    auto result = co_await who.campaign(asio::as_tuple(asio::use_awaitable));
    won = std::get<1>(result).valid();
    leadership term = std::move(std::get<1>(result));
    co_await term.resign(asio::deferred);
    auto later = who.try_campaign(asio::deferred);
    leadership again = co_await std::move(later);
    won = *won && again.valid();
  };
  asio::co_spawn(io, coroutine(e, tuple_won), asio::detached);
  REQUIRE(run_until(io, [&] { return tuple_won.has_value() && io.stopped(); }));
  CHECK(*tuple_won);
  auto future = e.leader(asio::use_future);
  io.restart();
  io.run_for(1s);
  CHECK(future.get().empty());
}

// lead(): the body is cancelled and awaited before anything is released, and stands again after a loss.
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

/// What the bodies write down.
struct diary {
  int started = 0;
  int finished = 0;
  bool running = false;
  bool overlap_with_release = false;
  std::vector<std::uint64_t> tokens;
  std::optional<term_end> end;
  std::exception_ptr thrown;
  bool over = false;
};

/// A body that waits for its cancellation, then needs `tidy_up` of virtual time to end.
struct waiting_body {
  diary* d;
  store_context* time;
  std::chrono::nanoseconds tidy_up{0};

  asio::awaitable<void> operator()(leadership& term) {
    ++d->started;
    d->running = true;
    d->tokens.push_back(term.fencing_token());
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    auto waiting = term.lost(asio::as_tuple(asio::use_awaitable));
    auto result = co_await std::move(waiting);
    static_cast<void>(result);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (tidy_up > 0ns) co_await sleep();
    d->running = false;
    ++d->finished;
  }

  asio::awaitable<void> sleep() {
    auto done = std::make_shared<timer>();
    auto start = [done, t = time, wait = tidy_up](auto handler) {
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      t->post([done, t, wait, shared] { *done = t->after(wait, [shared] { std::move (*shared)(); }); });
    };
    co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(start, asio::use_awaitable);
  }
};

template <class Body>
asio::awaitable<void> run_lead(elector& e, Body& body, diary& d) {
  try {
    term_end end = co_await lead(e, body);
    d.end = end;
  } catch (...) {
    d.thrown = std::current_exception();
  }
  d.over = true;
}

error_code code_of(std::exception_ptr const& thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (boost::system::system_error const& e) {
    return e.code();
  }
  return {};
}

}  // namespace

TEST_CASE("lead runs the body once and resigns when it returns by itself") {
  one_host h;
  auto e = h.make_elector("A");
  diary d;
  auto body = [&d](leadership& term) -> asio::awaitable<void> {
    ++d.started;
    d.tokens.push_back(term.fencing_token());
    co_return;
  };
  asio::co_spawn(h.host->io, run_lead(e, body, d), asio::detached);
  h.world.run_until([&] { return d.over; }, 10s);
  REQUIRE(d.end);
  CHECK(d.end->how() == end_of_term::resigned);
  CHECK(d.started == 1);
  CHECK_FALSE(e.signal().is_leader());
  auto other = h.make_elector("B");
  CHECK(h.win(other).valid());
}

TEST_CASE("lead cancels the body at risk, awaits it while renewing, and stands again after a loss") {
  one_host h;
  auto e = h.make_elector("A");
  diary d;
  waiting_body body{&d, h.where->context().get()};
  asio::co_spawn(h.host->io, run_lead(e, body, d), asio::detached);
  h.world.run_for(5s);
  REQUIRE(d.started == 1);
  bool losing = true;
  h.fate = [&](memory_request what) {
    memory_fate f;
    f.lose_request = losing && what == memory_request::renew;
    return f;
  };
  h.world.run_until([&] { return d.finished == 1; }, 20s);
  CHECK(d.finished == 1);
  losing = false;
  h.world.run_until([&] { return d.started == 2; }, 30s);
  CHECK(d.started == 2);
  REQUIRE(d.tokens.size() == 2);
  CHECK(d.tokens[1] > d.tokens[0]);
  CHECK_FALSE(d.over);
}

TEST_CASE("nothing is released before the body has ended") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  diary d;
  waiting_body body{&d, h.where->context().get(), 60s};
  asio::cancellation_signal stop;
  asio::co_spawn(h.host->io, run_lead(a, body, d), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  h.world.run_for(1s);
  REQUIRE(d.running);
  catcher<leadership> next;
  b.campaign(next.handler());
  h.world.settle();
  stop.emit(asio::cancellation_type::terminal);
  h.world.run_for(59s);
  CHECK(d.running);
  CHECK(a.signal().is_leader());  // renewed while it drains
  CHECK_FALSE(next.done());
  h.world.run_until([&] { return next.done(); }, 5s);
  CHECK(next.done());
  CHECK_FALSE(d.running);
  CHECK(d.over);
  CHECK(code_of(d.thrown) == asio::error::operation_aborted);
}

TEST_CASE("stop() drains the body too, and lead returns") {
  one_host h;
  auto a = h.make_elector("A");
  diary d;
  waiting_body body{&d, h.where->context().get(), 20s};
  asio::co_spawn(h.host->io, run_lead(a, body, d), asio::detached);
  h.world.run_for(1s);
  catcher<void> stopped;
  a.stop(stopped.handler());
  h.world.run_for(19s);
  CHECK_FALSE(stopped.done());
  CHECK(d.running);
  CHECK(a.signal().is_leader());
  h.world.run_for(2s);
  CHECK(stopped.done());
  REQUIRE(d.end);
  CHECK(d.end->how() == end_of_term::stopped);
  CHECK_FALSE(d.end->overran());
}

TEST_CASE("a body that outlives its term is awaited and reported") {
  one_host h;
  auto a = h.make_elector("A");
  diary d;
  waiting_body body{&d, h.where->context().get(), 40s};
  asio::co_spawn(h.host->io, run_lead(a, body, d), asio::detached);
  h.world.run_for(1s);
  h.hub->expire("leader");
  h.world.run_for(30s);
  CHECK(d.running);
  CHECK(d.started == 1);
  CHECK_FALSE(a.signal().is_leader());
  catcher<void> stopped;
  a.stop(stopped.handler());
  h.world.run_for(30s);
  CHECK_FALSE(d.running);
  REQUIRE(d.end);
  CHECK(d.end->how() == end_of_term::lost);
  CHECK(d.end->overran());
}

TEST_CASE("drain_timeout releases a term whose body will not end; the body is awaited all the same") {
  one_host h;
  elector_options options;
  options.election = "leader";
  options.candidate = "A";
  options.drain_timeout = 5s;
  elector a(h.host->io.get_executor(), h.where, options);
  auto b = h.make_elector("B");
  diary d;
  waiting_body body{&d, h.where->context().get(), 60s};
  asio::co_spawn(h.host->io, run_lead(a, body, d), asio::detached);
  h.world.run_for(1s);
  catcher<leadership> next;
  b.campaign(next.handler());
  catcher<void> stopped;
  a.stop(stopped.handler());
  h.world.run_for(4s);
  CHECK_FALSE(next.done());
  h.world.run_for(2s);
  CHECK(next.done());
  CHECK_FALSE(a.signal().is_leader());
  CHECK(d.running);
  CHECK_FALSE(d.over);
  h.world.run_for(60s);
  CHECK(d.over);
  REQUIRE(d.end);
  CHECK(d.end->overran());
}

TEST_CASE("a deposed body is drained, and another candidate gets its turn") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  diary d;
  waiting_body body{&d, h.where->context().get(), 3s};
  asio::co_spawn(h.host->io, run_lead(a, body, d), asio::detached);
  h.world.run_for(1s);
  catcher<leadership> next;
  b.campaign(next.handler());
  catcher<void> asked;
  b.depose(a.signal().fencing_token(), depose_how::ask, asked.handler());
  h.world.run_for(2s);
  CHECK(d.running);
  CHECK_FALSE(next.done());
  h.world.run_for(2s);
  CHECK(d.finished == 1);
  CHECK(next.result.valid());
  next.result = leadership();
  h.world.run_for(10s);
  CHECK(d.started == 2);
}

TEST_CASE("what the body throws comes out after the release", "[L3][etcd][azure][file]") {
  one_host h;
  auto a = h.make_elector("A");
  diary d;
  auto body = [](leadership&) -> asio::awaitable<void> {
    throw std::runtime_error("the job failed");
    co_return;
  };
  asio::co_spawn(h.host->io, run_lead(a, body, d), asio::detached);
  h.world.run_until([&] { return d.over; }, 5s);
  REQUIRE(d.thrown);
  CHECK_THROWS_WITH(std::rethrow_exception(d.thrown), "the job failed");
  auto b = h.make_elector("B");
  CHECK(h.win(b).valid());
}

TEST_CASE("cancelling lead while it waits for its turn ends it", "[L1][etcd][azure][file]") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  auto const term = h.win(b);
  diary d;
  waiting_body body{&d, h.where->context().get()};
  asio::cancellation_signal stop;
  asio::co_spawn(h.host->io, run_lead(a, body, d), asio::bind_cancellation_slot(stop.slot(), asio::detached));
  h.world.run_for(5s);
  stop.emit(asio::cancellation_type::terminal);
  h.world.run_for(3s);
  CHECK(d.over);
  CHECK(d.started == 0);
  CHECK(code_of(d.thrown) == asio::error::operation_aborted);
}

namespace {

/// A body that looks at valid() itself, as everybody should, and may see the loss before it is told.
struct asking_body {
  diary* d;
  virtual_host* on;

  asio::awaitable<void> operator()(leadership& term) {
    ++d->started;
    while (term.valid()) {
      co_await on->sleep(1s, asio::use_awaitable);
    }
    ++d->finished;
  }
};

}  // namespace

TEST_CASE("lead stands again when the body itself was the first to see that the term is over", "[P2][etcd][azure]") {
  one_host h;
  auto e = h.make_elector("A");
  diary d;
  asking_body body{&d, h.host.get()};
  asio::co_spawn(h.host->io, run_lead(e, body, d), asio::detached);
  for (int round = 1; round <= 20; ++round) {
    REQUIRE(h.world.run_until([&] { return d.started == round && e.signal().is_leader(); }, 1min));
    h.host->paused = true;
    h.world.run_for(30s);
    h.host->paused = false;
    // It saw that itself, or its cancellation came first: both must happen in twenty rounds.
    REQUIRE(h.world.run_until([&] { return d.started == round + 1; }, 1min));
  }
  CHECK_FALSE(d.over);
  CHECK(d.thrown == nullptr);
}

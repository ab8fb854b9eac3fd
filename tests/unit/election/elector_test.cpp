// Campaigning, terms and the signal on virtual time, with every kind of trouble on the way.
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_future.hpp>

using namespace coelect;
using namespace coelect::test;
using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("a campaign leads to a valid term with a token and time left") {
  one_host h;
  auto e = h.make_elector("A");
  auto const signal = e.signal();
  CHECK_FALSE(signal.is_leader());
  auto const term = h.win(e);
  REQUIRE(term);
  CHECK(term.valid());
  CHECK(term.fencing_token() == 1);
  CHECK(term.remaining() > 8s);
  CHECK(term.remaining() <= 9s);
  CHECK(term.valid_for(8s));
  CHECK_FALSE(term.valid_for(10s));
  CHECK(term.candidate() == "A");
  CHECK(term.election() == "leader");
  CHECK_FALSE(term.stop_token().stop_requested());
  CHECK_FALSE(term.ended());
  CHECK(signal.is_leader());
  CHECK(signal.fencing_token() == 1);
}

TEST_CASE("a held term is renewed for as long as it is held") {
  one_host h;
  auto e = h.make_elector("A");
  auto const term = h.win(e);
  for (int i = 0; i < 100; ++i) {
    h.world.run_for(3s);
    REQUIRE(term.valid());
    REQUIRE(term.remaining() > 4s);
  }
  CHECK_FALSE(term.stop_token().stop_requested());
}

TEST_CASE("the second candidate waits, and leads with a larger token after the first resigned") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  auto first = h.win(a);
  catcher<leadership> second;
  b.campaign(second.handler());
  h.world.run_for(60s);
  CHECK_FALSE(second.done());
  catcher<void> resigned;
  first.resign(resigned.handler());
  CHECK_FALSE(first.valid());
  h.world.run_until([&] { return second.done(); }, 1s);
  REQUIRE(second.done());
  CHECK_FALSE(*resigned.ec);
  CHECK(second.result.valid());
  CHECK(second.result.fencing_token() > first.fencing_token());
  CHECK(first.ended().how() == end_of_term::resigned);
  CHECK(first.fencing_token() == 1);
}

TEST_CASE("destroying the term gives it up at once and releases it in the background") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  auto first = std::make_unique<leadership>(h.win(a));
  auto const stop = first->stop_token();
  first.reset();
  CHECK_FALSE(a.signal().is_leader());
  auto const second = h.win(b);
  CHECK(second.valid());
  CHECK(stop.stop_requested());
}

TEST_CASE("try_campaign tells a leader from trouble") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  auto const first = h.win(a);
  catcher<leadership> tried;
  b.try_campaign(tried.handler());
  h.world.settle();
  REQUIRE(tried.done());
  CHECK_FALSE(*tried.ec);
  CHECK_FALSE(tried.result);
  h.fate = [](memory_request) {
    memory_fate f;
    f.lose_request = true;
    return f;
  };
  catcher<leadership> failed;
  b.try_campaign(failed.handler());
  h.world.run_for(5s);
  REQUIRE(failed.done());
  CHECK(*failed.ec == errc::timed_out);
  CHECK(*failed.ec == cond::transient);
  CHECK(b.last_answer().message().find("memory hub") != std::string::npos);
}

TEST_CASE("R2 and R3: a holder that cannot renew is valid to its deadline and not a moment longer",
          "[N6][etcd][azure]") {
  one_host h;
  auto e = h.make_elector("A");
  auto const term = h.win(e);
  auto const deadline = h.world.now() + term.remaining();
  catcher<risk> warned;
  catcher<term_end> lost;
  term_end seen;
  const_cast<leadership&>(term).at_risk(warned.handler());
  const_cast<leadership&>(term).lost(lost.handler());
  h.fate = [](memory_request what) {
    memory_fate f;
    f.lose_reply = what == memory_request::renew;
    return f;
  };
  CHECK(h.world.run_until([&] { return warned.done(); }, 60s));
  CHECK(warned.result == risk::overdue);
  CHECK(deadline - h.world.now() <= 2'250ms);
  CHECK(deadline - h.world.now() > 2'100ms);
  CHECK(term.valid());
  CHECK(term.stop_token().stop_requested());
  h.world.run_until([&] { return h.world.now() >= deadline - 1us; }, 60s);
  CHECK(h.world.run_until([&] { return lost.done(); }, 60s));
  CHECK(h.world.now() - deadline < 100ms);
  CHECK_FALSE(term.valid());
  CHECK(lost.result.how() == end_of_term::expired);
  CHECK(lost.result.code() == errc::lease_expired);
}

TEST_CASE("R4: valid() needs no event: it is false as soon as the clock says so", "[P3][etcd][azure]") {
  one_host h;
  auto e = h.make_elector("A");
  auto const term = h.win(e);
  h.host->paused = true;  // nothing of ours runs any more, as under SIGSTOP or a blocked loop
  h.world.run_for(term.remaining() - 1us);
  CHECK(term.valid());
  h.world.run_for(1us);
  CHECK_FALSE(term.valid());
  CHECK(term.remaining() == 0ns);
  CHECK_FALSE(e.signal().is_leader());
}

TEST_CASE("R5: time spent suspended counts, and the loss is told on waking", "[P4][etcd][azure]") {
  one_host h;
  auto e = h.make_elector("A");
  auto term = h.win(e);
  catcher<term_end> lost;
  term.lost(lost.handler());
  h.world.suspend(*h.host, 30s);
  CHECK_FALSE(term.valid());
  h.world.run_until([&] { return lost.done(); }, 50ms);
  REQUIRE(lost.done());
  CHECK(lost.result.how() == end_of_term::expired);
}

TEST_CASE("R8: a hold that the store drops early ends the term at once") {
  one_host h;
  auto e = h.make_elector("A");
  auto term = h.win(e);
  catcher<term_end> lost;
  term.lost(lost.handler());
  h.hub->expire("leader");
  h.world.settle();
  REQUIRE(lost.done());
  CHECK(lost.result.how() == end_of_term::lost);
  CHECK(lost.result.code() == errc::lease_lost);
  CHECK_FALSE(term.valid());
  CHECK(h.logged("lost election=leader token=1 reason=lost"));
}

TEST_CASE("at_risk is taken back when a renewal comes through; the stop token is not") {
  one_host h;
  auto e = h.make_elector("A");
  auto term = h.win(e);
  bool losing = true;
  h.fate = [&](memory_request what) {
    memory_fate f;
    f.lose_request = losing && what == memory_request::renew;
    return f;
  };
  catcher<risk> first;
  term.at_risk(first.handler());
  REQUIRE(h.world.run_until([&] { return first.done(); }, 60s));
  losing = false;
  h.world.run_for(2s);
  CHECK(term.valid_for(6s));
  CHECK(h.logged("all clear"));
  catcher<risk> second;
  term.at_risk(second.handler());
  h.world.run_for(5s);
  CHECK_FALSE(second.done());
  CHECK(term.stop_token().stop_requested());
}

TEST_CASE("waits are level-triggered and any number may wait") {
  one_host h;
  auto e = h.make_elector("A");
  auto term = h.win(e);
  catcher<term_end> one, two, late;
  term.lost(one.handler());
  term.lost(two.handler());
  catcher<void> resigned;
  term.resign(resigned.handler());
  h.world.settle();
  CHECK(one.done());
  CHECK(two.done());
  term.lost(late.handler());
  catcher<risk> risk_late;
  term.at_risk(risk_late.handler());
  h.world.settle();
  CHECK(late.done());
  CHECK(risk_late.result == risk::over);
  catcher<void> again;
  term.resign(again.handler());
  h.world.settle();
  CHECK(*again.ec == errc::not_leader);
}

TEST_CASE("a cancelled wait ends alone") {
  one_host h;
  auto e = h.make_elector("A");
  auto term = h.win(e);
  asio::cancellation_signal stop;
  catcher<term_end> cancelled, stays;
  term.lost(asio::bind_cancellation_slot(stop.slot(), cancelled.handler()));
  term.lost(stays.handler());
  stop.emit(asio::cancellation_type::partial);
  h.world.settle();
  CHECK(*cancelled.ec == asio::error::operation_aborted);
  CHECK_FALSE(stays.done());
  CHECK(term.valid());
}

TEST_CASE("cancelling a campaign at every moment leaves nobody elected", "[L1][etcd][azure][file]") {
  for (auto const type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial, asio::cancellation_type::total}) {
    for (int steps = 0; steps < 40; ++steps) {
      one_host h;
      h.fate = [](memory_request) {
        memory_fate f;
        f.request_delay = f.reply_delay = 5ms;
        return f;
      };
      auto e = h.make_elector("A");
      asio::cancellation_signal stop;
      catcher<leadership> won;
      e.campaign(asio::bind_cancellation_slot(stop.slot(), won.handler()));
      for (int i = 0; i < steps; ++i) h.world.step();
      bool const too_late = won.done() || e.signal().is_leader();
      stop.emit(type);
      REQUIRE(h.world.run_until([&] { return won.done(); }, 3s));
      if (too_late) continue;
      CHECK(*won.ec == asio::error::operation_aborted);
      CHECK_FALSE(won.result);
      CHECK_FALSE(e.signal().is_leader());
      h.fate = nullptr;
      auto other = h.make_elector("B");
      CHECK(h.win(other).valid());
    }
  }
}

TEST_CASE("stop() is not done by a release that began before it") {
  one_host h;
  h.fate = [](memory_request what) {
    memory_fate f;
    if (what == memory_request::release) f.reply_delay = 5ms;
    return f;
  };
  auto e = h.make_elector("A");
  auto term = h.win(e);
  catcher<void> resigned, stopped;
  catcher<leadership> again;
  term.resign(resigned.handler());
  e.campaign(again.handler());
  h.world.settle();
  h.world.run_until([&] { return resigned.done(); }, 1s);
  e.stop(stopped.handler());
  h.world.run_until([&] { return stopped.done(); }, 5s);
  h.world.settle();
  CHECK(stopped.done());
  CHECK(again.done());
  CHECK_FALSE(e.signal().is_leader());
}

TEST_CASE("R11: a grant that took long warns at once") {
  one_host h;
  h.fate = [](memory_request what) {
    memory_fate f;
    if (what == memory_request::renew) f.lose_request = true;
    return f;
  };
  auto e = h.make_elector("A");
  catcher<leadership> won;
  e.campaign(won.handler());
  h.world.step();
  h.host->paused = true;
  h.world.run_for(7'500ms);
  h.host->paused = false;
  REQUIRE(h.world.run_until([&] { return won.done(); }, 1s));
  if (!won.result) return;  // the request itself had timed out: no win, nothing to warn of
  catcher<risk> warned;
  won.result.at_risk(warned.handler());
  h.world.run_until([&] { return warned.done(); }, 5s);
  CHECK(warned.result == risk::overdue);
}

TEST_CASE("terminal-only operations are not ended by other cancellations") {
  one_host h;
  h.fate = [](memory_request what) {
    memory_fate f;
    if (what == memory_request::release) f.reply_delay = 50ms;
    return f;
  };
  auto e = h.make_elector("A");
  auto term = h.win(e);
  asio::cancellation_signal stop;
  catcher<void> resigned;
  term.resign(asio::bind_cancellation_slot(stop.slot(), resigned.handler()));
  stop.emit(asio::cancellation_type::total);
  h.world.run_until([&] { return resigned.done(); }, 5s);
  CHECK_FALSE(*resigned.ec);
}

TEST_CASE("a campaign cancelled in a long pause leaves no timer behind") {
  one_host h;
  auto e = h.make_elector("A");
  auto o = h.make_elector("O");
  auto term = h.win(e);
  catcher<void> asked;
  o.depose(term.fencing_token(), depose_how::ask, asked.handler());
  h.world.settle();
  asio::cancellation_signal stop;
  catcher<leadership> back;
  e.campaign(asio::bind_cancellation_slot(stop.slot(), back.handler()));  // stands back for seconds
  h.world.settle();
  stop.emit(asio::cancellation_type::terminal);
  auto const began = h.world.now();
  while (h.world.step()) {
  }
  CHECK(*back.ec == asio::error::operation_aborted);
  CHECK(h.world.now() - began < 100ms);
}

TEST_CASE("a second campaign is refused while one runs or a term is held") {
  one_host h;
  auto e = h.make_elector("A");
  catcher<leadership> first, second, third;
  e.campaign(first.handler());
  e.campaign(second.handler());
  h.world.settle();
  REQUIRE(first.result.valid());
  CHECK(*second.ec == errc::busy);
  e.campaign(third.handler());
  h.world.settle();
  CHECK(*third.ec == errc::busy);
}

TEST_CASE("the same elector leads again after a loss, with a larger token") {
  one_host h;
  auto e = h.make_elector("A");
  auto first = h.win(e);
  h.hub->expire("leader");
  h.world.settle();
  REQUIRE_FALSE(first.valid());
  auto second = h.win(e);
  CHECK(second.valid());
  CHECK_FALSE(first.valid());
  CHECK(second.fencing_token() == 2);
  catcher<void> stale;
  first.resign(stale.handler());
  h.world.settle();
  CHECK(*stale.ec == errc::not_leader);
  CHECK(second.valid());
  { leadership const dropped = std::move(first); }
  h.world.run_for(30s);
  CHECK(second.valid());
}

TEST_CASE("a store that went back in time is an error, not a term", "[S9][etcd][azure]") {
  one_host h;
  auto e = h.make_elector("A");
  auto first = h.win(e);
  h.hub->reset("leader");
  h.world.settle();
  CHECK_FALSE(first.valid());
  catcher<leadership> again;
  e.campaign(again.handler());
  h.world.run_for(1s);
  REQUIRE(again.done());
  CHECK(*again.ec == errc::store_reset);
  CHECK(*again.ec == cond::fatal);
}

TEST_CASE("stop ends a term, a campaign and every later one") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  auto term = h.win(a);
  catcher<leadership> waiting;
  b.campaign(waiting.handler());
  h.world.settle();
  catcher<void> b_stopped, a_stopped, gained;
  b.signal().gained(gained.handler());
  b.stop(b_stopped.handler());
  a.stop(a_stopped.handler());
  h.world.settle();
  CHECK(*waiting.ec == errc::stopped);
  CHECK(b_stopped.done());
  CHECK(a_stopped.done());
  CHECK(term.ended().how() == end_of_term::stopped);
  CHECK(*gained.ec == errc::stopped);
  catcher<leadership> late;
  a.campaign(late.handler());
  h.world.settle();
  CHECK(*late.ec == errc::stopped);
}

TEST_CASE("the leadership signal tells gains and losses across terms") {
  one_host h;
  auto e = h.make_elector("A");
  auto signal = e.signal();
  catcher<void> gained, lost_now, lost_later;
  signal.gained(gained.handler());
  signal.lost(lost_now.handler());
  h.world.settle();
  CHECK(lost_now.done());
  CHECK_FALSE(gained.done());
  auto term = h.win(e);
  h.world.settle();
  CHECK(gained.done());
  signal.lost(lost_later.handler());
  h.world.settle();
  CHECK_FALSE(lost_later.done());
  term = leadership();
  h.world.settle();
  CHECK(lost_later.done());
  CHECK(signal.fencing_token() == 0);
  CHECK(signal.valid_until() == coelect::clock::time_point{});
}

TEST_CASE("proclaim publishes under the term and is refused after it") {
  one_host h;
  auto e = h.make_elector("A");
  auto o = h.make_elector("observer");
  auto term = h.win(e);
  catcher<void> first, second, too_long, late;
  term.proclaim("one", first.handler());
  term.proclaim("two", second.handler());
  term.proclaim(std::string(65'537, 'x'), too_long.handler());
  h.world.settle();
  CHECK_FALSE(*first.ec);
  CHECK_FALSE(*second.ec);
  CHECK(*too_long.ec == errc::bad_options);
  catcher<sighting> seen;
  o.leader(seen.handler());
  h.world.settle();
  REQUIRE(seen.result);
  CHECK(seen.result->value() == "two");
  CHECK(seen.result->candidate() == "A");
  CHECK(seen.result.fencing_token() == 1);
  h.hub->expire("leader");
  h.world.settle();
  term.proclaim("three", late.handler());
  h.world.settle();
  CHECK(*late.ec == errc::not_leader);
}

TEST_CASE("watch follows the election: empty, leader, new value, empty") {
  one_host h;
  auto o = h.make_elector("observer");
  auto e = h.make_elector("A");
  auto next = [&](sighting const& seen) {
    catcher<sighting> c;
    o.watch(seen, c.handler());
    h.world.run_until([&] { return c.done(); }, 20s);
    return c.done() ? c.result : sighting();
  };
  auto seen = next({});
  CHECK(seen.seen());
  CHECK(seen.empty());
  catcher<sighting> pending;
  o.watch(seen, pending.handler());
  h.world.run_for(5s);
  CHECK_FALSE(pending.done());
  auto term = h.win(e);
  h.world.settle();
  REQUIRE(pending.done());
  CHECK(pending.result->candidate() == "A");
  catcher<void> published;
  term.proclaim("x", published.handler());
  seen = next(pending.result);
  CHECK(seen->value() == "x");
  term = leadership();
  seen = next(seen);
  CHECK(seen.empty());
  asio::cancellation_signal stop;
  catcher<sighting> cancelled;
  o.watch(seen, asio::bind_cancellation_slot(stop.slot(), cancelled.handler()));
  h.world.settle();
  stop.emit(asio::cancellation_type::terminal);
  h.world.settle();
  CHECK(*cancelled.ec == asio::error::operation_aborted);
}

TEST_CASE("watch survives broken streams") {
  one_host h;
  auto o = h.make_elector("observer");
  auto e = h.make_elector("A");
  auto const term = h.win(e);
  int broken = 3;
  h.fate = [&](memory_request what) {
    memory_fate f;
    f.lose_request = what == memory_request::watch && broken-- > 0;
    return f;
  };
  catcher<sighting> seen;
  o.watch({}, seen.handler());
  h.world.run_until([&] { return seen.done(); }, 60s);
  REQUIRE(seen.done());
  CHECK(seen.result->candidate() == "A");
}

TEST_CASE("depose asks: the leader resigns by itself and stands back") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  auto term = h.win(a);
  catcher<void> wrong, right;
  b.depose(99, depose_how::ask, wrong.handler());
  h.world.settle();
  CHECK(*wrong.ec == errc::not_leader);
  CHECK(term.valid());
  b.depose(term.fencing_token(), depose_how::ask, right.handler());
  h.world.settle();
  CHECK_FALSE(*right.ec);
  CHECK_FALSE(term.valid());
  CHECK(term.ended().how() == end_of_term::deposed);
  catcher<leadership> back;
  a.campaign(back.handler());
  h.world.run_for(4s);
  CHECK_FALSE(back.done());
  h.world.run_for(2s);
  CHECK(back.done());
}

TEST_CASE("depose by force takes the hold away") {
  one_host h;
  auto a = h.make_elector("A");
  auto b = h.make_elector("B");
  auto term = h.win(a);
  catcher<void> forced;
  b.depose(term.fencing_token(), depose_how::force, forced.handler());
  h.world.settle();
  CHECK_FALSE(*forced.ec);
  CHECK(term.ended().how() == end_of_term::lost);
}

TEST_CASE("options that cannot work are refused by name, before any I/O") {
  one_host h;
  auto const refusal = [&](elector_options options) {
    try {
      elector(h.host->io.get_executor(), h.where, std::move(options));
    } catch (election_error const& e) {
      CHECK(e.code() == errc::bad_options);
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  elector_options o;
  CHECK(refusal(o).find("election") == 0);
  o.election = std::string(129, 'x');
  CHECK(refusal(o).find("election: 129") == 0);
  o.election = "leader";
  o.candidate = "a b";
  CHECK(refusal(o).find("candidate") == 0);
  o.candidate = "a";
  o.value = std::string(65'537, 'x');
  CHECK(refusal(o).find("value: 65537") == 0);
  o.value = "";
  o.release_timeout = 61s;
  CHECK(refusal(o).find("release_timeout") == 0);
  o.release_timeout = 1s;
  o.drain_timeout = -1ms;
  CHECK(refusal(o).find("drain_timeout") == 0);
  lease_timing contradictory;
  contradictory.ttl = 10s;
  contradictory.renew_every = 9s;
  CHECK_THROWS_AS(h.make_store(contradictory), election_error);
}

TEST_CASE("trouble is told once per change, not once per try") {
  one_host h;
  h.fate = [](memory_request) {
    memory_fate f;
    f.lose_request = true;
    return f;
  };
  auto e = h.make_elector("A");
  catcher<leadership> won;
  e.campaign(won.handler());
  h.world.run_for(120s);
  auto const told = std::count_if(h.lines.begin(), h.lines.end(), [](auto const& line) {
    return line.find("campaign election=leader trouble: ") == 0;
  });
  CHECK(told == 1);
  h.fate = nullptr;
  h.world.run_until([&] { return won.done(); }, 10s);
  CHECK(won.result.valid());
}

TEST_CASE("log lines: stable first word, election, token, time left") {
  one_host h;
  auto e = h.make_elector("A");
  auto term = h.win(e);
  h.world.run_for(4s);
  catcher<void> resigned;
  term.resign(resigned.handler());
  h.world.settle();
  REQUIRE(h.lines.size() >= 4);
  CHECK(h.lines[0] == "campaign election=leader candidate=A");
  CHECK(h.lines[1] == "elected election=leader token=1 left=9.0s");
  CHECK(h.lines[2].find("renew election=leader token=1 left=9.0s") == 0);
  CHECK(h.logged("lost election=leader token=1 reason=resigned"));
  CHECK(h.logged("release election=leader confirmed"));
}

TEST_CASE("a leadership that owns no term answers at once") {
  leadership none;
  CHECK_FALSE(none);
  CHECK_FALSE(none.valid());
  CHECK(none.fencing_token() == 0);
  CHECK(none.remaining() == 0ns);
  CHECK(none.lock_descriptor() == -1);
  auto end = none.lost(asio::use_future);
  CHECK(end.get().how() == end_of_term::resigned);
  auto proclaimed = none.proclaim("x", asio::use_future);
  CHECK_THROWS(proclaimed.get());
}

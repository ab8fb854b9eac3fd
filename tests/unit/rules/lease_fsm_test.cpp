// lease_fsm as scripts: every timing rule of a lease, with every renewal failed in turn.
#include "rules/lease_fsm.hpp"
#include "support/catch.hpp"

using namespace coelect;
using namespace coelect::rules;
using namespace std::chrono_literals;

namespace {

instant at(std::chrono::nanoseconds t) { return {t, t}; }

// ttl 10 s, V 9 s, renewal every 3.333 s, requests 1.8 s, warning 2.25 s ahead, first retry 200 ms.
timings ten_seconds() { return derive({}, {10s, 0ms, 1s, 1h}); }

lease_fsm held_since(std::chrono::nanoseconds sent) {
  lease_fsm fsm(ten_seconds(), 7);
  fsm.granted(at(sent), 10s, at(sent));
  return fsm;
}

}  // namespace

TEST_CASE("R1: the deadline counts from the sending, not from the answer") {
  lease_fsm fsm(ten_seconds(), 1);
  auto const orders = fsm.granted(at(100s), 10s, at(101s));
  CHECK(orders.extended);
  CHECK(fsm.deadline() == at(109s));
  fsm.tick(at(104s));
  fsm.renewed(at(104s), 10s, at(105s + 500ms));
  CHECK(fsm.deadline() == at(113s));
}

TEST_CASE("R1: an answer to an older request does not shorten the deadline", "[N8][etcd][azure]") {
  auto fsm = held_since(100s);
  fsm.renewed(at(104s), 10s, at(104s));
  auto const orders = fsm.renewed(at(102s), 10s, at(105s));
  CHECK_FALSE(orders.extended);
  CHECK(fsm.deadline() == at(113s));
}

TEST_CASE("R1: the lease length that the store granted counts, and never more than was asked for") {
  lease_fsm shorter(ten_seconds(), 1);
  shorter.granted(at(100s), 5s, at(100s));
  CHECK(shorter.deadline() == at(104s + 500ms));
  lease_fsm longer(ten_seconds(), 1);
  longer.granted(at(100s), 60s, at(100s));
  CHECK(longer.deadline() == at(109s));
}

TEST_CASE("R2: an OK that arrives after the deadline ends the lease", "[N4][etcd][azure]") {
  auto fsm = held_since(100s);
  auto const orders = fsm.renewed(at(108s), 10s, at(109s));
  REQUIRE(orders.over);
  CHECK(*orders.over == errc::lease_expired);
  CHECK_FALSE(orders.extended);
  CHECK_FALSE(fsm.alive());
  CHECK(fsm.deadline() == at(109s));
}

TEST_CASE("R2: a grant whose answer took longer than the lease is trusted is no grant") {
  lease_fsm fsm(ten_seconds(), 1);
  auto const orders = fsm.granted(at(100s), 10s, at(109s));
  REQUIRE(orders.over);
  CHECK_FALSE(fsm.alive());
}

TEST_CASE("R3: the deadline is reached by the clock alone while a renewal hangs", "[N3][etcd][azure]") {
  auto fsm = held_since(100s);
  auto const due = fsm.tick(at(104s));
  REQUIRE(due.renew_until);
  CHECK(*due.renew_until == at(105s + 800ms));
  CHECK_FALSE(fsm.tick(at(108s + 999ms)).over);
  auto const end = fsm.tick(at(109s));
  REQUIRE(end.over);
  CHECK(*end.over == errc::lease_expired);
}

TEST_CASE("R3: no attempt is given longer than the deadline") {
  auto fsm = held_since(100s);
  fsm.tick(at(104s));
  fsm.renewal_failed(errc::timed_out, at(108s));
  auto const retry = fsm.tick(at(108s + 400ms));
  REQUIRE(retry.renew_until);
  CHECK(*retry.renew_until == at(109s));
}

TEST_CASE("R5: either clock ends the lease", "[P4][etcd][azure]") {
  timings const t = ten_seconds();
  lease_fsm suspended(t, 1);
  suspended.granted(at(100s), 10s, at(100s));
  CHECK(suspended.tick({109s, 101s}).over);
  lease_fsm slewed(t, 1);
  slewed.granted(at(100s), 10s, at(100s));
  CHECK(slewed.tick({108s, 109s}).over);
}

TEST_CASE("R11: the warning comes ahead of the deadline, once, and is taken back by a good renewal") {
  auto fsm = held_since(100s);
  fsm.tick(at(104s));
  CHECK_FALSE(fsm.tick(at(106s + 749ms)).warn);
  CHECK(fsm.tick(at(106s + 750ms)).warn);
  CHECK(fsm.at_risk());
  CHECK_FALSE(fsm.tick(at(107s)).warn);
  auto const orders = fsm.renewed(at(107s), 10s, at(107s + 500ms));
  CHECK(orders.all_clear);
  CHECK_FALSE(fsm.at_risk());
}

TEST_CASE("an outage is not waited out: each back-off takes a quarter of what is left at most", "[N1][etcd][azure]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    lease_fsm fsm(ten_seconds(), seed);
    fsm.granted(at(100s), 10s, at(100s));
    std::chrono::nanoseconds now = 103'400ms;
    int tries = 0;
    for (auto orders = fsm.tick(at(now)); !orders.over; ++tries) {
      REQUIRE(orders.renew_until);
      auto const failed = now, left = 109s - failed;
      orders = fsm.renewal_failed(errc::unreachable, at(failed));
      for (; !orders.renew_until && !orders.over; orders = fsm.tick(at(now))) now += 1ms;
      auto const most = std::max<std::chrono::nanoseconds>(200ms, left / 4);
      CHECK(now - failed <= most + 1ms);
    }
    INFO("seed " << seed);
    CHECK(now == 109s);
    CHECK(tries >= 8);
  }
}

TEST_CASE("R12: no failure moves the deadline, whatever it is", "[H2][etcd][azure]") {
  for (auto const code : {errc::timed_out, errc::unreachable, errc::overloaded, errc::unauthorized, errc::bad_response,
                          errc::tls_verify}) {
    auto fsm = held_since(100s);
    fsm.tick(at(104s));
    auto const orders = fsm.renewal_failed(code, at(104s + 100ms));
    CHECK_FALSE(orders.over);
    CHECK(fsm.alive());
    CHECK(fsm.deadline() == at(109s));
  }
}

TEST_CASE("a renewal that the store refuses for good ends the lease at once") {
  auto fsm = held_since(100s);
  fsm.tick(at(104s));
  auto const orders = fsm.renewal_failed(errc::lease_lost, at(104s + 10ms));
  REQUIRE(orders.over);
  CHECK(*orders.over == errc::lease_lost);
}

TEST_CASE("what the store revokes is over, and over is said once") {
  auto fsm = held_since(100s);
  CHECK(fsm.revoked(errc::lease_lost).over);
  CHECK_FALSE(fsm.revoked(errc::lease_lost).over);
  CHECK_FALSE(fsm.tick(at(200s)).over);
  CHECK_FALSE(fsm.renewed(at(101s), 10s, at(102s)).extended);
  CHECK(fsm.wake() == instant::never());
}

TEST_CASE("what we gave up orders nothing more") {
  auto fsm = held_since(100s);
  fsm.let_go();
  auto const orders = fsm.tick(at(104s));
  CHECK_FALSE(orders.renew_until);
  CHECK_FALSE(orders.over);
  CHECK(fsm.wake() == instant::never());
}

TEST_CASE("one renewal at a time, the next one renew_every after the last good one was sent") {
  auto fsm = held_since(100s);
  auto const t = ten_seconds();
  CHECK(fsm.wake() == at(100s) + t.renew_every);
  CHECK(fsm.tick(fsm.wake()).renew_until);
  CHECK_FALSE(fsm.tick(at(104s)).renew_until);
  fsm.renewed(at(104s), 10s, at(104s + 5ms));
  CHECK(fsm.wake() == at(104s) + t.renew_every);
}

// Runs a lease for a while of virtual time, renewing at once whenever it is ordered to, except that
// the renewals whose number is in `failing` fail. Returns when it was over, or nothing.
std::optional<instant> run_with_failures(unsigned first_failing, unsigned count, bool late) {
  auto const t = ten_seconds();
  lease_fsm fsm(t, 3);
  fsm.granted(at(100s), 10s, at(100s));
  unsigned number = 0;
  for (auto now = at(100s); now.boot < 200s;) {
    now = fsm.wake();
    if (now == instant::never()) return std::nullopt;
    auto orders = fsm.tick(now);
    while (orders.renew_until) {
      bool const fails = number >= first_failing && number < first_failing + count;
      ++number;
      if (!fails) {
        orders = fsm.renewed(now, 10s, now + 1ms);
        continue;
      }
      auto const answered = late ? *orders.renew_until : now + 1ms;
      orders = fsm.renewal_failed(errc::timed_out, answered);
      now = answered;
    }
    if (orders.over) return now;
  }
  return std::nullopt;
}

TEST_CASE("one lost renewal at any place costs nothing, even when it used up its time limit") {
  for (unsigned failing = 0; failing < 20; ++failing) {
    CHECK_FALSE(run_with_failures(failing, 1, false));
    CHECK_FALSE(run_with_failures(failing, 1, true));
  }
}

TEST_CASE("when all renewals from any place on fail, the lease ends exactly at its deadline", "[N1][etcd][azure]") {
  for (unsigned failing = 0; failing < 20; ++failing) {
    auto const over = run_with_failures(failing, 1'000'000, true);
    REQUIRE(over);
    auto const last_good = failing * ten_seconds().renew_every;
    CHECK(over->boot == 100s + last_good + 9s);
  }
}

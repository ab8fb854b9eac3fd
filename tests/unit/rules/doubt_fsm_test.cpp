// doubt_fsm as scripts: what a leader whose key may be gone does, and for how long it goes on.
#include "rules/doubt_fsm.hpp"
#include "support/catch.hpp"

using namespace coelect;
using namespace coelect::rules;
using namespace std::chrono_literals;

namespace {

instant at(std::chrono::nanoseconds t) { return {t, t}; }

// ttl 10 s, V 9 s, first retry 200 ms, the longest 1 s.
timings const& ten_seconds() {
  static timings const times = [] {
    lease_timing asked;
    asked.retry_max = 1s;
    return derive(asked, {10s, 0ms, 1s, 1h});
  }();
  return times;
}

/// Leads under a lease that is trusted until then.
doubt_fsm leading_until(std::chrono::nanoseconds t) {
  doubt_fsm fsm(ten_seconds());
  fsm.won(at(t));
  return fsm;
}

bool nothing(doubt_orders const& o) { return !o.lost && !o.extend && !o.ask && !o.ask_after; }

}  // namespace

TEST_CASE("R8: without a doubt every renewal extends the term", "[S6][etcd]") {
  auto fsm = leading_until(109s);
  auto const orders = fsm.renewed(at(112s), std::nullopt, at(103s));
  REQUIRE(orders.extend);
  CHECK(*orders.extend == at(112s));
  CHECK_FALSE(orders.ask);
  CHECK_FALSE(orders.lost);
}

TEST_CASE("R8: in doubt a renewal gives nothing, and asks once more, up to the end that was sure before",
          "[S6][etcd]") {
  auto fsm = leading_until(109s);
  auto orders = fsm.doubt();
  REQUIRE(orders.ask);
  CHECK(*orders.ask == at(109s));
  for (auto const now : {103s, 106s}) {
    orders = fsm.renewed(at(now + 9s), std::nullopt, at(now));
    CHECK_FALSE(orders.extend);
    REQUIRE(orders.ask);
    CHECK(*orders.ask == at(109s));
  }
  orders = fsm.time_over();
  REQUIRE(orders.lost);
  CHECK(orders.lost->why == errc::lease_expired);
}

TEST_CASE("R8: a key that was seen gives what the lease has by then", "[S6][etcd]") {
  auto fsm = leading_until(109s);
  fsm.doubt();
  fsm.renewed(at(112s), std::nullopt, at(103s));
  auto orders = fsm.answered(true, at(112s));
  REQUIRE(orders.extend);
  CHECK(*orders.extend == at(112s));
  CHECK(nothing(fsm.ask_again()));
  orders = fsm.doubt();
  REQUIRE(orders.ask);
  CHECK(*orders.ask == at(112s));
}

TEST_CASE("R8: a key that is not there ends the term", "[S6][etcd]") {
  auto fsm = leading_until(109s);
  fsm.doubt();
  auto const orders = fsm.answered(false, at(112s));
  REQUIRE(orders.lost);
  CHECK(orders.lost->why == errc::lease_lost);
  CHECK_FALSE(orders.extend);
}

TEST_CASE("R8: while no watch is open a renewal gives nothing", "[S5][etcd]") {
  auto fsm = leading_until(109s);
  auto const orders = fsm.renewed(at(112s), at(102s), at(103s));
  CHECK_FALSE(orders.extend);
  REQUIRE(orders.ask);
  CHECK(*orders.ask == at(109s));
  CHECK(fsm.any());
}

TEST_CASE("R8: who has been blind for as long as a lease is trusted goes, though its key was seen meanwhile",
          "[S5][etcd]") {
  auto fsm = leading_until(109s);
  fsm.renewed(at(112s), at(101s), at(103s));
  fsm.answered(true, at(112s));
  auto orders = fsm.renewed(at(119s - 1ns), at(101s), at(110s - 1ns));
  CHECK(orders.ask);
  orders = fsm.renewed(at(119s), at(101s), at(110s));
  REQUIRE(orders.lost);
  CHECK(orders.lost->why == errc::lease_lost);
}

TEST_CASE("R8: questions that are lost are asked again at growing intervals, until one is answered", "[S6][etcd]") {
  auto fsm = leading_until(109s);
  fsm.doubt();
  for (auto const pause : {200ms, 400ms, 800ms, 1'000ms, 1'000ms}) {
    auto const orders = fsm.not_answered();
    REQUIRE(orders.ask_after);
    CHECK(*orders.ask_after == pause);
    CHECK(fsm.ask_again().ask);
  }
  fsm.answered(true, at(112s));
  fsm.doubt();
  CHECK(*fsm.not_answered().ask_after == 200ms);
}

TEST_CASE("R8: a doubt from before the win is laid aside by a commit that shows the key, or asked about after it",
          "[S6][etcd]") {
  doubt_fsm fsm(ten_seconds());
  fsm.doubt();
  CHECK(fsm.any());
  fsm.lay_aside();
  CHECK_FALSE(fsm.any());
  fsm.won(at(109s));
  CHECK(fsm.renewed(at(112s), std::nullopt, at(103s)).extend);
  doubt_fsm other(ten_seconds());
  other.doubt();
  other.won(at(109s));
  CHECK(other.any());
  auto const orders = other.doubt();
  REQUIRE(orders.ask);
  CHECK(*orders.ask == at(109s));
}

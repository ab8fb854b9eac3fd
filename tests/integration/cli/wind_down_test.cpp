// When a child whose term is ending gets SIGTERM and SIGKILL. Times are given, none passes.
#include "cli/wind_down.hpp"
#include "support/catch.hpp"

using coelect::cli::term_view;
using coelect::cli::wind_down;
using namespace std::chrono_literals;

namespace {

constexpr auto unlimited = std::chrono::nanoseconds::max();
wind_down::time_point const start{1h};

term_view calm() { return {.left = 12s}; }
term_view overdue(std::chrono::nanoseconds left) { return {.overdue = true, .left = left}; }

}  // namespace

TEST_CASE("nothing happens while the term is well", "[wind_down]") {
  wind_down w(5s);
  auto const o = w.decide(calm(), start);
  CHECK_FALSE(o.terminate);
  CHECK_FALSE(o.kill);
  CHECK_FALSE(o.look_again);
  CHECK_FALSE(w.begun());
}

TEST_CASE("at risk: SIGTERM at the deadline minus grace, SIGKILL before the deadline", "[wind_down]") {
  wind_down w(2s);
  auto o = w.decide(overdue(3s), start);
  CHECK_FALSE(o.terminate);
  REQUIRE(o.look_again);
  CHECK(*o.look_again == start + 1s);
  o = w.decide(overdue(2s), start + 1s);
  CHECK(o.terminate);
  CHECK_FALSE(o.kill);
  o = w.decide(overdue(1s), start + 2s);
  CHECK_FALSE(o.terminate);
  CHECK_FALSE(o.kill);
  REQUIRE(o.look_again);
  CHECK(*o.look_again < start + 3s);  // the deadline
  o = w.decide(overdue(250ms), start + 2750ms);
  CHECK(o.kill);
  o = w.decide(overdue(100ms), start + 2900ms);
  CHECK_FALSE(o.kill);  // once
}

TEST_CASE("at risk with less time than grace: SIGTERM now, SIGKILL still before the deadline", "[wind_down]") {
  wind_down w(5s);
  auto const o = w.decide(overdue(400ms), start);
  CHECK(o.terminate);
  CHECK_FALSE(o.kill);
  REQUIRE(o.look_again);
  CHECK(*o.look_again > start);
  CHECK(*o.look_again < start + 400ms);
}

TEST_CASE("a renewal that comes through after all leaves the child alone", "[wind_down]") {
  wind_down w(2s);
  w.decide(overdue(3s), start);
  auto const o = w.decide(calm(), start + 1s);
  CHECK_FALSE(o.terminate);
  CHECK_FALSE(o.look_again);
}

TEST_CASE("asked to go: SIGTERM now, SIGKILL after grace, even if renewals go on", "[wind_down]") {
  wind_down w(5s);
  auto o = w.decide({.wanted_back = true, .left = 12s}, start);
  CHECK(o.terminate);
  o = w.decide({.wanted_back = true, .left = 12s}, start + 4s);
  CHECK_FALSE(o.kill);
  o = w.decide({.wanted_back = true, .left = 12s}, start + 5s);
  CHECK(o.kill);
}

TEST_CASE("asked to go with a grace longer than the deadline that nobody renews", "[wind_down]") {
  wind_down w(60s);
  w.decide({.wanted_back = true, .left = 12s}, start);
  auto const o = w.decide({.wanted_back = true, .left = 200ms}, start + 11800ms);
  CHECK(o.kill);
}

TEST_CASE("lost without warning: SIGKILL at once, unless the child holds the lock", "[wind_down]") {
  wind_down unprotected(5s);
  auto o = unprotected.decide({.over = true}, start);
  CHECK(o.terminate);
  CHECK(o.kill);
  wind_down locked(5s);
  o = locked.decide({.over = true, .left = 0s, .child_holds_lock = true}, start);
  CHECK(o.terminate);
  CHECK_FALSE(o.kill);
  o = locked.decide({.over = true, .left = 0s, .child_holds_lock = true}, start + 5s);
  CHECK(o.kill);
}

TEST_CASE("the deadline passes during grace", "[wind_down]") {
  wind_down w(2s);
  w.decide(overdue(2s), start);
  auto const o = w.decide({.over = true}, start + 100ms);  // after a suspend, say
  CHECK(o.kill);
}

TEST_CASE("no grace", "[wind_down]") {
  wind_down w(0s);
  auto const o = w.decide({.wanted_back = true, .left = unlimited}, start);
  CHECK(o.terminate);
  CHECK(o.kill);
}

// election_fsm as scripts: what a candidate does next, with every step failed in turn.
#include "rules/election_fsm.hpp"
#include "support/catch.hpp"

using namespace coelect;
using namespace coelect::rules;
using namespace std::chrono_literals;

namespace {

instant at(std::chrono::nanoseconds t) { return {t, t}; }

election_fsm fresh() { return election_fsm(100ms, 5s, 11); }

election_fsm leading(std::uint64_t token = 5) {
  auto fsm = fresh();
  fsm.campaign(false);
  fsm.held({token, at(100s)}, at(1s));
  REQUIRE(fsm.leading());
  return fsm;
}

}  // namespace

TEST_CASE("campaign: enter, try, wait, try again, lead") {
  auto fsm = fresh();
  auto o = fsm.campaign(false);
  CHECK(o.enter);
  CHECK(o.ask == request::try_acquire);
  CHECK(fsm.busy());
  CHECK(fsm.taken().ask == request::wait_turn);
  CHECK(fsm.turn().ask == request::try_acquire);
  o = fsm.held({5, at(100s)}, at(1s));
  CHECK(o.begin_term);
  CHECK(fsm.leading());
  CHECK(fsm.busy());
}

TEST_CASE("R2: a grant that has run out before we heard of it is given back, not used") {
  auto fsm = fresh();
  fsm.campaign(false);
  auto o = fsm.held({5, at(100s)}, at(100s));
  CHECK_FALSE(o.begin_term);
  CHECK(o.ask == request::leave);
  o = fsm.left({});
  CHECK(o.discard);
  CHECK(o.pause);
  o = fsm.pause_over();
  CHECK(o.enter);
}

TEST_CASE("R6: the term ends locally before the release is asked for") {
  auto fsm = leading();
  auto const o = fsm.resign();
  REQUIRE(o.end_term);
  CHECK(o.end_term->how() == end_of_term::resigned);
  CHECK(o.ask == request::leave);  // the shell carries out end_term first
  CHECK_FALSE(fsm.leading());
}

TEST_CASE("R6: every candidacy has an identity of its own") {
  auto fsm = leading();
  fsm.resign();
  CHECK(fsm.left({}).discard);
  CHECK(fsm.campaign(false).enter);
}

TEST_CASE("R7: a token that does not grow is an error, not a term", "[S9][S10][etcd][azure]") {
  for (std::uint64_t const token : {4, 5}) {
    auto fsm = leading(5);
    fsm.resign();
    fsm.left({});
    fsm.campaign(false);
    auto o = fsm.held({token, at(100s)}, at(1s));
    CHECK_FALSE(o.begin_term);
    CHECK(o.ask == request::leave);
    o = fsm.left({});
    REQUIRE(o.campaign_done);
    CHECK(*o.campaign_done == errc::store_reset);
  }
}

TEST_CASE("try_campaign ends after one attempt, whatever comes of it") {
  auto fsm = fresh();
  fsm.campaign(true);
  auto o = fsm.taken();
  CHECK(o.ask == request::leave);
  o = fsm.left({});
  REQUIRE(o.campaign_done);
  CHECK_FALSE(*o.campaign_done);
  fsm.campaign(true);
  fsm.failed(errc::unreachable);
  o = fsm.left({});
  REQUIRE(o.campaign_done);
  CHECK(*o.campaign_done == errc::unreachable);
}

TEST_CASE("transient trouble is retried for ever, with a growing pause and the same identity", "[N1][etcd][azure]") {
  auto fsm = fresh();
  fsm.campaign(false);
  std::chrono::nanoseconds longest{};
  for (int i = 0; i < 50; ++i) {
    auto const o = fsm.failed(i % 2 ? errc::timed_out : errc::overloaded);
    REQUIRE(o.pause);
    CHECK_FALSE(o.campaign_done);
    CHECK(*o.pause >= 100ms);
    CHECK(*o.pause <= 5s);
    longest = std::max(longest, *o.pause);
    auto const again = fsm.pause_over();
    CHECK(again.ask == request::try_acquire);
    CHECK_FALSE(again.enter);
  }
  CHECK(longest > 1s);
}

TEST_CASE("a lost place in the queue starts again with a fresh identity") {
  auto fsm = fresh();
  fsm.campaign(false);
  fsm.taken();
  CHECK(fsm.failed(errc::candidacy_lost).ask == request::leave);
  CHECK(fsm.left({}).discard);
  CHECK(fsm.pause_over().enter);
}

TEST_CASE("fatal trouble ends the campaign, after leaving") {
  for (auto const why : {errc::unauthorized, errc::bad_record, errc::unsupported, errc::store_reset}) {
    auto fsm = fresh();
    fsm.campaign(false);
    auto o = fsm.failed(why);
    CHECK(o.ask == request::leave);
    CHECK_FALSE(o.campaign_done);
    o = fsm.left(errc::timed_out);  // even when that is not confirmed
    REQUIRE(o.campaign_done);
    CHECK(*o.campaign_done == why);
    CHECK(fsm.idle());
  }
}

TEST_CASE("withdrawing at every step leaves first and then completes the campaign") {
  auto const aborted = boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
  for (int step = 0; step < 5; ++step) {
    auto fsm = fresh();
    fsm.campaign(false);
    if (step == 1) fsm.taken();
    if (step == 2) fsm.failed(errc::unreachable);
    if (step == 3) fsm.held({5, at(1s)}, at(2s));  // too late: leaving, to retry
    if (step == 4) {                               // between two identities: nothing to leave
      fsm.held({5, at(1s)}, at(2s));
      fsm.left({});
    }
    auto const o = fsm.withdraw(aborted);
    if (step == 4) {
      REQUIRE(o.campaign_done);
      CHECK(*o.campaign_done == aborted);
      continue;
    }
    CHECK_FALSE(o.campaign_done);
    auto const done = fsm.left({});
    REQUIRE(done.campaign_done);
    CHECK(*done.campaign_done == aborted);
    CHECK(fsm.idle());
    CHECK_FALSE(fsm.held({6, at(100s)}, at(3s)).begin_term);  // late answers change nothing
  }
}

TEST_CASE("a lost term keeps what it holds until its owner lets go") {
  auto fsm = leading();
  auto o = fsm.hold_lost(errc::lease_lost, "deleted");
  REQUIRE(o.end_term);
  CHECK(o.end_term->how() == end_of_term::lost);
  CHECK(o.end_term->detail() == "deleted");
  CHECK(o.ask == request::none);
  CHECK_FALSE(fsm.busy());
  o = fsm.resign();
  CHECK_FALSE(o.end_term);
  CHECK(o.ask == request::leave);
}

TEST_CASE("standing again after a loss gives the old hold back first") {
  auto fsm = leading();
  fsm.hold_lost(errc::lease_expired, {});
  auto o = fsm.campaign(false);
  CHECK(o.ask == request::leave);
  CHECK_FALSE(o.enter);
  o = fsm.left({});
  CHECK(o.discard);
  CHECK(o.enter);
  CHECK(o.ask == request::try_acquire);
}

TEST_CASE("stop ends whatever is going on, for good") {
  auto idle = fresh();
  CHECK(idle.stop().released);
  auto standing = fresh();
  standing.campaign(false);
  standing.taken();
  CHECK(standing.stop().ask == request::leave);
  auto const o = standing.left({});
  CHECK(*o.campaign_done == errc::stopped);
  CHECK(o.released);
  auto leads = leading();
  auto const end = leads.stop();
  REQUIRE(end.end_term);
  CHECK(end.end_term->how() == end_of_term::stopped);
  CHECK(end.ask == request::leave);
  CHECK(leads.stopped());
}

TEST_CASE("under a running body stop and depose warn first and wait for it") {
  auto fsm = leading();
  fsm.supervised(true);
  auto o = fsm.stop();
  CHECK_FALSE(o.end_term);
  CHECK(o.ask == request::none);
  REQUIRE(o.warn);
  CHECK(*o.warn == risk::stopping);
  CHECK(fsm.leading());
  o = fsm.resign();
  REQUIRE(o.end_term);
  CHECK(o.end_term->how() == end_of_term::stopped);
  CHECK(o.ask == request::leave);
}

TEST_CASE("whoever was deposed stands back before it stands again") {
  auto fsm = leading();
  auto o = fsm.deposed();
  REQUIRE(o.end_term);
  CHECK(o.end_term->how() == end_of_term::deposed);
  fsm.left({});
  o = fsm.campaign(false);
  CHECK_FALSE(o.enter);
  REQUIRE(o.pause);
  CHECK(*o.pause == 5s);
  CHECK(fsm.pause_over().enter);
}

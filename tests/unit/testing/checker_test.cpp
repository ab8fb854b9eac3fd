// The judge of elections: each kind of complaint, what is no ground for one, and excuses.
#include "support/catch.hpp"
#include <coelect/testing/checker.hpp>

using namespace coelect::test;
using namespace coelect::testing;
using namespace std::chrono_literals;

namespace {

event at(nanoseconds when, happening what, std::uint64_t token, std::string who = "A", std::string why = {}) {
  event e;
  e.what = what;
  e.at = when;
  e.token = token;
  e.candidate = std::move(who);
  e.detail = std::move(why);
  return e;
}

event valid(nanoseconds from, nanoseconds until, std::uint64_t token, std::string who = "A") {
  auto e = at(from, happening::valid, token, std::move(who));
  e.until = until;
  return e;
}

event excuse(nanoseconds from, nanoseconds until) {
  auto e = at(from, happening::excuse, 0, {}, "an operator broke the lease");
  e.until = until;
  return e;
}

checker judged(std::vector<event> const& all) {
  checker judge;
  for (auto const& one : all) judge.see(one);
  return judge;
}

void check_only(checker const& judge, std::uint64_t const& kind, std::string const& words) {
  INFO(judge.summary());
  CHECK(kind == 1);
  REQUIRE(judge.complaints().size() == 1);
  CHECK_THAT(judge.complaints().front(), ContainsSubstring(words));
  CHECK_FALSE(judge.fine());
}

}  // namespace

TEST_CASE("an election as it must be has no complaint", "[testing]") {
  auto const judge = judged({
      at(1s, happening::granted, 1),
      at(1s, happening::elected, 1),
      valid(1s, 9s, 1),
      at(2s, happening::accepted, 1),
      at(8s, happening::at_risk, 1),
      at(9s, happening::lost, 1, "A", "expired"),
      at(10s, happening::dropped, 1),
      at(10s, happening::granted, 2, "B"),
      at(10s, happening::elected, 2, "B"),
      valid(10s, 20s, 2, "B"),
      at(11s, happening::accepted, 2, "B"),
      at(12s, happening::refused, 1),
      at(20s, happening::resigned, 2, "B"),
      at(20s, happening::lost, 2, "B", "resigned"),
  });
  CHECK(judge.complaints().empty());
  CHECK(judge.fine());
  CHECK(judge.counts().terms == 2);
  CHECK(judge.counts().samples == 2);
  CHECK(judge.counts().accepted == 2);
  CHECK(judge.counts().refused == 1);
  CHECK(
      judge.summary() ==
      "2 terms, 0 overlaps, 0 token regressions, 0 stale writes done, 1 refused, 0 holds outlived, 0 wrong signals, 0 "
      "excused");
}

TEST_CASE("two valid in one sample are an overlap", "[testing]") {
  checker judge;
  judge.sample(1s, {1, 0});
  judge.sample(2s, {0, 0});
  judge.sample(3s, {0, 2});
  CHECK(judge.fine());
  judge.sample(3500ms, {3, 2});
  check_only(judge, judge.counts().overlaps, "at 3.500000 s token 3 and token 2 are both valid");
}

TEST_CASE("two intervals that meet in more than a moment are an overlap", "[testing]") {
  auto const judge = judged({valid(1s, 5s, 1), valid(4s, 9s, 2, "B")});
  check_only(judge, judge.counts().overlaps, "at 4.000000 s token 1 and token 2 were both valid, for 1000000000 ns");
  CHECK(judged({valid(1s, 5s, 1), valid(5s, 9s, 2, "B")}).fine());
}

TEST_CASE("one yes amidst the other's time is an overlap", "[testing]") {
  // Samples of a program that says once in a while that it may act: valid_until is not known, the moments are.
  auto const judge = judged({valid(1s, 0s, 1), valid(5s, 0s, 2, "B"), valid(9s, 0s, 1)});
  check_only(judge, judge.counts().overlaps, "token 2 and token 1 were both valid");
  CHECK(judged({valid(1s, 0s, 1), valid(5s, 0s, 1), valid(5s, 0s, 2, "B"), valid(9s, 0s, 2, "B")}).fine());
}

TEST_CASE("a token below an earlier one is a regression", "[testing]") {
  auto const judge = judged({at(1s, happening::elected, 7), at(2s, happening::elected, 6, "B")});
  check_only(judge, judge.counts().regressions, "token 6 was won after token 7");
}

TEST_CASE("a token has one holder and is won once", "[testing]") {
  auto const two = judged({at(1s, happening::elected, 7), at(2s, happening::elected, 7, "B")});
  check_only(two, two.counts().regressions, "token 7 was won by A and by B");
  auto const twice = judged({at(1s, happening::elected, 7), at(2s, happening::elected, 7)});
  check_only(twice, twice.counts().regressions, "token 7 was won twice by A");
}

TEST_CASE("the store's grants go up, to one candidate each", "[testing]") {
  auto const back = judged({at(2s, happening::granted, 7), at(1s, happening::granted, 5, "B")});
  check_only(back, back.counts().regressions, "the store granted token 5 after token 7");
  auto const again = judged({at(1s, happening::granted, 7), at(2s, happening::granted, 7)});
  check_only(again, again.counts().regressions, "the store granted token 7 after token 7");
  auto const other = judged({at(1s, happening::elected, 7), at(2s, happening::granted, 7, "B")});
  check_only(other, other.counts().regressions, "token 7 was granted to A and to B");
}

TEST_CASE("a write of an older token after one of a newer is stale", "[testing]") {
  auto const judge =
      judged({at(1s, happening::accepted, 1), at(2s, happening::accepted, 2), at(3s, happening::accepted, 1)});
  check_only(judge, judge.counts().stale_writes, "at 3.000000 s a write of token 1 was done after one of token 2");
  CHECK(judge.counts().accepted == 3);
  // The resource's order counts, not the time at which somebody wrote it down.
  CHECK(judged({at(3s, happening::accepted, 1), at(2s, happening::accepted, 2)}).fine());
}

TEST_CASE("a resource that refuses a token which is not old is wrong as well", "[testing]") {
  auto const judge = judged({at(1s, happening::accepted, 2), at(2s, happening::refused, 3)});
  check_only(judge, judge.counts().stale_writes, "the resource refused token 3, which is not old");
  CHECK(judged({at(1s, happening::accepted, 2), at(2s, happening::refused, 1)}).fine());
}

TEST_CASE("valid after the store has dropped the hold is outlived, in either order of hearing", "[testing]") {
  auto const late = judged({valid(1s, 2s, 1), at(3s, happening::dropped, 1), valid(4s, 5s, 1)});
  check_only(late, late.counts().outlived, "token 1 was valid after the store had dropped it");
  auto const early = judged({valid(1s, 5s, 1), at(3s, happening::dropped, 1)});
  check_only(early, early.counts().outlived, "token 1 was still valid after the store had dropped it");
  CHECK(judged({valid(1s, 3s, 1), at(3s, happening::dropped, 1)}).fine());
  CHECK(judged({at(3s, happening::dropped, 9)}).fine());  // of nobody we know
}

TEST_CASE("a term that came back after a no is complained of", "[testing]") {
  checker judge;
  judge.sample(1s, {1});
  judge.sample(2s, {});
  judge.sample(3s, {1});
  check_only(judge, judge.counts().signals, "token 1 was valid again after valid() had said no");
  auto const resigned = judged({valid(1s, 2s, 1), at(2s, happening::resigned, 1), valid(3s, 4s, 1)});
  check_only(resigned, resigned.counts().signals, "token 1 was valid again");
  auto const lost = judged(
      {at(1s, happening::elected, 1), valid(1s, 2s, 1), at(2s, happening::lost, 1, "A", "expired"), valid(3s, 4s, 1)});
  check_only(lost, lost.counts().signals, "token 1 was valid again");
}

TEST_CASE("lost() comes once, after a win, with a reason", "[testing]") {
  auto const won = at(1s, happening::elected, 1);
  auto const lost = at(2s, happening::lost, 1, "A", "expired");
  auto const twice = judged({won, lost, lost});
  check_only(twice, twice.counts().signals, "token 1 was lost twice");
  auto const never = judged({lost});
  check_only(never, never.counts().signals, "token 1 was lost, but never won");
  auto const why = judged({won, at(2s, happening::lost, 1)});
  check_only(why, why.counts().signals, "token 1 was lost without a reason");
  auto const risk = judged({won, lost, at(3s, happening::at_risk, 1)});
  check_only(risk, risk.counts().signals, "token 1 was at risk after it had been lost");
}

TEST_CASE("an excuse covers overlaps and outlived holds until its end, and is counted", "[testing]") {
  checker judge;
  judge.see(excuse(1s, 5s));
  judge.sample(2s, {1, 2});
  CHECK(judge.fine());
  CHECK(judge.counts().excused == 1);
  CHECK(judge.counts().overlaps == 0);
  judge.see(at(3s, happening::dropped, 1));
  judge.sample(4s, {1});
  CHECK(judge.fine());
  CHECK(judge.counts().excused == 2);
  judge.sample(5s, {1});
  CHECK(judge.counts().outlived == 1);
  // Tokens and writes are never excused.
  auto const stale = judged({excuse(0s, 1h), at(1s, happening::accepted, 2), at(2s, happening::accepted, 1)});
  check_only(stale, stale.counts().stale_writes, "a write of token 1");
}

TEST_CASE("a later, shorter excuse takes nothing from an earlier one", "[testing]") {
  auto const judge = judged({excuse(1s, 9s), excuse(2s, 3s), valid(4s, 8s, 1), valid(5s, 8s, 2, "B")});
  CHECK(judge.fine());
  CHECK(judge.counts().excused == 1);
}

TEST_CASE("the first 20 complaints are kept, and all are counted", "[testing]") {
  checker judge;
  for (int i = 0; i < 50; ++i) judge.sample(std::chrono::seconds(i), {1, 2});
  CHECK(judge.complaints().size() == 20);
  CHECK(judge.counts().overlaps >= 50);
  CHECK_THAT(judge.complaints().front(), StartsWith("at 0.000000 s "));
}

TEST_CASE("thousands of terms: the last are remembered", "[testing]") {
  checker judge;
  for (std::uint64_t token = 1; token <= 10'000; ++token) {
    auto const when = std::chrono::seconds(token);
    judge.see(at(when, happening::elected, token));
    judge.see(valid(when, when + 500ms, token));
    judge.see(at(when + 600ms, happening::lost, token, "A", "expired"));
  }
  CHECK(judge.fine());
  CHECK(judge.counts().terms == 10'000);
  judge.see(valid(9'999s, 9'999s + 1ms, 9'999));
  CHECK_FALSE(judge.fine());
}

TEST_CASE("what is nothing is passed over", "[testing]") {
  CHECK(judged({event{}}).fine());
  checker judge;
  judge.sample(1s, {0, 0, 0});
  CHECK(judge.counts().terms == 0);
  CHECK(judge.counts().samples == 0);
}

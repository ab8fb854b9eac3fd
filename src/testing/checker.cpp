// What must hold in every election, whatever happened to it.
#include <algorithm>
#include <coelect/testing/checker.hpp>
#include <iterator>
#include <utility>

namespace coelect::testing {

namespace {

std::string named(std::uint64_t token) { return "token " + std::to_string(token); }

std::string moment(nanoseconds at) {
  auto const us = std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(at).count() % 1'000'000);
  auto const s = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(at).count());
  return s + "." + std::string(6 - us.size(), '0') + us + " s";
}

}  // namespace

checker::term* checker::find(std::uint64_t token) {
  auto const it = std::find_if(terms_.rbegin(), terms_.rend(), [&](term const& t) { return t.token == token; });
  return it == terms_.rend() ? nullptr : &*it;
}

checker::term& checker::of(std::uint64_t token, std::string const& candidate) {
  if (auto* const known = find(token)) {
    if (known->candidate.empty()) known->candidate = candidate;
    return *known;
  }
  ++counts_.terms;
  if (terms_.size() == 64) terms_.pop_front();
  terms_.emplace_back();
  terms_.back().token = token;
  terms_.back().candidate = candidate;
  return terms_.back();
}

void checker::complain(std::uint64_t& kind, nanoseconds at, std::string what) {
  ++kind;
  if (complaints_.size() < 20) complaints_.push_back("at " + moment(at) + " " + std::move(what));
}

void checker::see(event const& one) {
  switch (one.what) {
    case happening::elected: return elected(one);
    case happening::valid: return valid(of(one.token, one.candidate), one.at, std::max(one.at, one.until));
    case happening::at_risk: {
      auto& who = of(one.token, one.candidate);
      if (who.ended) complain(counts_.signals, one.at, named(one.token) + " was at risk after it had been lost");
      return;
    }
    case happening::lost: return ended(one);
    case happening::resigned: of(one.token, one.candidate).said_no = true; return;
    case happening::accepted:
    case happening::refused: return wrote(one);
    case happening::granted: return granted(one);
    case happening::dropped:
      if (auto* const who = find(one.token); who && who->dropped < nanoseconds(0)) {
        who->dropped = one.at;
        if (who->last > one.at && !excused(one.at))
          complain(counts_.outlived, one.at, named(one.token) + " was still valid after the store had dropped it");
      }
      return;
    case happening::excuse: excused_until_ = std::max(excused_until_, one.until); return;
  }
}

void checker::elected(event const& one) {
  auto& who = of(one.token, one.candidate);
  if (who.candidate != one.candidate)
    complain(counts_.regressions, one.at,
             named(one.token) + " was won by " + who.candidate + " and by " + one.candidate);
  else if (who.heard) complain(counts_.regressions, one.at, named(one.token) + " was won twice by " + one.candidate);
  who.heard = true;
  if (one.token < newest_elected_ && !excused(one.at))
    complain(counts_.regressions, one.at, named(one.token) + " was won after " + named(newest_elected_));
  newest_elected_ = std::max(newest_elected_, one.token);
}

void checker::valid(term& who, nanoseconds from, nanoseconds until) {
  ++counts_.samples;
  if (who.said_no) {
    complain(counts_.signals, from, named(who.token) + " was valid again after valid() had said no");
    who.said_no = false;
  }
  if (who.dropped >= nanoseconds(0) && until > who.dropped) {
    if (excused(until)) ++counts_.excused;
    else complain(counts_.outlived, until, named(who.token) + " was valid after the store had dropped it");
  }
  who.first = who.first < nanoseconds(0) ? from : std::min(who.first, from);
  who.last = std::max(who.last, until);
  for (auto const& other : terms_) {
    if (other.token == who.token || other.last < nanoseconds(0)) continue;
    // One may end in the moment in which the other begins. A single yes amidst the other's time is an overlap.
    if (other.last <= who.first || who.last <= other.first) continue;
    auto const begin = std::max(other.first, who.first);
    auto const end = std::min(other.last, who.last);
    if (end <= excused_until_) ++counts_.excused;  // it must also end inside
    else
      complain(counts_.overlaps, begin,
               named(other.token) + " and " + named(who.token) + " were both valid, for " +
                   std::to_string((end - begin).count()) + " ns");
  }
}

void checker::sample(nanoseconds at, std::vector<std::uint64_t> const& valid) {
  std::vector<std::uint64_t> now;
  std::copy_if(valid.begin(), valid.end(), std::back_inserter(now), [](std::uint64_t token) { return token != 0; });
  for (auto const token : valid_before_) {
    if (std::find(now.begin(), now.end(), token) != now.end()) continue;
    if (auto* const gone = find(token)) gone->said_no = true;
  }
  for (auto const token : now) this->valid(of(token, {}), at, at);
  if (now.size() > 1) {
    if (excused(at)) ++counts_.excused;
    else complain(counts_.overlaps, at, named(now[0]) + " and " + named(now[1]) + " are both valid");
  }
  valid_before_ = std::move(now);
}

void checker::ended(event const& one) {
  auto& who = of(one.token, one.candidate);
  if (who.ended) complain(counts_.signals, one.at, named(one.token) + " was lost twice");
  if (!who.heard) complain(counts_.signals, one.at, named(one.token) + " was lost, but never won");
  if (one.detail.empty()) complain(counts_.signals, one.at, named(one.token) + " was lost without a reason");
  who.ended = true;
  who.said_no = true;
}

void checker::wrote(event const& one) {
  if (one.what == happening::refused) {
    ++counts_.refused;
    if (one.token >= newest_written_)
      complain(counts_.stale_writes, one.at, "the resource refused " + named(one.token) + ", which is not old");
    return;
  }
  ++counts_.accepted;
  if (one.token < newest_written_)
    complain(counts_.stale_writes, one.at,
             "a write of " + named(one.token) + " was done after one of " + named(newest_written_));
  newest_written_ = std::max(newest_written_, one.token);
}

void checker::granted(event const& one) {
  auto& who = of(one.token, one.candidate);
  if (one.token <= newest_granted_)
    complain(counts_.regressions, one.at, "the store granted " + named(one.token) + " after " + named(newest_granted_));
  if (who.candidate != one.candidate)
    complain(counts_.regressions, one.at,
             named(one.token) + " was granted to " + who.candidate + " and to " + one.candidate);
  newest_granted_ = std::max(newest_granted_, one.token);
}

std::string checker::summary() const {
  auto const& c = counts_;
  auto const n = [](std::uint64_t count, char const* what) { return std::to_string(count) + " " + what; };
  return n(c.terms, "terms, ") + n(c.overlaps, "overlaps, ") + n(c.regressions, "token regressions, ") +
         n(c.stale_writes, "stale writes done, ") + n(c.refused, "refused, ") + n(c.outlived, "holds outlived, ") +
         n(c.signals, "wrong signals, ") + n(c.excused, "excused");
}

}  // namespace coelect::testing

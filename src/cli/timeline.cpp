// Remembers who led when in a demonstration, and what it took to replace a leader.
#include "cli/timeline.hpp"
#include "cli/text.hpp"
#include <algorithm>
#include <utility>

namespace coelect::cli {

void timeline::close(std::vector<stretch>& list, std::size_t who, time at) {
  for (auto& s : list)
    if (s.who == who && !s.end) s.end = at;
}

void timeline::joined(std::size_t who, time at) {
  if (presences_.empty()) take_overs_.push_back({cause::start, {}, at});
  auto const is_there = [who](stretch const& s) { return s.who == who && !s.end; };
  if (std::ranges::none_of(presences_, is_there)) presences_.push_back({who, at});
}

void timeline::elected(std::size_t who, std::uint64_t token, time at) {
  bool const awaited = !take_overs_.empty() && !take_overs_.back().end;
  if (!awaited) take_overs_.push_back({cause::other, {}, at});
  auto& t = take_overs_.back();
  t.to = who;
  t.end = at;
  t.token = token;
  if (t.why == cause::stop) close(terms_, *t.from, at);
  terms_.push_back({who, at, {}, token});
}

void timeline::ended(std::size_t who, time at) {
  close(terms_, who, at);
  close(pauses_, who, at);
  close(presences_, who, at);
}

void timeline::vacated(cause why, std::size_t who, time at) {
  close(terms_, who, at);
  take_overs_.push_back({why, who, at});
}

void timeline::stopped(std::size_t who, time at, bool runs_out) {
  pauses_.push_back({who, at});
  bool const awaited = !take_overs_.empty() && !take_overs_.back().end;
  if (runs_out && !awaited) take_overs_.push_back({cause::stop, who, at});
}

void timeline::went_on(std::size_t who, time at) {
  close(pauses_, who, at);
  forget_stop();
}

void timeline::forget_stop() {
  bool const awaited = !take_overs_.empty() && take_overs_.back().why == cause::stop && !take_overs_.back().end;
  if (awaited) take_overs_.pop_back();
}

void timeline::finish(time at) {
  length_ = at;
  for (auto* const list : {&presences_, &terms_, &pauses_})
    for (auto& s : *list)
      if (!s.end) s.end = at;
}

std::string timeline::lengths(cause why) const {
  std::string all;
  for (auto const& t : take_overs_)
    if (t.why == why && t.end) all += (all.empty() ? "" : ", ") + span(t.length());
  return all;
}

std::vector<timeline::gap> timeline::gaps() const {
  std::vector<gap> all;
  if (terms_.empty()) return all;
  auto led_until = terms_.front().begin;
  for (auto const& term : terms_) {
    if (term.begin > led_until) all.push_back({led_until, term.begin});
    led_until = std::max(led_until, *term.end);
  }
  if (length_ > led_until) all.push_back({led_until, length_});
  return all;
}

bool timeline::tokens_grew() const {
  std::uint64_t last = 0;
  for (auto const& term : terms_)
    if (term.token <= std::exchange(last, term.token)) return false;
  return true;
}

}  // namespace coelect::cli

// Remembers who led when in a demonstration, and what it took to replace a leader.
#include "cli/timeline.hpp"
#include "cli/text.hpp"
#include <utility>

namespace coelect::cli {

void timeline::close(std::vector<stretch>& list, std::size_t who, time at) {
  for (auto& s : list)
    if (s.who == who && !s.end) s.end = at;
}

void timeline::joined(std::size_t who, time at) {
  if (presences_.empty()) take_overs_.push_back({cause::start, {}, at});
  presences_.push_back({who, at});
}

void timeline::elected(std::size_t who, std::uint64_t token, time at) {
  bool const awaited = !take_overs_.empty() && !take_overs_.back().end;
  if (!awaited) take_overs_.push_back({cause::other, {}, at});
  auto& t = take_overs_.back();
  t.to = who;
  t.end = at;
  t.token = token;
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

bool timeline::tokens_grew() const {
  std::uint64_t last = 0;
  for (auto const& term : terms_)
    if (term.token <= std::exchange(last, term.token)) return false;
  return true;
}

}  // namespace coelect::cli

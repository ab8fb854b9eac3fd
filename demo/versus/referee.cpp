// Reads what the candidates of one kind noted and counts: two that said yes at a moment, and stale writes.
#include "referee.hpp"
#include <algorithm>
#include <coelect/fence.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace versus {

namespace {
constexpr ns same_reign = 60'000'000;  // samples that are no further apart belong together
}

void referee::clear() {
  reigns_.clear();
  writes_.clear();
}

void referee::read(std::filesystem::path const& file, int who) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line) && !in.eof();) {  // the last line may be in half
    std::istringstream words(line);
    std::string what;
    reign r{who, 0, 0, 0};
    words >> what >> r.term >> r.begin;
    if (what == "write") writes_.push_back({r.term, r.begin});
    else if (words >> r.end) add(r);
  }
}

void referee::add(reign r) {
  bool const goes_on = !reigns_.empty() && reigns_.back().who == r.who && reigns_.back().term == r.term &&
                       r.begin - reigns_.back().end < same_reign;
  if (goes_on) reigns_.back().end = r.end;
  else reigns_.push_back(r);
}

std::optional<reign> referee::leader(ns now, ns fresh) const {
  std::optional<reign> newest;
  for (auto const& r : reigns_)
    if (!newest || r.term > newest->term || (r.term == newest->term && r.end > newest->end)) newest = r;
  if (newest && now - newest->end > fresh) newest.reset();
  return newest;
}

count referee::judge(ns from, ns to) const {
  count found;
  std::set<std::pair<std::uint64_t, std::uint64_t>> pairs;
  for (auto const& a : reigns_)
    for (auto const& b : reigns_) {
      auto const begin = std::max(a.begin, b.begin);
      auto const end = std::min(a.end, b.end);
      if (a.who >= b.who || end <= begin || begin < from || begin >= to) continue;
      pairs.insert({a.term, b.term});
      found.both += end - begin;
    }
  found.overlaps = static_cast<int>(pairs.size());

  auto in_order = writes_;
  std::stable_sort(in_order.begin(), in_order.end(), [](auto& a, auto& b) { return a.when < b.when; });
  coelect::fence resource;
  for (auto const& w : in_order) {
    bool const stale = w.term < resource.highest();
    bool const admitted = resource.admit(w.term);
    if (!stale || w.when < from || w.when >= to) continue;
    ++found.stale_writes;
    if (!admitted) ++found.refused;
  }
  return found;
}

}  // namespace versus

// What has been measured: a sample for each time somebody played, and medians over the rounds.
#include "harness/results.hpp"
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace bench {
namespace {

constexpr double busy_from = 0.2;

[[noreturn]] void impossible(sample const& s, std::string const& what) {
  throw std::runtime_error("cannot be: " + what + " (" + s.participant + ", " + s.workload + " " + s.row + ")");
}

void check(sample const& s) {
  if (s.values.empty()) impossible(s, "no number at all");
  for (auto const& [name, value] : s.values) {
    if (!std::isfinite(value)) impossible(s, name + " is no number");
    bool const may_fall = name == "bytes_per_item" || name == "after_expiry_ms";  // differences
    if (value < 0 && !may_fall) impossible(s, name + " = " + std::to_string(value));
    if (name.size() < 5 || name.compare(name.size() - 4, 4, "_p50") != 0) continue;
    auto const p99 = s.values.find(name.substr(0, name.size() - 3) + "p99");
    if (value <= 0) impossible(s, name + " = 0");
    if (p99 != s.values.end() && value > p99->second) impossible(s, name + " is above its p99");
  }
  auto const lead = s.values.find("lead_us_p50"), cycle = s.values.find("cycle_us_p50");
  if (lead != s.values.end() && cycle != s.values.end() && lead->second > cycle->second)
    impossible(s, "led after everything was over");
}

template <class Of>
void add_if_new(std::vector<std::string>& all, Of const& one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

}  // namespace

void results::add(sample s) {
  check(s);
  samples_.push_back(std::move(s));
}

std::vector<std::string> results::rows(std::string const& workload) const {
  std::vector<std::string> all;
  for (auto const& s : samples_)
    if (s.workload == workload) add_if_new(all, s.row);
  return all;
}

std::vector<std::string> results::participants(std::string const& workload, std::string const& row) const {
  std::vector<std::string> all;
  // In the order of the first row: the rounds begin with somebody else each time.
  for (auto const* const name : {"ours", "floor"})
    for (auto const& s : samples_)
      if (s.workload == workload && s.row == row && s.participant == name) add_if_new(all, s.participant);
  for (auto const& s : samples_)
    if (s.workload == workload && s.row == row) add_if_new(all, s.participant);
  return all;
}

std::optional<results::spread> results::over_rounds(std::string const& workload, std::string const& row,
                                                    std::string const& participant, std::string const& metric) const {
  std::vector<double> values;
  for (auto const& s : samples_) {
    if (s.workload != workload || s.row != row || s.participant != participant) continue;
    auto const found = s.values.find(metric);
    if (found != s.values.end()) values.push_back(found->second);
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return spread{values[values.size() / 2], values.front(), values.back()};
}

double results::busy_part(std::string const& workload) const {
  double busy = 0, all = 0;
  for (auto const& s : samples_) {
    if (s.workload != workload) continue;
    ++all;
    busy += s.busy > busy_from ? 1 : 0;
  }
  return all > 0 ? busy / all : 0;
}

}  // namespace bench

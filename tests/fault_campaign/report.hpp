// What people read about a run: the figures as text, and the take-over times as a picture.
#pragma once
#include "judge.hpp"
#include <set>

namespace coelect::test {

struct setting {
  double minutes = 0;
  std::uint64_t seed = 0;
  std::set<std::string> stages;
};

/// How many faults of a kind a run of that length should have made: the aims are for 15 minutes.
std::string report_text(verdict const& v, setting const& s);
std::string takeover_svg(verdict const& v, setting const& s);

}  // namespace coelect::test

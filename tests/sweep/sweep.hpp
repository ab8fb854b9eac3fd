// Harms a scenario at its first step, at its second, and so on to its end.
#pragma once
#include "harm.hpp"
#include <iosfwd>

namespace coelect::test {

struct figures {
  std::size_t points = 0;   ///< Runs that were harmed.
  std::size_t pending = 0;  ///< Of these, while the operation was under way.
  std::size_t aborted = 0;  ///< Of these, ended with operation_aborted.
  nanoseconds longest{};    ///< From a cancellation to the completion.
  std::vector<std::string> wrong;
  figures& operator+=(figures const& other);
};

/// COELECT_SWEEP_STRIDE, or the stage's own: 1, which is every step.
std::size_t stride(stage_facts const& facts);
figures sweep(make_stage const& make, scenario const& what, way how, std::size_t first = 0);

}  // namespace coelect::test

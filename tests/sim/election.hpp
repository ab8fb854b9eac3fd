// One simulated election from a seed: faults first, then they stop and somebody must lead, then all go and nothing must stay.
#pragma once
#include <coelect/testing/checker.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coelect::sim {

/// What came of one seed.
struct verdict {
  std::string drawn;                    ///< What the seed is made of.
  std::vector<std::string> complaints;  ///< Empty: all is as it must be.
  testing::checker::figures counts;     ///< Of valid() and the outside resource.
  std::uint64_t guarded = 0;            ///< Writes that the store itself guarded.
  std::uint64_t steps = 0;
  std::uint64_t hash = 0;
  double requests = 0;         ///< A second, of each host.
  double seconds_to_lead = 0;  ///< Virtual time from the end of the faults to a leader.
  std::vector<std::string> last_notes;
};

/// `store`: "memory", "etcd" or "azure". `trace`: prints everything of note as it happens.
verdict play(std::string_view store, std::uint64_t seed, bool trace);

}  // namespace coelect::sim

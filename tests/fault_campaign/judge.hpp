// Judges a run by its journals: as `coelect check` does, and what only the campaign knows about its faults.
#pragma once
#include <coelect/testing/checker.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace coelect::test {

using std::chrono::nanoseconds;

/// Two terms of one election that were valid at the same time.
struct overlap {
  std::string election;
  std::uint64_t older = 0, newer = 0;
  nanoseconds begin{}, end{};
  std::string excuse;       ///< Why the store or an operator is to blame; empty: nobody but us.
  std::string older_ended;  ///< How the older term ended, as its holder says.
};

/// From what ended a term to the next one's beginning.
struct takeover {
  std::string stage, cause;
  double ms = 0;
};

struct verdict {
  double minutes = 0;
  std::uint64_t seed = 0;
  testing::checker::figures sum;                             ///< Of all elections.
  std::map<std::string, std::string> summaries;              ///< By election, as `coelect check` prints them.
  std::map<std::string, std::map<std::string, int>> faults;  ///< By stage and kind.
  std::vector<overlap> overlaps;
  std::vector<takeover> takeovers;
  std::map<std::string, nanoseconds> excused_time;  ///< By stage, of all its elections together.
  std::map<std::string, int> terms;                 ///< By stage.
  std::map<std::string, double> led;                ///< By stage, how much of its elections' time somebody led.
  std::vector<std::string> liveness;                ///< When all elections had a leader, by stage.
  std::map<std::string, int> taken_by;              ///< What holders said whose hold an operator or the store took.
  std::vector<double> heard_ms;                     ///< How long after the drop they said it, if the store told them.
  int resumed = 0;                                  ///< Terms of who was stopped for longer than a lease is trusted.
  int early_revocations = 0;                        ///< By the store, of renewed leases.
  std::uint64_t acknowledged = 0, present = 0, unknown = 0, not_leader = 0;  ///< etcd's guarded writes.
  std::vector<std::string> complaints;                                       ///< None: the run is fine.
  std::vector<std::filesystem::path> journals;
};

/// Reads *.jsonl in that directory. Throws std::runtime_error that names a line which cannot be read.
verdict judge(std::filesystem::path const& report);

}  // namespace coelect::test

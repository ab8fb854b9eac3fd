// What has been measured: a sample for each time somebody played, and medians over the rounds.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bench {

struct sample {
  std::string workload, row, participant;
  double busy = 0;  ///< Which part of the machine was busy just before.
  std::map<std::string, double> values;
};

struct failure {
  std::string workload, row, participant, what;
};

class results {
public:
  /// Throws when a number cannot be: not finite, negative, a median above its p99, a lead after the cycle's end.
  void add(sample s);
  void add(failure f) { failures_.push_back(std::move(f)); }

  std::vector<sample> const& samples() const noexcept { return samples_; }
  std::vector<failure> const& failures() const noexcept { return failures_; }
  std::vector<std::string> rows(std::string const& workload) const;  ///< As they came first.
  std::vector<std::string> participants(std::string const& workload, std::string const& row) const;

  struct spread {
    double median = 0, least = 0, most = 0;
  };
  std::optional<spread> over_rounds(std::string const& workload, std::string const& row, std::string const& participant,
                                    std::string const& metric) const;
  /// Which part of a workload's samples was taken on a machine that was more than a fifth busy already.
  double busy_part(std::string const& workload) const;

private:
  std::vector<sample> samples_;
  std::vector<failure> failures_;
};

}  // namespace bench

// What is shown of each workload: columns, goals, and whether they were reached.
#pragma once
#include "harness/participants.hpp"
#include "harness/results.hpp"
#include <string>
#include <vector>

namespace bench {

struct column {
  std::string metric, title;
  double scale = 1;  ///< What the metric is multiplied by for people.
  int digits = 2;
};

/// The first column is the one that ratios and the picture are made of.
struct workload {
  std::string id, title;
  bool more_is_better = false;
  std::vector<column> columns;
};

struct goal {
  enum class against { itself = 1, floor, best_peer, go };
  std::string workload, row, metric;
  against whom;
  bool at_least = false;  ///< Else: at most.
  double limit = 0;
  std::string text;  ///< "to leader <= 1.05 x floor"
  double scale = 1;
};

struct verdict {
  goal of;
  bool measured = false, reached = false;
  bool failed = false;  ///< We could not play this row at all.
  double value = 0;     ///< The ratio, or the number itself.
};

std::vector<workload> const& all_workloads();
std::vector<verdict> judge_goals(results const& r, std::string const& workload, field const& who);

struct cell_row {
  std::string row, participant;
  std::vector<std::string> cells;
};
/// Titles of the columns of a table, and its rows, as text.
std::vector<std::string> titles_of(workload const& w);
std::vector<cell_row> rows_of(results const& r, workload const& w, field const& who);
std::string text_of(verdict const& v);

}  // namespace bench

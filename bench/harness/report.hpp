// Tells what was measured: on the terminal, as JSON, as pictures, and in RESULTS.md.
#pragma once
#include "harness/settings.hpp"
#include "harness/tables.hpp"
#include <string>

namespace bench {

/// Where and with what.
struct circumstances {
  std::string date, machine, etcd, command;
};

void print_workload(std::string const& id, results const& r, field const& who, bool with_goals);
void print_missing(results const& r, field const& who);
void write_json(std::filesystem::path const& folder, results const& r, field const& who, circumstances const& where);
void write_pictures(std::filesystem::path const& folder, results const& r, field const& who);
/// Replaces what is between the two marks, workload by workload; all other text stays, workloads that were not
/// measured this time, too.
void write_markdown(std::filesystem::path const& file, results const& r, field const& who, circumstances const& where);

}  // namespace bench

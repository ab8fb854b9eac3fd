// What is shown of each workload: its columns, and the medians in them with their ratios.
#include "harness/tables.hpp"
#include <algorithm>
#include <cstdio>

namespace bench {
namespace {

column const client_cpu{"client_cpu_ms", "client CPU ms", 1, 3}, server_cpu{"server_cpu_ms", "server CPU ms", 1, 3};

std::string number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string ratio(std::optional<results::spread> const& of, std::optional<double> to) {
  if (!of || !to || *to <= 0) return "";
  return number(of->median / *to, 2);
}

/// Differences near zero (bytes each, ms after the expiry) have no sensible ratio, and nobody else plays micro.
bool has_ratios(workload const& w) { return w.id != "w3" && w.id != "w5" && w.id != "micro"; }

/// The best median among the peers that were measured in this row.
std::optional<double> best_peer(results const& r, workload const& w, std::string const& row, field const& who) {
  std::optional<double> best;
  for (auto const* const list : {&who.etcd, &who.azure})
    for (auto const& p : *list) {
      if (!p.is_peer) continue;
      auto const value = r.over_rounds(w.id, row, p.name, w.columns.front().metric);
      if (!value) continue;
      if (!best || (w.more_is_better ? value->median > *best : value->median < *best)) best = value->median;
    }
  return best;
}

}  // namespace

std::vector<workload> const& all_workloads() {
  static std::vector<workload> const all{
      {"w1",
       "W1: one candidate, to leader and whole cycle",
       false,
       {{"lead_us_p50", "lead ms p50", 1e-3, 3},
        {"lead_us_p99", "p99", 1e-3, 2},
        {"cycle_us_p50", "cycle ms p50", 1e-3, 3},
        {"cycle_us_p99", "p99", 1e-3, 2},
        {"calls", "calls each", 1, 1},
        client_cpu,
        server_cpu}},
      {"w2",
       "W2: graceful hand-over",
       false,
       {{"handover_us_p50", "ms p50", 1e-3, 3},
        {"handover_us_p99", "p99", 1e-3, 2},
        {"calls", "calls each", 1, 1},
        client_cpu,
        server_cpu}},
      {"w3",
       "W3: SIGKILL of the leader's process",
       false,
       {{"after_expiry_ms", "ms after etcd let the key go", 1, 2}, {"failover_s", "s after the kill", 1, 2}}},
      {"w4",
       "W4: throughput, elections in flight",
       true,
       {{"elections_per_s", "elections/s", 1, 0},
        {"calls", "calls each", 1, 1},
        client_cpu,
        server_cpu,
        {"unconfirmed", "unconfirmed", 1, 0}}},
      {"w5",
       "W5: holding and waiting in many elections",
       false,
       {{"bytes_per_item", "bytes each", 1, 0},
        {"rss_mb", "RSS MB", 1, 1},
        {"setup_s", "set-up s", 1, 2},
        {"threads", "threads", 1, 0},
        {"connections", "connections", 1, 0},
        {"renewals_per_third", "renewals per ttl/3", 1, 1},
        {"cpu_percent", "CPU %", 1, 2},
        {"server_cpu_percent", "etcd CPU %", 1, 1},
        {"server_rss_mb", "etcd RSS MB", 1, 0}}},
      {"w6",
       "W6: waiters in one election",
       true,
       {{"handovers_per_s", "hand-overs/s", 1, 0},
        {"handover_us_p50", "ms p50", 1e-3, 2},
        {"handover_us_p99", "p99", 1e-3, 2},
        {"calls", "calls each", 1, 1},
        {"messages", "messages each", 1, 1},
        client_cpu,
        server_cpu,
        {"rss_mb", "RSS MB", 1, 1}}},
      {"w7",
       "W7: Azure, acquire, renew, release",
       false,
       {{"renew_us_p50", "renew ms p50", 1e-3, 3},
        {"renew_us_p99", "p99", 1e-3, 2},
        {"acquire_us_p50", "acquire", 1e-3, 3},
        {"release_us_p50", "release", 1e-3, 3},
        {"lead_us_p50", "term: lead", 1e-3, 2},
        {"cycle_us_p50", "cycle", 1e-3, 2},
        {"operations_per_s", "operations/s", 1, 0},
        client_cpu,
        server_cpu,
        {"rss_mb", "RSS MB", 1, 1}}},
      {"w8",
       "W8: start of a process to leader",
       false,
       {{"start_ms", "ms", 1, 2},
        {"libraries", "shared libraries", 1, 0},
        {"library_bytes", "their MB", 1e-6, 1},
        {"program_bytes", "program MB", 1e-6, 1},
        {"rss_mb", "RSS MB", 1, 1},
        {"threads", "threads", 1, 0}}},
      {"micro",
       "Micro benchmarks",
       false,
       {{"valid_ns_p50", "valid() ns p50", 1, 1},
        {"valid_ns_p99", "p99", 1, 1},
        {"ns", "ns each", 1, 0},
        {"allocations", "allocations each", 1, 1},
        {"ms_p50", "ms p50", 1, 2},
        {"ms_p99", "ms p99", 1, 2}}},
  };
  return all;
}

std::vector<std::string> titles_of(workload const& w) {
  std::vector<std::string> titles{"", "who"};
  for (auto const& c : w.columns) titles.push_back(c.title);
  if (has_ratios(w)) titles.insert(titles.end(), {"x best peer", "x floor"});
  return titles;
}

std::vector<cell_row> rows_of(results const& r, workload const& w, field const& who) {
  std::vector<cell_row> all;
  for (auto const& row : r.rows(w.id)) {
    auto const best = best_peer(r, w, row, who);
    auto const floor = r.over_rounds(w.id, row, "floor", w.columns.front().metric);
    for (auto const& name : r.participants(w.id, row)) {
      cell_row line{row, name, {}};
      for (auto const& c : w.columns) {
        auto const value = r.over_rounds(w.id, row, name, c.metric);
        line.cells.push_back(value ? number(value->median * c.scale, c.digits) : "");
      }
      auto const first = r.over_rounds(w.id, row, name, w.columns.front().metric);
      if (has_ratios(w)) {
        line.cells.push_back(ratio(first, best));
        line.cells.push_back(floor ? ratio(first, floor->median) : "");
      }
      all.push_back(line);
    }
  }
  return all;
}

}  // namespace bench

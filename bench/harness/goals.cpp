// The goals: what counts as fast enough, beside whom.
#include "harness/tables.hpp"
#include <algorithm>
#include <cstdio>

namespace bench {
namespace {

using against = goal::against;

std::vector<goal> goals_on(std::string const& where) {
  return {
      {"w1", "fresh, " + where, "lead_us_p50", against::go, false, 1.0, "to leader <= 1.0 x Go"},
      {"w1", "fresh, " + where, "cycle_us_p50", against::go, false, 0.85, "whole cycle <= 0.85 x Go"},
      {"w1", "kept, " + where, "lead_us_p50", against::floor, false, 1.05, "to leader <= 1.05 x floor"},
      {"w1", "kept, " + where, "lead_us_p50", against::go, false, 1.0, "to leader <= 1.0 x Go"},
      {"w2", "settled 130 ms, " + where, "handover_us_p50", against::best_peer, false, 1.0, "<= 1.0 x the best peer"},
      {"w2", "fresh waiter 12 ms, " + where, "handover_us_p50", against::itself, false, 1.5, "<= 1.5 ms", 1e-3},
      {"w3", "ttl 2 s, " + where, "after_expiry_ms", against::itself, false, 5, "<= 5 ms after etcd let the key go"},
      {"w3", "ttl 5 s, " + where, "after_expiry_ms", against::itself, false, 5, "<= 5 ms after etcd let the key go"},
      {"w8", "start, " + where, "start_ms", against::itself, false, 4, "<= 4 ms"},
      {"w8", "start, " + where, "libraries", against::itself, false, 10, "<= 10 shared libraries"},
  };
}

void add_throughput(std::vector<goal>& all, std::string const& row) {
  all.push_back({"w4", row, "elections_per_s", against::itself, true, 10'000, ">= 10,000 elections/s"});
  all.push_back({"w4", row, "elections_per_s", against::go, true, 2, ">= 2 x Go"});
  all.push_back({"w4", row, "client_cpu_ms", against::itself, false, 0.03, "client <= 0.03 ms CPU each"});
  all.push_back({"w4", row, "server_cpu_ms", against::itself, false, 0.2, "etcd <= 0.2 ms CPU each"});
}

void add_many(std::vector<goal>& all, std::string const& n) {
  auto const hold = "hold " + n, wait = "wait " + n;
  all.push_back({"w5", hold, "bytes_per_item", against::itself, false, 1000, "<= 1.0 KB each"});
  all.push_back({"w5", hold, "renewals_per_third", against::itself, false, 1.34, "1 renewal per ttl/3"});
  all.push_back({"w5", hold, "cpu_percent", against::itself, false, 0.2, "< 0.2 % CPU"});
  all.push_back({"w5", hold, "threads", against::itself, false, 2, "threads: no more with more elections"});
  all.push_back({"w5", wait, "bytes_per_item", against::itself, false, 3000, "<= 3.0 KB each"});
  all.push_back({"w5", wait, "connections", against::itself, false, 4, "<= 4 connections"});
  if (n == "10000") all.push_back({"w5", wait, "setup_s", against::itself, false, 3, "<= 3 s to set up"});
}

std::vector<goal> all_goals() {
  std::vector<goal> all;
  for (auto const* const where : {"tmpfs", "disk", "given"}) {
    auto const more = goals_on(where);
    all.insert(all.end(), more.begin(), more.end());
    for (auto const* const n : {"128", "1000"}) add_throughput(all, std::string("kept ") + n + ", " + where);
  }
  for (auto const* const n : {"10000", "50000"}) add_many(all, n);
  all.push_back({"w6", "1000 waiters", "handovers_per_s", against::itself, true, 1500, ">= 1,500 hand-overs/s"});
  all.push_back({"w6", "1000 waiters", "handovers_per_s", against::best_peer, true, 2.3, ">= 2.3 x the best peer"});
  all.push_back({"w7", "1 in flight", "renew_us_p50", against::floor, false, 1.10, "renewal <= 1.10 x floor"});
  all.push_back({"w7", "1 in flight", "client_cpu_ms", against::itself, false, 0.025, "<= 0.025 ms CPU each"});
  all.push_back({"w7", "1 in flight", "rss_mb", against::itself, false, 8, "<= 8 MB"});
  all.push_back({"micro", "valid()", "valid_ns_p99", against::itself, false, 50, "p99 of batches <= 50 ns"});
  return all;
}

std::optional<double> median(results const& r, goal const& g, std::string const& name) {
  auto const found = r.over_rounds(g.workload, g.row, name, g.metric);
  if (!found) return {};
  return found->median;
}

std::optional<double> yardstick(results const& r, goal const& g, field const& who) {
  if (g.whom == against::itself) return 1.0 / g.scale;
  if (g.whom == against::floor) return median(r, g, "floor");
  if (g.whom == against::go) return median(r, g, "go");
  std::optional<double> best;
  for (auto const* const list : {&who.etcd, &who.azure})
    for (auto const& p : *list) {
      auto const value = p.is_peer ? median(r, g, p.name) : std::nullopt;
      if (value && (!best || (g.at_least ? *value > *best : *value < *best))) best = value;
    }
  return best;
}

}  // namespace

std::vector<verdict> judge_goals(results const& r, std::string const& workload, field const& who) {
  std::vector<verdict> all;
  auto const rows = r.rows(workload);
  for (auto const& g : all_goals()) {
    if (g.workload != workload || std::find(rows.begin(), rows.end(), g.row) == rows.end()) continue;
    verdict v{g};
    auto const ours = median(r, g, "ours");
    auto const beside = yardstick(r, g, who);
    v.measured = ours && beside && *beside > 0;
    if (v.measured) {
      v.value = *ours / *beside;
      v.reached = g.at_least ? v.value >= g.limit : v.value <= g.limit;
    }
    for (auto const& f : r.failures())
      v.failed |= !ours && f.workload == workload && f.row == g.row && f.participant == "ours";
    all.push_back(v);
  }
  return all;
}

std::string text_of(verdict const& v) {
  char value[64];
  std::snprintf(value, sizeof value, "%.3g", v.value);
  auto const* const how = v.failed      ? "NOT reached: we failed"
                          : !v.measured ? "not measured"
                          : v.reached   ? "reached"
                                        : "NOT reached";
  return v.of.row + ": " + v.of.text + ": " + (v.measured ? std::string(value) + ", " : "") + how;
}

}  // namespace bench

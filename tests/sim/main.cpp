// sim: runs seeds of simulated elections and reports, replays one seed with all that happened, or prints hashes.
#include "sim/election.hpp"
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

namespace {

using coelect::sim::play;
using coelect::sim::verdict;

struct settings {
  std::string store = "memory";
  std::uint64_t first = 1, count = 100;
  std::optional<std::uint64_t> seed;
  bool trace = false, hashes = false, until_failure = false;
  unsigned jobs = 1;
  std::string kept;
};

/// What all seeds of one run gave together.
struct total {
  std::uint64_t seeds = 0, failed = 0, first_failed = 0, steps = 0, guarded = 0, slow = 0;
  double slowest = 0, busiest = 0;
  coelect::testing::checker::figures counts;

  void add(std::uint64_t seed, verdict const& v) {
    ++seeds;
    steps += v.steps;
    guarded += v.guarded;
    slowest = std::max(slowest, v.seconds_to_lead);
    busiest = std::max(busiest, v.requests);
    counts.terms += v.counts.terms;
    counts.accepted += v.counts.accepted;
    counts.refused += v.counts.refused;
    counts.overlaps += v.counts.overlaps;
    counts.regressions += v.counts.regressions;
    counts.stale_writes += v.counts.stale_writes;
    counts.excused += v.counts.excused;
    if (v.complaints.empty()) return;
    if (failed++ == 0 || seed < first_failed) first_failed = seed;
  }
};

void tell_failure(std::string const& store, std::uint64_t seed, verdict const& v) {
  std::printf("seed %" PRIu64 ": %s\n  drawn: %s\n", seed, v.complaints.front().c_str(), v.drawn.c_str());
  for (std::size_t i = 1; i < v.complaints.size(); ++i) std::printf("  and: %s\n", v.complaints[i].c_str());
  std::printf("  its last events:\n");
  for (auto const& note : v.last_notes) std::printf("    %s\n", note.c_str());
  std::printf("  again, with everything: sim --store %s --seed %" PRIu64 " --trace\n", store.c_str(), seed);
}

int run_many(settings const& how) {
  std::atomic<std::uint64_t> next{how.first};
  std::mutex one_at_a_time;
  std::atomic<bool> enough{false};
  total all;
  auto const begin = std::chrono::steady_clock::now();
  auto work = [&] {
    for (std::uint64_t seed; (seed = next++) < how.first + how.count;) {
      if (how.until_failure && enough) return;
      auto const v = play(how.store, seed, false);
      std::lock_guard const lock(one_at_a_time);
      all.add(seed, v);
      if (!v.complaints.empty()) enough = true;
      // Three are enough to work on; their number is told at the end.
      if (!v.complaints.empty() && all.failed <= 3) tell_failure(how.store, seed, v);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < how.jobs; ++i) threads.emplace_back(work);
  work();
  for (auto& t : threads) t.join();
  auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  auto const& c = all.counts;
  std::printf("%s: %" PRIu64 " seeds, %" PRIu64 " elections won, %" PRIu64 " overlaps, %" PRIu64
              " token regressions, %" PRIu64 " stale writes done; %" PRIu64 " writes done and %" PRIu64
              " refused outside, %" PRIu64
              " guarded by the store; slowest leader after the faults %.1f s; at most %.1f requests/s a host; %" PRIu64
              " samples excused; %" PRIu64 " handlers, %.1f s\n",
              how.store.c_str(), all.seeds, c.terms, c.overlaps, c.regressions, c.stale_writes, c.accepted, c.refused,
              all.guarded, all.slowest, all.busiest, c.excused, all.steps, seconds);
  if (all.failed != 0)
    std::printf("%" PRIu64 " of %" PRIu64 " seeds failed, the first is seed %" PRIu64 ": failed\n", all.failed,
                all.seeds, all.first_failed);
  return all.failed == 0 ? 0 : 1;
}

int run_one(settings const& how) {
  auto const v = play(how.store, *how.seed, how.trace);
  std::printf("seed %" PRIu64 ": %s\n%" PRIu64 " terms, %" PRIu64 " handlers, hash %016" PRIx64 "\n", *how.seed,
              v.drawn.c_str(), v.counts.terms, v.steps, v.hash);
  if (!v.complaints.empty()) tell_failure(how.store, *how.seed, v);
  return v.complaints.empty() ? 0 : 1;
}

int print_hashes(settings const& how) {
  for (auto seed = how.first; seed < how.first + how.count; ++seed)
    std::printf("%s %" PRIu64 " %016" PRIx64 "\n", how.store.c_str(), seed, play(how.store, seed, false).hash);
  return 0;
}

/// A line: store, seed, and after # what it has found.
int run_kept(std::string const& file) {
  std::ifstream in(file);
  if (!in) {
    std::fprintf(stderr, "sim: %s cannot be opened\n", file.c_str());
    return 2;
  }
  int status = 0;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string store;
    std::uint64_t seed = 0;
    if (!(words >> store) || store.starts_with('#') || !(words >> seed)) continue;
    auto const v = play(store, seed, false);
    std::printf("%s %" PRIu64 ": %s\n", store.c_str(), seed, v.complaints.empty() ? "as it must be" : "FAILED");
    if (v.complaints.empty()) continue;
    tell_failure(store, seed, v);
    status = 1;
  }
  return status;
}

}  // namespace

int main(int count, char** words) {
  settings how;
  CLI::App app("Runs simulated elections, each from a seed.", "sim");
  app.add_option("--store", how.store, "memory, etcd, etcd-socket or azure")
      ->check(CLI::IsMember({"memory", "etcd", "etcd-socket", "azure"}));
  app.add_option("--first", how.first, "The first seed");
  app.add_option("--seeds", how.count, "How many seeds");
  app.add_option("--jobs", how.jobs, "Threads; each runs whole seeds")->check(CLI::Range(1, 64));
  app.add_option("--seed", how.seed, "This one seed");
  app.add_flag("--trace", how.trace, "With --seed: everything of note, as it happens");
  app.add_flag("--until-failure", how.until_failure, "Stops at the first seed that fails");
  app.add_flag("--hashes", how.hashes, "Prints a hash of each seed's whole run, to compare builds");
  app.add_option("--kept", how.kept, "Runs the seeds of this file");
  CLI11_PARSE(app, count, words);
  if (!how.kept.empty()) return run_kept(how.kept);
  if (how.seed) return run_one(how);
  return how.hashes ? print_hashes(how) : run_many(how);
}

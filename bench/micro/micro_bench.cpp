// Measures what users call most (valid(), signal), and the rules underneath; prints what wire_bench.cpp measures, too.
#include "micro/micro.hpp"
#include "rules/lease_fsm.hpp"
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <coelect/coelect.hpp>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

using namespace coelect;
using bench::allocations_so_far;
using namespace std::chrono_literals;

/// A term on a memory store that nothing renews or ends while it is being asked.
struct held_term {
  boost::asio::io_context io;
  std::shared_ptr<store> where = make_memory_store(io.get_executor(), long_lease());
  elector e{io.get_executor(), where, options()};
  leadership term;

  held_term() {
    e.campaign([this](error_code, leadership won) { term = std::move(won); });
    while (!term) io.run_one();
  }
  static memory_store_options long_lease() {
    memory_store_options o;
    o.timing.ttl = 1h;
    return o;
  }
  static elector_options options() {
    elector_options o;
    o.election = "bench";
    return o;
  }
};

void valid_from_four_threads(benchmark::State& state) {
  static held_term const held;
  for (auto _ : state) {
    bool answer = held.term.valid();
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(valid_from_four_threads)->Threads(4);

void signal_token(benchmark::State& state) {
  held_term const held;
  auto const signal = held.e.signal();
  for (auto _ : state) {
    auto answer = signal.fencing_token();
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(signal_token);

void lease_fsm_renewal(benchmark::State& state) {
  auto const times = rules::derive({}, {15s, 1s, 2s, 1h});
  rules::lease_fsm fsm(times, 1);
  instant now{1s, 1s};
  fsm.granted(now, 15s, now);
  bench::repeat(state, [&] {
    now = now + 5s;
    auto due = fsm.tick(now);
    benchmark::DoNotOptimize(due);
    return fsm.renewed(now, 15s, now + 1ms);
  });
}
BENCHMARK(lease_fsm_renewal);

/// valid() in batches of 1,000, as its goal is stated: p99 of the batches' means <= 50 ns.
int valid_in_batches(bool gate, bool lines) {
  constexpr int batches = 2'000, batch = 1'000;
  held_term const held;
  std::vector<double> means;
  means.reserve(batches);
  auto const before = allocations_so_far();
  for (int i = 0; i < batches; ++i) {
    auto const began = std::chrono::steady_clock::now();
    for (int k = 0; k < batch; ++k) {
      bool answer = held.term.valid();
      benchmark::DoNotOptimize(answer);
    }
    auto const took = std::chrono::steady_clock::now() - began;
    means.push_back(std::chrono::duration<double, std::nano>(took).count() / batch);
  }
  auto const allocated = allocations_so_far() - before;
  std::sort(means.begin(), means.end());
  if (lines)
    std::printf("{\"row\":\"valid()\",\"valid_ns_p50\":%.2f,\"valid_ns_p99\":%.2f,\"allocations\":%.3f}\n",
                means[batches / 2], means[batches * 99 / 100], static_cast<double>(allocated) / batches / batch);
  else
    std::printf("valid(): p50 %.1f ns, p99 %.1f ns over %d batches of %d calls, %llu allocations\n", means[batches / 2],
                means[batches * 99 / 100], batches, batch, static_cast<unsigned long long>(allocated));
  if (allocated != 0) return 1;
  // Ten times the goal: only something wrong, not a busy machine, is that slow.
  return gate && means[batches / 2] > 500.0 ? 1 : 0;
}

/// A line of JSON for each benchmark, for the harness.
class line_reporter : public benchmark::BenchmarkReporter {
public:
  bool ReportContext(Context const&) override { return true; }
  void ReportRuns(std::vector<Run> const& runs) override {
    for (auto const& run : runs) {
      auto const counted = run.counters.find("allocations");
      std::printf("{\"row\":\"%s\",\"ns\":%.2f", run.run_name.function_name.c_str(), run.GetAdjustedCPUTime());
      if (counted != run.counters.end()) std::printf(",\"allocations\":%.3f", counted->second.value);
      std::printf("}\n");
    }
  }
};

}  // namespace

// micro-bench [--gate | --lines | FLAGS of Google Benchmark]
int main(int argc, char** argv) {
  bool const gate = argc > 1 && std::strcmp(argv[1], "--gate") == 0;
  bool const lines = argc > 1 && std::strcmp(argv[1], "--lines") == 0;
  int const failed = valid_in_batches(gate, lines);
  if (gate || failed) return failed;
  if (lines) --argc, ++argv;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (!lines) {
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  }
  line_reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  std::puts("{\"end\":1}");
  return 0;
}

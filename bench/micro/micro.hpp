// What the micro benchmarks share: a loop that counts allocations too.
#pragma once
#include "micro/counted.hpp"
#include <benchmark/benchmark.h>

namespace bench {

/// Runs `work` as often as the benchmark wants; "allocations" is how many each run made.
template <class Work>
void repeat(benchmark::State& state, Work const& work) {
  auto const before = allocations_so_far();
  for (auto _ : state) {
    auto answer = work();
    benchmark::DoNotOptimize(answer);
  }
  state.counters["allocations"] =
      static_cast<double>(allocations_so_far() - before) / static_cast<double>(state.iterations());
}

}  // namespace bench

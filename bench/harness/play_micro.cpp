// The micro benchmarks: programs of their own, whose lines of numbers become rows.
#include "harness/stage.hpp"
#include <cstdio>

namespace bench {

/// A program prints lines: {"row": what, metric: number, ...}, and {"end": 1} at last.
void play_micro(stage& s) {
  for (auto const* const program : {"micro-bench", "allocations-bench", "takeover-bench"}) {
    words command{(s.how.players / program).string(), "--lines"};
    if (program == std::string("takeover-bench"))
      command.insert(command.end(), {"--rounds", s.how.smoke ? "3" : "200"});
    if (s.how.smoke && program == std::string("micro-bench")) command.push_back("--benchmark_min_time=0.02");
    try {
      player_process player(command);
      for (;;) {
        auto line = player.answer(std::chrono::seconds(120));
        if (line.contains("end")) break;
        auto const row = line.at("row").get<std::string>();
        line.erase("row");
        s.add({"micro", row, "ours", 0, line.get<std::map<std::string, double>>()});
      }
    } catch (std::exception const& e) {
      s.add(failure{"micro", program, "ours", e.what()});
    }
    std::fprintf(stderr, ".");
  }
}

}  // namespace bench

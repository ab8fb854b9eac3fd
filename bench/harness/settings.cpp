// What the command line of the harness says.
#include "harness/settings.hpp"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#ifndef BENCH_SOURCES
#error "BENCH_SOURCES, BENCH_PLAYERS and BENCH_BUILD are set by CMake"
#endif

namespace bench {
namespace {

constexpr char const* all[] = {"w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "micro"};

}  // namespace

char const* help_text() {
  return R"(bench [WORKLOAD...] [FLAGS]

  w1  campaign with a fresh and a kept session     w5  holding and waiting in thousands of elections
  w2  graceful hand-over                           w6  a hundred and a thousand waiters in one election
  w3  fail-over after SIGKILL                      w7  Azure: acquire, renew, release
  w4  throughput with 1 to 1,000 in flight         w8  start to leader, shared libraries
  micro  valid(), decoding, signing, rules, allocations

  --rounds N      how often everybody plays, in turn (3; w5 once)
  --only NAMES    these participants, with commas between: ours,floor,go,...
  --fifty         w5 with 50,000 elections too
  --store URL     your own server instead of one that is started: etcd://10.0.0.7:2379, or
                  https://ACCOUNT.blob.core.windows.net with the key in AZURE_STORAGE_KEY
  --results FILE  writes the measured part of this Markdown file anew
  --smoke         every workload in seconds, ours and the floor, no goals: can it still be measured?
)";
}

bool settings::plays(std::string const& workload) const {
  return workloads.empty() || std::find(workloads.begin(), workloads.end(), workload) != workloads.end();
}

settings read_settings(int argc, char** argv) {
  settings s;
  s.out = std::filesystem::path(BENCH_BUILD) / "bench";
  s.peers = std::filesystem::path(BENCH_BUILD) / "peers";
  s.players = BENCH_PLAYERS;
  s.sources = BENCH_SOURCES;
  for (int i = 1; i < argc; ++i) {
    std::string const word = argv[i];
    auto const value = [&]() -> std::string {
      if (i + 1 >= argc) throw std::runtime_error(word + " needs a value");
      return argv[++i];
    };
    if (word == "--rounds") s.rounds = std::atoi(value().c_str());
    else if (word == "--only") {
      for (auto names = value(); !names.empty();) {
        auto const comma = std::min(names.find(','), names.size());
        s.participants.push_back(names.substr(0, comma));
        names.erase(0, comma + 1);
      }
    } else if (word == "--store") s.store = value();
    else if (word == "--results") s.results = value();
    else if (word == "--out") s.out = value();
    else if (word == "--fifty") s.fifty = true;
    else if (word == "--smoke") s.smoke = true;
    else if (word == "--help" || word == "-h") s.help = true;
    else if (std::find(std::begin(all), std::end(all), word) != std::end(all)) s.workloads.push_back(word);
    else throw std::runtime_error("what is '" + word + "'? --help tells what there is");
  }
  if (s.rounds < 1) throw std::runtime_error("--rounds: at least 1");
  if (s.smoke) {
    s.rounds = 1;
    if (s.out == std::filesystem::path(BENCH_BUILD) / "bench") s.out /= "smoke";  // keeps what was measured
    s.participants = {"ours", "floor"};
  }
  return s;
}

}  // namespace bench

// Our own player: the workloads of the harness with coelect's public interface alone.
#include "players/ours/ours.hpp"

int main(int argc, char** argv) {
  using namespace bench;
  static constexpr struct {
    char const* name;
    void (*play)(options const&);
  } workloads[] = {
      {"campaigns", campaigns}, {"hand-over", hand_over}, {"stand", stand},           {"throughput", throughput},
      {"hold", hold_or_wait},   {"wait", hold_or_wait},   {"contention", contention}, {"azure", azure_leases},
  };
  try {
    auto const o = read_options(argc, argv);
    for (auto const& w : workloads) {
      if (o.workload != w.name) continue;
      w.play(o);
      return 0;
    }
    throw std::runtime_error("unknown workload " + o.workload);
  } catch (std::exception const& e) {
    std::fprintf(stderr, "ours: %s\n", e.what());
    return 1;
  }
}

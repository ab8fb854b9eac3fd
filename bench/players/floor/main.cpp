// The floor for etcd: plain sockets, one thread, HTTP/1.1 kept alive, texts put together by hand.
#include "players/floor/floor.hpp"

int main(int argc, char** argv) {
  using namespace bench;
  static constexpr struct {
    char const* name;
    void (*play)(options const&);
  } workloads[] = {
      {"campaigns", campaigns},   {"hand-over", hand_over}, {"stand", stand}, {"observe", observe},
      {"throughput", throughput}, {"hold", hold},           {"wait", wait},   {"contention", contention},
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
    std::fprintf(stderr, "floor: %s\n", e.what());
    return 1;
  }
}

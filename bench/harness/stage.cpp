// Where players play in turn: one at a time, each with keys of its own, on a server that is there for all of them.
#include "harness/stage.hpp"
#include "harness/process_facts.hpp"
#include <cstdio>
#include <unistd.h>

namespace bench {
namespace {

constexpr std::chrono::seconds limit{120};  // for one player in one row

}  // namespace

std::string stage::fresh_prefix() {
  return "bench-" + std::to_string(::getpid()) + "/" + std::to_string(++prefixes_) + "/";
}

words stage::command(participant const& p, std::string const& workload, words const& flags) {
  auto all = p.command;
  all.push_back(workload);
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

words stage::flags_for(etcd_place const& server, std::string const& prefix) {
  return {"--endpoint", server.endpoint(), "--server-pid", std::to_string(server.pid()), "--prefix", prefix};
}

void stage::turn(std::string const& workload, std::string const& row, participant const& p,
                 std::function<void(sample&)> const& play) {
  // A smoke run happens on machines that do other things, too: one missed deadline is not rot, two in a row are.
  for (int tries_left = how.smoke ? 2 : 1; tries_left > 0; --tries_left) {
    sample s{workload, row, p.name, how.smoke ? 0 : busy_part_of_machine(), {}};
    try {
      play(s);
      out_.add(std::move(s));
      std::fprintf(stderr, ".");
      return;
    } catch (std::exception const& e) {
      std::fprintf(stderr, "\n%s, %s, %s: %s\n", workload.c_str(), row.c_str(), p.name.c_str(), e.what());
      if (tries_left == 1) out_.add(failure{workload, row, p.name, e.what()});
    }
  }
}

void stage::simple_turn(std::string const& workload, std::string const& row, participant const& p,
                        words const& command) {
  turn(workload, row, p, [&](sample& s) {
    player_process player(command);
    s.values = player.answer(limit).get<std::map<std::string, double>>();
  });
}

void stage::counted_turn(std::string const& workload, std::string const& row, participant const& p,
                         words const& command, etcd_place const& place, std::string const& things, int uncounted) {
  turn(workload, row, p, [&](sample& s) {
    auto const before = place.asked_so_far();
    player_process player(command);
    s.values = player.answer(limit).get<std::map<std::string, double>>();
    auto const after = place.asked_so_far();
    s.values["calls"] = (after.calls - before.calls) / (s.values.at(things) + uncounted);
  });
}

void stage::everybody(std::vector<participant> const& of, int round,
                      std::function<void(participant const&)> const& each) const {
  for (std::size_t i = 0; i < of.size(); ++i) each(of[(i + static_cast<std::size_t>(round)) % of.size()]);
}

}  // namespace bench

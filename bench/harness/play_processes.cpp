// W3 and W8: whole processes: killed while they lead, and started.
#include "harness/process_facts.hpp"
#include "harness/stage.hpp"
#include <thread>
#include <unistd.h>

namespace bench {
namespace {

using namespace std::chrono_literals;

/// Until the second candidate's key is there; the recipe without queue gets time instead.
void until_it_waits(etcd_place const& place, participant const& p, std::string const& prefix) {
  if (!p.queues) {
    std::this_thread::sleep_for(1200ms);
    return;
  }
  auto const end = now() + 10;
  while (place.keys_with(p.key_prefix + prefix + "stand/") < 2) {
    if (now() > end) throw std::runtime_error("the second candidate does not come");
    std::this_thread::sleep_for(10ms);
  }
  std::this_thread::sleep_for(150ms);
}

/// A leader dies; another one waits; a bare watch tells when etcd let the leader's key go. What a client can be blamed
/// for is the time after that.
void kill_the_leader(etcd_place const& place, std::string const& floor, participant const& p, std::string const& prefix,
                     words const& command, sample& out) {
  player_process first(command);
  first.answer(30s);
  player_process second(command);
  until_it_waits(place, p, prefix);
  auto const keys = p.key_prefix + prefix + "stand";
  player_process observer({floor, "observe", "--endpoint", place.endpoint(), "--prefix", keys});
  observer.until_ready(10s);
  auto const killed_at = now();
  first.kill();
  auto const leads_at = second.answer(60s).at("leads_at_s").get<double>();
  auto const gone_at = observer.answer(10s).at("gone_at_s").get<double>();
  if (leads_at < killed_at) throw std::runtime_error("the second candidate led while the first one lived");
  out.values["failover_s"] = leads_at - killed_at;
  out.values["after_expiry_ms"] = (leads_at - gone_at) * 1e3;
  second.kill();
}

}  // namespace

void play_crash(stage& s) {
  auto const place = s.where.etcd(etcd_place::on::disk);
  auto const floor = (s.how.players / "floor").string();
  for (int round = 0; round < s.how.rounds; ++round)
    for (int const ttl : s.how.smoke ? std::vector<int>{3} : std::vector<int>{2, 5}) {
      s.everybody(s.who.etcd, round, [&](participant const& p) {
        auto const prefix = s.fresh_prefix();
        auto const flags = stage::flags_for(*place, prefix) + words{"--ttl", std::to_string(ttl)};
        s.turn("w3", "ttl " + std::to_string(ttl) + " s, " + place->name(), p,
               [&](sample& out) { kill_the_leader(*place, floor, p, prefix, stage::command(p, "stand", flags), out); });
      });
    }
}

void play_start(stage& s) {
  auto const place = s.where.etcd(etcd_place::on::tmpfs);
  auto const times = s.short_or(3, 7) * s.how.rounds;
  for (int round = 0; round < times; ++round)
    s.everybody(s.who.etcd, round, [&](participant const& p) {
      auto const command = stage::command(p, "stand", stage::flags_for(*place, s.fresh_prefix()));
      s.turn("w8", "start, " + place->name(), p, [&](sample& out) {
        player_process player(command);
        auto const leads_at = player.answer(30s).at("leads_at_s").get<double>();
        out.values["start_ms"] = (leads_at - player.started_at()) * 1e3;
        auto const libraries = libraries_of(player.pid());
        out.values["libraries"] = libraries.count;
        out.values["library_bytes"] = libraries.bytes;
        out.values["program_bytes"] = size_of_program(player.pid());
        out.values["rss_mb"] = rss_bytes(player.pid()) / 1e6;
        out.values["threads"] = threads_of(player.pid());
      });
    });
}

}  // namespace bench

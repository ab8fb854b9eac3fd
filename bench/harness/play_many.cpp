// W5 and W6: thousands at the same time, looked at from outside.
#include "harness/process_facts.hpp"
#include "harness/stage.hpp"
#include <algorithm>
#include <thread>

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr auto set_up_limit = 100s;  // the slowest that gets there needs half of it for ten thousand

void until_there_are(etcd_place const& place, std::string const& prefix, long wanted, double seconds) {
  auto const end = now() + seconds;
  for (;;) {
    auto const there = place.keys_with(prefix);
    if (there >= wanted) return;
    if (now() > end)
      throw std::runtime_error(std::to_string(there) + " keys of " + std::to_string(wanted) + " after " +
                               std::to_string(static_cast<int>(seconds)) + " s");
    std::this_thread::sleep_for(20ms);
  }
}

/// One participant with n elections, on a server of its own: nobody inherits ten thousand keys.
class crowd {
public:
  crowd(stage& s, bool hold, int n) : s_(s), hold_(hold), n_(n), ttl_(s.short_or(5, 10)) {}

  void play(participant const& p, sample& out) {
    auto const place = s_.where.etcd(etcd_place::on::tmpfs);
    auto const prefix = s_.fresh_prefix();
    auto const keys = p.key_prefix + prefix;
    std::unique_ptr<player_process> leaders;
    if (!hold_) {
      auto const mode = p.queues ? "long" : "exact";
      leaders = std::make_unique<player_process>(words{(s_.how.players / "floor").string(), "hold", "--endpoint",
                                                       place->endpoint(), "--prefix", keys, "--mode", mode, "--n",
                                                       std::to_string(n_)});
      leaders->until_ready(300s);
    }
    auto const flags =
        stage::flags_for(*place, prefix) + words{"--n", std::to_string(n_), "--ttl", std::to_string(ttl_)};
    player_process player(stage::command(p, hold_ ? "hold" : "wait", flags));
    player.until_ready(set_up_limit);
    until_there_are(*place, keys + "h/", hold_ || !p.queues ? n_ : 2L * n_, 100);
    out.values["setup_s"] = now() - player.started_at();
    std::this_thread::sleep_for(std::chrono::milliseconds(s_.short_or(300, 3000)));
    look(player.pid(), *place, out);
    player.close_input();
    auto const valid = player.answer(60s).at("still_valid").get<double>();
    if (leaders) {
      leaders->close_input();  // gives its lease back: somebody else's etcd is not left full
      leaders->answer(60s);
    }
    if (hold_ && valid < n_) throw std::runtime_error("holds only " + std::to_string(valid) + " at the end");
    if (!hold_ && valid > 0) throw std::runtime_error("won while others led");
  }

private:
  /// For as long as one ttl: three renewals if they come each ttl/3.
  void look(pid_t pid, etcd_place const& place, sample& out) const {
    auto const asked = place.asked_so_far();
    auto const cpu = cpu_of(pid), server_cpu = cpu_of(place.pid());
    auto const begin = now();
    std::this_thread::sleep_for(std::chrono::milliseconds(s_.short_or(ttl_ * 300, ttl_ * 1000)));
    auto const took = now() - begin;
    auto const asked_now = place.asked_so_far();
    out.values["rss_mb"] = rss_bytes(pid) / 1e6;
    out.values["threads"] = threads_of(pid);
    out.values["connections"] = tcp_connections_of(pid);
    out.values["cpu_percent"] = (cpu_of(pid) - cpu) / took * 100;
    out.values["renewals_per_third"] = (asked_now.keep_alives - asked.keep_alives) / took * ttl_ / 3;
    out.values["messages_per_third"] = (asked_now.messages - asked.messages) / took * ttl_ / 3;
    if (place.pid() == 0) return;
    out.values["server_cpu_percent"] = (cpu_of(place.pid()) - server_cpu) / took * 100;
    out.values["server_rss_mb"] = rss_bytes(place.pid()) / 1e6;
  }

  stage& s_;
  bool hold_;
  int n_, ttl_;
};

bool takes_part(participant const& p, int n, bool hold) {
  if (n > 10'000) return p.name == "ours" || p.name == "floor";
  return !(p.name == "python" && n > 1'000 && !hold);  // wakes a thousand threads for each event
}

}  // namespace

void play_many(stage& s) {
  std::vector<int> sizes = s.how.smoke ? std::vector<int>{1, 200} : std::vector<int>{1, 1'000, 10'000};
  if (s.how.fifty) sizes.push_back(50'000);
  for (bool const hold : {true, false}) {
    std::map<std::string, double> mb_of_one;
    for (int const n : sizes)
      s.everybody(s.who.etcd, 0, [&](participant const& p) {
        if (!takes_part(p, n, hold) || (s.how.smoke && n == 1 && !hold)) return;
        s.turn("w5", (hold ? "hold " : "wait ") + std::to_string(n), p, [&](sample& out) {
          crowd(s, hold, n).play(p, out);
          if (n == 1) mb_of_one[p.name] = out.values["rss_mb"];
          else if (mb_of_one.count(p.name) != 0)
            out.values["bytes_per_item"] = (out.values["rss_mb"] - mb_of_one[p.name]) * 1e6 / (n - 1);
        });
      });
  }
}

void play_contention(stage& s) {
  std::vector<int> const sizes = s.how.smoke ? std::vector<int>{30} : std::vector<int>{100, 1'000};
  for (int round = 0; round < s.how.rounds; ++round)
    for (int const n : sizes)
      s.everybody(s.who.etcd, round, [&](participant const& p) {
        s.turn("w6", std::to_string(n) + " waiters", p, [&](sample& out) {
          auto const place = s.where.etcd(etcd_place::on::tmpfs);
          auto const prefix = s.fresh_prefix();
          auto const flags = stage::flags_for(*place, prefix) + words{"--n", std::to_string(n), "--ttl", "60"};
          player_process player(stage::command(p, "contention", flags));
          player.until_ready(300s);
          if (p.queues) until_there_are(*place, p.key_prefix + prefix + "w6/", n + 1, 120);
          std::this_thread::sleep_for(std::chrono::milliseconds(s.short_or(200, 1500)));
          auto const before = place->asked_so_far();
          player.go_on();
          out.values = player.answer(120s).get<std::map<std::string, double>>();
          auto const after = place->asked_so_far();
          auto const done = out.values.at("handover_us_count");
          out.values["calls"] = (after.calls - before.calls) / done;
          out.values["messages"] = (after.messages - before.messages) / done;
        });
      });
}

}  // namespace bench

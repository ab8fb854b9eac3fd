// W1, W2, W4: players that play alone and answer with their numbers.
#include "harness/stage.hpp"

namespace bench {
namespace {

bool is(participant const& p, char const* name) { return p.name == name; }

}  // namespace

void play_campaigns(stage& s) {
  auto const places = s.where.both();
  auto const times = std::to_string(s.short_or(20, 500));
  for (int round = 0; round < s.how.rounds; ++round)
    for (auto const& place : places)
      for (auto const* const mode : {"fresh", "kept"})
        s.everybody(s.who.etcd, round, [&](participant const& p) {
          if (is(p, "npm") && std::string(mode) == "kept") return;  // it cannot keep a session
          auto const flags = stage::flags_for(*place, s.fresh_prefix()) + words{"--mode", mode, "--rounds", times};
          s.counted_turn("w1", std::string(mode) + ", " + place->name(), p, stage::command(p, "campaigns", flags),
                         *place, "lead_us_count", warm_up);
        });
}

/// 130 ms: watchers that were opened in the past are served every 100 ms by etcd; after that all are alike. 12 ms: the
/// next leader has only just come.
void play_hand_over(stage& s) {
  auto const places = s.where.both();
  auto const times = std::to_string(s.short_or(5, 100));
  for (int round = 0; round < s.how.rounds; ++round)
    for (auto const& place : places)
      for (bool const settled : {true, false}) {
        if (!settled && place->name() == "disk") continue;
        s.everybody(s.who.etcd, round, [&](participant const& p) {
          auto const flags = stage::flags_for(*place, s.fresh_prefix()) +
                             words{"--settle-ms", settled ? "130" : "12", "--rounds", times};
          auto const row = (settled ? "settled 130 ms, " : "fresh waiter 12 ms, ") + place->name();
          s.counted_turn("w2", row, p, stage::command(p, "hand-over", flags), *place, "handover_us_count", 0);
        });
      }
}

void play_throughput(stage& s) {
  auto const places = s.where.both();
  auto const seconds = s.how.smoke ? "0.3" : "3";
  for (int round = 0; round < s.how.rounds; ++round)
    for (auto const& place : places)
      for (auto const* const mode : {"kept", "fresh"})
        for (int const n : {1, 16, 128, 1000}) {
          if (place->name() == "disk" && n != 128 && n != 1000) continue;
          if (s.how.smoke && (place->name() == "disk" || n > 128)) continue;
          s.everybody(s.who.etcd, round, [&](participant const& p) {
            if (is(p, "npm") && std::string(mode) == "kept") return;  // it cannot keep a session
            if (is(p, "python") && n == 1000) return;                 // a thread each
            auto const flags = stage::flags_for(*place, s.fresh_prefix()) +
                               words{"--mode", mode, "--n", std::to_string(n), "--seconds", seconds, "--ttl", "10"};
            auto const row = std::string(mode) + " " + std::to_string(n) + ", " + place->name();
            s.counted_turn("w4", row, p, stage::command(p, "throughput", flags), *place, "elections", 0);
          });
        }
}

}  // namespace bench

// Where players play in turn: one at a time, each with keys of its own, on a server that is there for all of them.
#pragma once
#include "harness/participants.hpp"
#include "harness/player_process.hpp"
#include "harness/results.hpp"
#include "harness/servers.hpp"
#include "harness/settings.hpp"
#include <functional>
#include <string>
#include <vector>

namespace bench {

using words = std::vector<std::string>;

inline words operator+(words a, words const& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class stage {
public:
  stage(settings const& s, field const& players, servers const& places, results& out)
      : how(s), who(players), where(places), out_(out) {}

  settings const& how;
  field const& who;
  servers const& where;

  /// Smoke runs are short, full ones are not.
  int short_or(int in_smoke, int else_) const noexcept { return how.smoke ? in_smoke : else_; }

  /// "bench/17/": nobody finds what an earlier player has left.
  std::string fresh_prefix();
  /// The command line of `p` for a workload.
  static words command(participant const& p, std::string const& workload, words const& flags);
  static words flags_for(etcd_place const& server, std::string const& prefix);

  /// Runs `play`, which fills in the numbers; a failure is noted, and the others go on.
  void turn(std::string const& workload, std::string const& row, participant const& p,
            std::function<void(sample&)> const& play);
  void add(sample s) { out_.add(std::move(s)); }
  void add(failure f) { out_.add(std::move(f)); }
  /// The simple kind: a player is started, plays and answers with its numbers.
  void simple_turn(std::string const& workload, std::string const& row, participant const& p, words const& command);
  /// The same on an etcd that tells how often it was asked; `things` names the
  /// number of what was done; `uncounted` were done beside.
  void counted_turn(std::string const& workload, std::string const& row, participant const& p, words const& command,
                    etcd_place const& place, std::string const& things, int uncounted);
  /// All of `of`, beginning with another one each round.
  void everybody(std::vector<participant> const& of, int round,
                 std::function<void(participant const&)> const& each) const;

private:
  results& out_;
  int prefixes_ = 0;
};

// The workloads. Each plays all its rows.
void play_campaigns(stage& s);   // w1
void play_hand_over(stage& s);   // w2
void play_crash(stage& s);       // w3
void play_throughput(stage& s);  // w4
void play_many(stage& s);        // w5
void play_contention(stage& s);  // w6
void play_azure(stage& s);       // w7
void play_start(stage& s);       // w8
void play_micro(stage& s);       // micro

}  // namespace bench

// Elections on a simulated etcd cluster of three members, with everything that etcd, its network and its operators do.
#include "sim/sim_etcd.hpp"
#include "sim/stage.hpp"
#include <coelect/etcd_store.hpp>
#include <map>
#include <set>

namespace coelect::sim {

using namespace std::chrono_literals;
using testing::event;
using testing::happening;

namespace {

constexpr char const* election = "leader";
constexpr char const* counter_key = "counter";

class etcd_stage final : public stage {
public:
  etcd_stage(surroundings in, bool sockets)
      : in_(in), mix_(draw_messages(in.world)), quirks_(draw_quirks(in.world)), etcd_(in.world, quirks_) {
    etcd_.sockets = sockets;
    auto& dice = in_.world;
    kills_ = dice.chance(50);
    stops_ = dice.chance(50);
    cuts_ = dice.chance(50);
    deletions_ = dice.chance(25);
    revocations_ = dice.chance(25);
    compactions_ = dice.chance(40);
    etcd_.on_commit = [this](auto const& events) {
      for (auto const& e : events) heard(e);
    };
  }

  std::string text() const override {
    std::string all = "etcd; network: " + mix_.text() + "; quirks:" + quirks_.text() + "; cluster:";
    auto const add = [&all](bool on, char const* name) { all += on ? std::string(" ") + name : std::string(); };
    add(kills_, "kills");
    add(stops_, "stops");
    add(cuts_, "cuts");
    add(deletions_, "deletions");
    add(revocations_, "revocations");
    add(compactions_, "compactions");
    return all;
  }

  std::shared_ptr<store> make_store(testing::host& on) override {
    on.net = std::make_shared<network>(on, in_.faults, etcd_, mix_, sent);
    etcd_store_options how;
    how.endpoints = {"http://10.0.0.1", "http://10.0.0.2", "http://10.0.0.3"};
    how.timing.ttl = 8s;
    how.log = trace_log(on);
    how.env = on.shared_from_this();
    return make_etcd_store(on.executor(), std::move(how));
  }

  void disturb() override {
    auto& dice = in_.world;
    auto const who = dice.chance(60) ? etcd_.leader() : static_cast<std::size_t>(dice.below(etcd_.members()));
    switch (dice.below(6)) {
      case 0:
        if (kills_) etcd_.kill_member(who, dice.below(nanoseconds(10s)));
        break;
      case 1:
        if (stops_) etcd_.stop_member(who, dice.below(nanoseconds(12s)));
        break;
      case 2:
        if (cuts_) etcd_.cut_member(who, dice.below(nanoseconds(15s)));
        break;
      case 3:
        if (compactions_) compact();
        break;
      case 4:
        if (deletions_ && dice.chance(30)) delete_leader();
        break;
      default:
        if (revocations_ && dice.chance(30)) revoke_leader();
        break;
    }
  }

  void heal() override {
    etcd_.heal();
    mix_ = {};
  }
  nanoseconds ttl() const override { return 8s; }
  // ttl anew with the next raft leader and its election time-out, the revoke's lag, a stream's life and probe (a renewal
  // period, 2.4 s, and 1 s), and the largest back-off.
  nanoseconds liveness_bound() const override { return 8s + 3s + 1s + 4s + 8s; }
  bool guards_writes() const override { return true; }

  bool holds(std::uint64_t token) const override { return live_.contains(token); }

  bool queues(std::string const& candidate) const override {
    auto const quoted = "\"" + candidate + "\"";
    for (auto const& [key, kept] : etcd_.state.keys)
      if (key.starts_with("leader/") && kept.value.find(quoted) != std::string::npos)
        return etcd_.renewed_since(kept.lease, in_.world.now() - ttl());
    return false;
  }

  std::string leftovers() const override {
    std::string all;
    for (auto const& key : etcd_.state.list(std::string(election) + "/")) all += " " + key;
    if (!etcd_.state.leases.empty()) all += " " + std::to_string(etcd_.state.leases.size()) + " leases";
    return all;
  }

private:
  static etcd_quirks draw_quirks(testing::world& dice) {
    etcd_quirks q;
    q.acks_dead_leases = dice.chance(40);
    q.stale_reads = dice.chance(30);
    q.missing_events = dice.chance(30);
    q.hasty = dice.chance(40);
    q.slow_revoke = dice.chance(50);
    return q;
  }

  void compact() {
    in_.world.note("compaction", static_cast<std::uint64_t>(etcd_.state.revision));
    etcd_.state.compact();
  }

  // R8: the watch on its own key tells a leader, at the latest when a silent stream is given up: after a renewal period
  // and 1 s more. Where the network and the cluster are well, that is.
  void expect_end(std::uint64_t token) {
    bool const calm = mix_.lose_request + mix_.lose_answer + mix_.cut + mix_.delay == 0 && !quirks_.missing_events &&
                      !kills_ && !stops_ && !cuts_;
    if (!calm) return;
    auto const from = in_.world.now();
    in_.world.after(5500ms, [this, token, from] {
      if (!valid_on) return;
      auto const* const host = valid_on(token);
      if (host == nullptr || in_.faults.troubled_since(*host, from)) return;
      in_.judge.see({happening::lost, in_.world.now(), {}, {}, token, {}, {}});
      in_.world.note("deleted, not noticed", token);
    });
  }

  // What an operator does, or a store that revokes a renewed lease (etcd#15247): until the holder hears of it, or its
  // deadline passes, two may be valid.
  void excuse(char const* why) {
    in_.world.note(why);
    // An event that etcd loses is made up for by the next stream, after a renewal period and 1 s.
    auto const until = in_.world.now() + ttl() + (quirks_.missing_events ? 5s : 0s);
    excused_until = until;
    in_.judge.see({happening::excuse, in_.world.now(), until, {}, 0, why, {}});
  }
  std::string leader_key() const {
    auto const all = etcd_.state.list(std::string(election) + "/");
    return all.empty() ? std::string() : all.front();
  }
  void delete_leader() {
    auto const key = leader_key();
    if (key.empty()) return;
    excuse("key deleted");
    expect_end(static_cast<std::uint64_t>(etcd_.state.keys.at(key).created));
    etcd_.state.erase(key);
  }
  void revoke_leader() {
    auto const key = leader_key();
    if (key.empty()) return;
    excuse("lease revoked early");
    expect_end(static_cast<std::uint64_t>(etcd_.state.keys.at(key).created));
    etcd_.state.expire(etcd_.state.keys.at(key).lease);
  }

  // The store's own word on who holds what, and in which order guarded writes were done.
  void heard(test::etcd_change const& e) {
    if (e.key == counter_key && !e.deleted) {
      auto const token = std::stoull(etcd_.state.keys.at(counter_key).value);
      in_.guarded.see({happening::accepted, in_.world.now(), {}, {}, token, {}, {}});
    }
    if (!e.key.starts_with("leader/")) return;
    if (!e.deleted) {
      auto const& kept = etcd_.state.keys.at(e.key);
      created_[e.key] = static_cast<std::uint64_t>(kept.created);
      live_.insert(created_[e.key]);
      return;
    }
    auto const known = created_.extract(e.key);
    if (!known.empty()) live_.erase(known.mapped());
  }

  surroundings in_;
  message_mix mix_;
  etcd_quirks quirks_;
  sim_etcd etcd_;
  std::map<std::string, std::uint64_t> created_;
  std::set<std::uint64_t> live_;
  bool kills_, stops_, cuts_, deletions_, revocations_, compactions_;
};

}  // namespace

std::unique_ptr<stage> make_etcd_stage(surroundings in, bool sockets) {
  return std::make_unique<etcd_stage>(in, sockets);
}

}  // namespace coelect::sim

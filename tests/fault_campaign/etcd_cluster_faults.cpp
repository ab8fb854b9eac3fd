// What the campaign does to the members of its etcd cluster and to the network between them.
#include "etcd_stage.hpp"
#include <csignal>

namespace coelect::test {

using namespace std::chrono_literals;

std::optional<std::size_t> etcd_stage::raft_leader() const {
  for (auto const end = boot_now() + 5s; boot_now() < end; std::this_thread::sleep_for(20ms))
    if (auto const found = cluster_->leader()) return found;
  return {};
}

/// Until the members have agreed on one leader for a second: a member that comes back may make them elect once more, and
/// that begins all leases anew.
void etcd_stage::settle() {
  auto const end = boot_now() + 15s;
  auto since = boot_now();
  for (auto before = cluster_->leader(); boot_now() < end && boot_now() - since < 1s;
       std::this_thread::sleep_for(50ms)) {
    auto const now = cluster_->leader();
    if (!now || now != before) since = boot_now();
    before = now;
  }
}

/// Starts a member that is not running, and waits until it serves.
void etcd_stage::start(std::size_t member) {
  auto& m = cluster_->member(member);
  if (!m.running()) {
    m.start(false);
    peers_.runs_as(member, m.pid());
  }
  m.wait_until_ready(15s);
}

void etcd_stage::restart(std::size_t member) {
  down_[member] = true;
  cluster_->member(member).terminate();
  start(member);
  down_[member] = false;
}

bool etcd_stage::cluster_fault(std::string const& kind, deck& cards) {
  if (kind == "minority partition") return partition(cards);
  auto from = boot_now();
  if (kind == "compaction") return compact(from);
  auto const leader = raft_leader();
  if (!leader) return false;
  from = boot_now();
  auto& member = cluster_->member(*leader);
  auto const victim = "m" + std::to_string(*leader);
  if (kind == "raft leader killed") {
    down_[*leader] = true;
    member.kill();
    in_.faults.rest(cards.between(200ms, 2'500ms));
    start(*leader);
  } else if (kind == "raft leader paused") {
    down_[*leader] = true;
    member.stop();
    in_.faults.rest(cards.between(400ms, 5'000ms));
    member.cont();
  } else if (kind == "follower restarted") {
    restart((*leader + 1 + cards.below(members - 1)) % members);
  } else if (kind == "rolling restart") {
    for (std::size_t m = 0; m < members && !in_.faults.over(); ++m) {
      auto const began = boot_now();
      restart((*leader + 1 + m) % members);  // the leader comes last
      in_.log.fault("etcd", "member restarted in a rolling restart", "m" + std::to_string((*leader + 1 + m) % members),
                    began, boot_now());
    }
    return true;
  }
  in_.log.fault("etcd", kind, victim, from, boot_now());
  return true;
}

/// A read that goes through raft.
bool etcd_stage::has_quorum(std::size_t member) const {
  etcd_client client(cluster_->member(member).client_port());
  client.limit = 300ms;
  try {
    client.revision();
    return true;
  } catch (std::exception const&) {
    return false;
  }
}

/// One member is cut off from the others, and a candidate can talk to that one only, or to all but that one.
bool etcd_stage::partition(deck& cards) {
  auto const leader = raft_leader();
  if (!leader) return false;
  auto const cut_off = cards.below(2) == 0 ? *leader : (*leader + 1 + cards.below(members - 1)) % members;
  auto& at = *places_[cards.below(actors)];
  bool const with_minority = cards.below(3) != 0;
  std::unique_lock const its(at.who.trouble, std::try_to_lock);  // else it has trouble already, and sees all members
  auto const from = boot_now();
  down_[cut_off] = true;
  auto const links = peers_.isolate(cut_off);
  for (std::size_t m = 0; its && m < members; ++m) {
    if ((m == cut_off) == with_minority) continue;
    at.ways[m].blackhole();
  }
  bool const long_enough = in_.faults.rest(cards.between(2'000ms, 5'000ms));
  if (long_enough && has_quorum(cut_off)) in_.log.complain("a member that was cut off from the others had a quorum");
  peers_.heal();
  if (its) at.each_way([](fault_proxy& way) { way.pass(); });
  auto const side = !its ? "" : ", " + at.who.name() + (with_minority ? " with the minority" : " with the majority");
  in_.log.fault("etcd", "minority partition", "m" + std::to_string(cut_off), from, boot_now());
  if (links == 0) in_.log.complain("a partition cut no connection between members");
  in_.log.remark("etcd", "m" + std::to_string(cut_off) + (cut_off == *leader ? ", the raft leader," : "") +
                             " was cut off" + side + "; connections cut: " + std::to_string(links));
  return true;
}

/// All that the store watch has seen. Candidates' watches that are behind have to start anew.
bool etcd_stage::compact(nanoseconds from) {
  auto const revision = watch_->seen();
  etcd_client client(healthy_port());
  client.limit = 2s;
  client.compact(revision);
  in_.log.fault("etcd", "compaction", "revision " + std::to_string(revision), from, boot_now());
  return true;
}

}  // namespace coelect::test

// The etcd part of the campaign: a cluster behind proxies, four candidate processes in eight elections, and their troubles.
#include "etcd_stage.hpp"
#include <csignal>

namespace coelect::test {

etcd_stage::etcd_stage(run& in) : in_(in) {
  etcd_options how;
  how.quick = true;
  how.peers_through = [this](std::size_t member, std::uint16_t port) { return peers_.add(member, port); };
  cluster_ = std::make_unique<etcd_cluster>(members, how);
  std::array<std::uint16_t, members> ports{};
  for (std::size_t m = 0; m < members; ++m) {
    ports[m] = cluster_->member(m).client_port();
    peers_.runs_as(m, cluster_->member(m).pid());
  }
  watch_ = std::make_unique<store_watch>(in_, std::vector<std::uint16_t>(ports.begin(), ports.end()), "f/", trusted);
  for (std::size_t i = 0; i < actors; ++i) {
    places_[i] = std::make_unique<place>(in_, static_cast<int>(i), ports);
    places_[i]->who.start();
  }
}

etcd_stage::~etcd_stage() {
  in_.faults.end_all();
  for (auto& lane : lanes_) lane.join();
  for (auto& p : places_)
    if (p) p->who.kill();
  watch_.reset();
}

std::vector<std::filesystem::path> etcd_stage::notes() const {
  std::vector<std::filesystem::path> all;
  for (auto const& p : places_) all.push_back(p->who.notes());
  return all;
}

int etcd_stage::make_trouble() {
  for (std::size_t i = 0; i < actors; ++i) lanes_.emplace_back([this, i] { candidate_lane(i); });
  lanes_.emplace_back([this] { cluster_lane(); });
  return static_cast<int>(lanes_.size());
}

void etcd_stage::candidate_lane(std::size_t who) {
  deck cards({{"kill -9", 20},
              {"stop for less than V", 3},
              {"stop for more than V", 3},
              {"stop for more than the ttl", 3},
              {"stop between check and write", 5},
              {"blackhole for more than the ttl", 6},
              {"short blackhole", 2},
              {"refuse", 2},
              {"RST at byte N", 3},
              {"FIN at byte N", 3},
              {"slow", 2},
              {"lost replies", 4},
              {"cut replies", 3},
              {"lease revoked", 3},
              {"leader's key deleted", 5}},
             in_.seed + who);
  auto& at = *places_[who];
  while (in_.faults.rest(cards.between(milliseconds(3'500), milliseconds(8'000)))) {
    std::lock_guard const mine(at.who.trouble);
    if (!at.who.running()) {
      in_.log.complain(at.who.name() + " has ended by itself; see its .log");
      at.who.kill();
      at.who.start();
    }
    auto const kind = cards.deal();
    try {
      bool const known =
          candidate_fault(kind, at, cards) || network_fault(kind, at, cards) || operator_fault(kind, at, cards);
      if (!known) throw std::logic_error("no such fault");
    } catch (std::exception const& e) {
      in_.log.remark("etcd", kind + ": " + e.what());
    }
    at.who.cont();
    at.each_way([](fault_proxy& way) { way.pass(); });
  }
  in_.faults.wait_for_the_end();
}

void etcd_stage::cluster_lane() {
  deck cards({{"raft leader killed", 5},
              {"raft leader paused", 4},
              {"minority partition", 7},
              {"follower restarted", 1},
              {"rolling restart", 2},
              {"compaction", 3}},
             in_.seed + 100);
  while (in_.faults.rest(cards.between(milliseconds(3'500), milliseconds(6'500)))) {
    auto const kind = cards.deal();
    try {
      cluster_fault(kind, cards);
    } catch (std::exception const& e) {
      in_.log.remark("etcd", kind + ": " + e.what());
    }
    peers_.heal();
    for (std::size_t m = 0; m < members; ++m) {
      cluster_->member(m).cont();
      start(m);
      down_[m] = false;
    }
  }
  settle();
  in_.faults.wait_for_the_end();
}

std::uint16_t etcd_stage::healthy_port() const {
  for (std::size_t m = 0; m < members; ++m)
    if (!down_[m]) return cluster_->member(m).client_port();
  throw std::runtime_error("no member is up");
}

void etcd_stage::end() {
  for (auto const& p : places_) p->who.kill();
  auto const end = boot_now() + std::chrono::seconds(20);
  for (;;) try {
      etcd_client client(healthy_port());
      if (watch_->wait_until_seen(client.revision(), std::chrono::seconds(10))) return;
    } catch (std::exception const& e) {
      if (boot_now() > end) in_.log.complain(std::string("the cluster does not answer after the faults: ") + e.what());
      if (boot_now() > end) return;
    }
}

}  // namespace coelect::test

// The etcd part of the campaign: a cluster behind proxies, four candidate processes in eight elections, and their troubles.
#pragma once
#include "actor.hpp"
#include "peer_network.hpp"
#include "store_watch.hpp"
#include "support/etcd_server.hpp"
#include "support/fault_proxy.hpp"
#include <array>

namespace coelect::test {

class etcd_stage : public stage {
public:
  static constexpr std::size_t members = 3, actors = 4;
  static constexpr int election_count = 8;
  static constexpr milliseconds ttl{3'000}, slack{500};
  static constexpr milliseconds trusted{2'200};  ///< ttl * 0.9 - slack

  /// Starts the cluster and its candidates; throws with what to install.
  explicit etcd_stage(run& in);
  ~etcd_stage() override;

  std::vector<std::string> elections() const override { return numbered("etcd", election_count); }
  std::vector<std::filesystem::path> notes() const override;
  int make_trouble() override;  ///< A thread for each candidate and one for the cluster.
  void end() override;          ///< Until the store watch has seen all that has been written.
  milliseconds leader_within() const override { return ttl + milliseconds(3'000); }  // 2 s and a back-off of 1 s

private:
  struct place;  // one candidate: its process and its way to each member
  void candidate_lane(std::size_t who);
  void cluster_lane();

  // etcd_faults.cpp: each returns false when there was nothing to do it to.
  bool candidate_fault(std::string const& kind, place& at, deck& cards);
  bool network_fault(std::string const& kind, place& at, deck& cards);
  bool operator_fault(std::string const& kind, place& at, deck& cards);
  // etcd_cluster_faults.cpp
  bool cluster_fault(std::string const& kind, deck& cards);
  bool partition(deck& cards);
  bool has_quorum(std::size_t member) const;
  bool compact(nanoseconds from);
  void settle();
  void restart(std::size_t member);
  void start(std::size_t member);
  std::optional<std::size_t> raft_leader() const;
  std::uint16_t healthy_port() const;

  run& in_;
  peer_network peers_;
  std::unique_ptr<etcd_cluster> cluster_;
  std::array<std::atomic<bool>, members> down_{};  // killed, stopped or cut off by us
  std::array<std::unique_ptr<place>, actors> places_;
  std::unique_ptr<store_watch> watch_;
  std::vector<std::thread> lanes_;
};

struct etcd_stage::place {
  place(run& in, int number, std::array<std::uint16_t, members> const& ports)
      : ways{fault_proxy(ports[0]), fault_proxy(ports[1]), fault_proxy(ports[2])},
        who(in, "etcd", number,
            {"etcd=" + urls(number), "elections=" + joined(numbered("etcd", election_count)),
             "ttl=" + std::to_string(ttl.count()), "slack=" + std::to_string(slack.count()), "reign=8000"}) {}
  std::string urls(int number) const {
    std::vector<std::string> all;
    for (std::size_t m = 0; m < members; ++m)
      all.push_back(ways[(m + static_cast<std::size_t>(number)) % members].url());
    return joined(all);
  }
  void each_way(std::function<void(fault_proxy&)> const& does) {
    for (auto& way : ways) does(way);
  }

  std::array<fault_proxy, members> ways;
  actor who;
};

}  // namespace coelect::test

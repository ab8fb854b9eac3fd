// A simulated etcd cluster: what etcd_model keeps, with members that die, stall and lag, leases on the raft leader's clock.
#pragma once
#include "models/etcd_model.hpp"
#include "sim/network.hpp"
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace coelect::sim {

/// What real etcd versions have got wrong; each is on in some seeds.
struct etcd_quirks {
  bool acks_dead_leases =
      false;                    ///< A keep-alive of a lease that is gone is answered as if it were there (etcd#14758).
  bool stale_reads = false;     ///< What only reads may be answered from an earlier state (etcd#20418).
  bool missing_events = false;  ///< One event in thirty never reaches a watch.
  bool hasty = false;           ///< Leases end up to 0.9 s early: within the slack that the store allows for.
  bool slow_revoke = false;     ///< A lease that has run out is found up to 0.5 s later, as etcd looks for them.
  std::string text() const;
};

class sim_etcd final : public server {
public:
  sim_etcd(testing::world& world, etcd_quirks quirks, std::size_t members = 3);

  test::etcd_model state;
  bool sockets = false;  ///< Watches may share a WebSocket.
  /// After each commit: keys that came and went.
  std::function<void(std::vector<test::etcd_change> const&)> on_commit{};

  // --- What can happen to it. `span` is how long.

  void kill_member(std::size_t which, nanoseconds span);  ///< Its connections end, nothing is lost.
  void stop_member(std::size_t which, nanoseconds span);  ///< As by SIGSTOP: requests wait in its socket.
  /// It cannot reach the others. If it leads, it still believes so for a while and acknowledges renewals.
  void cut_member(std::size_t which, nanoseconds span);
  std::size_t leader() const noexcept { return leader_; }
  std::size_t members() const noexcept { return members_.size(); }
  /// Whether somebody has granted or renewed the lease since then; that a new raft leader begins it anew is no renewal.
  bool renewed_since(std::int64_t lease, nanoseconds moment) const;
  void heal();  ///< All members are well, with a leader; the quirks that cost liveness end.

  // --- For the network.

  bool listens(std::size_t endpoint) const override { return members_[endpoint].up; }
  void arrive(std::size_t endpoint, message what, reply answer) override;
  void subscribe(std::size_t endpoint, message what, std::shared_ptr<stream_sink> to) override;
  bool has_sockets() const override { return sockets; }
  void welcome(std::size_t endpoint, std::shared_ptr<stream_sink> on) override;
  void hear(std::size_t endpoint, message what, std::shared_ptr<stream_sink> on) override;
  char const* name_of(http::request const& what) const override;
  std::string body_of(std::string const& text) const override;

private:
  struct subscription {
    std::size_t endpoint;
    test::etcd_watch wanted;
    std::shared_ptr<stream_sink> to;
    std::string number{};             // on a socket
    std::vector<std::string> held{};  // while its member stands still
  };
  struct member {
    bool up = true, stopped = false, cut = false;
    int permille = 1000;                               // its clock against the world's
    unsigned episode = 0;                              // counts its troubles: an end belongs to the last one only
    nanoseconds leads_until{-1};                       // it believes that it leads, though it does not
    std::uint64_t old_term = 0;                        // in which it does so
    std::int64_t old_revision = 0;                     // what it has seen, while it is cut off
    std::map<std::int64_t, nanoseconds> old_leases{};  // as it sees them
    std::vector<std::function<void()>> waiting{};      // requests in its socket
  };
  bool well(member const& m) const noexcept { return m.up && !m.stopped && !m.cut; }
  bool has_leader() const noexcept { return well(members_[leader_]) && world_.now() >= no_leader_until_; }

  void handle(std::size_t endpoint, message const& what, reply const& answer);
  bool answer_as_old_leader(member& m, message const& what, reply const& answer);
  void carry_out(message const& what, reply const& answer);
  void answer_on_socket(std::size_t endpoint, message const& what, std::shared_ptr<stream_sink> const& on);
  test::json head_of(member const& m) const;
  void begin_watch(std::size_t endpoint, message const& what, std::shared_ptr<stream_sink> const& to);
  void tell(std::vector<test::etcd_change> const& events);
  void touch(std::int64_t lease);
  void set_deadline(std::int64_t lease, nanoseconds extra);
  void look_for_expired(std::int64_t lease);
  void leader_is_gone();
  void promote();
  void recover(std::size_t which);
  void after(std::size_t which, nanoseconds span, void (sim_etcd::*what)(std::size_t));
  void recover_stopped(std::size_t which);
  void recover_cut(std::size_t which);
  void say_unavailable(nanoseconds wait, reply const& answer);

  static constexpr nanoseconds election_timeout = std::chrono::seconds(1);

  testing::world& world_;
  etcd_quirks quirks_;
  std::vector<member> members_;
  std::size_t leader_ = 0;
  nanoseconds no_leader_until_{-1};
  bool electing_ = false, healed_ = false;
  std::map<std::int64_t, nanoseconds> deadlines_, touched_;
  std::vector<subscription> watches_;
  std::deque<std::pair<test::etcd_model::key_map, std::int64_t>> earlier_;
};

}  // namespace coelect::sim

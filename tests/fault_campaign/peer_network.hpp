// The network between the members of an etcd cluster: a proxy in front of each one's peer port, which can be split in two.
#pragma once
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <set>
#include <sys/types.h>
#include <thread>
#include <vector>

namespace coelect::test {

/// Bytes between the two sides of a split wait until it is healed, as in a network that loses packets. All members share
/// one address, so who has dialled a connection is found out from the kernel: by the process that holds the socket.
/// Serves with a thread of its own. Any thread may call; when a call returns, what it says holds.
class peer_network {
public:
  static constexpr std::size_t most_members = 7;

  peer_network();
  ~peer_network();

  /// The port that the member's peers shall use.
  std::uint16_t add(std::size_t member, std::uint16_t peer_port);
  /// Whose sockets are the member's. To be told after each start of a member.
  void runs_as(std::size_t member, pid_t pid) { pids_.at(member) = pid; }
  /// Nothing passes between this member and the others. How many connections that cut at once.
  std::size_t isolate(std::size_t member);
  void heal();

private:
  struct link;
  struct gate;
  friend struct link;
  void accept(gate& at);
  bool cut(link const& l) const;
  std::size_t dialled_by(std::uint16_t from_port, std::uint16_t to_port) const;

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::vector<std::unique_ptr<gate>> gates_;
  std::set<std::shared_ptr<link>> links_;
  std::array<std::atomic<pid_t>, most_members> pids_{};
  std::size_t isolated_ = most_members;  // nobody
  std::thread thread_;
};

}  // namespace coelect::test

// The recipe that most people write first for leader election on etcd, kept as it usually is. Not for use.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>

namespace versus {

/// Grant a lease, put a key with it if there is none, refresh the lease in a loop. A fair rewrite of what is
/// in many code bases; it uses etcd correctly and works until something goes wrong. Its common traits:
///
///   - "am I the leader?" is a flag: set by success, cleared when a refresh says otherwise. Whoever hangs, is
///     stopped, or waits for an answer, goes on being the leader;
///   - nothing counts the lease's time here: it begins when etcd handles a request, not when the answer comes;
///   - a request may take as long as the client library's default allows;
///   - nothing is told to the resource: a late write looks like any other.
class naive_recipe {
public:
  naive_recipe(std::string name, std::uint16_t port, int ttl_seconds);

  [[noreturn]] void run();
  bool is_leader() const noexcept { return leader_; }
  /// For the referee only, who must tell terms apart; the recipe itself has no token.
  std::uint64_t term_for_the_referee() const noexcept { return term_; }

private:
  void stand();
  void lead();

  std::string name_;
  std::uint16_t port_;
  int ttl_seconds_;
  std::string lease_;
  std::atomic<bool> leader_{false};
  std::atomic<std::uint64_t> term_{0};
};

}  // namespace versus

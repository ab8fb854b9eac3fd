// Three candidates of one kind, each behind a proxy of its own, and what can be done to their leader.
#pragma once
#include "candidate.hpp"
#include "referee.hpp"
#include <array>
#include <memory>
#include <support/child.hpp>
#include <support/etcd_server.hpp>
#include <support/fault_proxy.hpp>
#include <support/scratch_directory.hpp>

namespace versus {

enum class fault { stopped = 1, cut_off, slow_answers, killed, revoked };

class troupe {
public:
  troupe(kind what, std::string program, coelect::test::etcd_server& etcd, int ttl_seconds);

  /// Who leads, once somebody has led without a break for `settled`; throws when nobody does in time.
  int wait_for_leader(std::chrono::milliseconds settled);
  void inflict(fault what, int on);
  void heal(fault what, int on);
  referee const& notes();

private:
  static constexpr int size = 3;
  void start(int who);
  std::filesystem::path file(int who) const;
  void revoke_lease_of_leader();

  kind kind_;
  std::string program_;
  coelect::test::etcd_server& etcd_;
  int ttl_seconds_;
  coelect::test::scratch_directory directory_;
  std::array<std::unique_ptr<coelect::test::fault_proxy>, size> proxies_;
  std::array<std::unique_ptr<coelect::test::child>, size> actors_;
  referee referee_;
};

ns boottime();

}  // namespace versus

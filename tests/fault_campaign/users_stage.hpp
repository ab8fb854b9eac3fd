// The etcd part with users: a member whose tokens are short-lived, two candidate processes, and what takes their tokens away.
#pragma once
#include "actor.hpp"
#include "support/etcd_server.hpp"
#include "support/fault_proxy.hpp"
#include <array>
#include <thread>

namespace coelect::test {

class users_stage : public stage {
public:
  static constexpr std::size_t actors = 2;
  static constexpr int election_count = 2;
  static constexpr milliseconds ttl{3'000}, slack{500};

  /// Starts the member, makes its users and starts the candidates.
  explicit users_stage(run& in);
  ~users_stage() override;
  std::vector<std::string> elections() const override { return numbered("users", election_count); }
  std::vector<std::filesystem::path> notes() const override;
  int make_trouble() override;
  void end() override;
  milliseconds leader_within() const override { return ttl + milliseconds(3'000); }

private:
  void lane();
  void fault(std::string const& kind, deck& cards);

  run& in_;
  etcd_server server_;
  fault_proxy way_;
  std::array<std::unique_ptr<actor>, actors> actors_;
  std::thread lane_;
};

}  // namespace coelect::test

// The Azure part of the campaign: Azurite behind proxies, three candidate processes in four elections, and their troubles.
#pragma once
#include "support/azurite.hpp"
#include "support/fault_proxy.hpp"
#include "tail.hpp"
#include <array>
#include <thread>

namespace coelect::test {

class azure_stage : public stage {
public:
  static constexpr std::size_t actors = 3;
  static constexpr int election_count = 4;
  static constexpr milliseconds ttl{15'000};

  /// Starts Azurite and the candidates; throws with what to install.
  explicit azure_stage(run& in);
  ~azure_stage() override;
  int make_trouble() override;
  void end() override;
  std::vector<std::filesystem::path> notes() const override { return notes_; }
  milliseconds leader_within() const override { return ttl + milliseconds(3'000); }
  std::vector<std::string> elections() const override { return numbered("azure", election_count); }

private:
  struct place;
  void lane(std::size_t who);
  bool candidate_fault(std::string const& kind, place& at, deck& cards);
  bool network_fault(std::string const& kind, place& at, deck& cards);
  bool operator_fault(std::string const& kind, place& at, deck& cards);
  bool server_fault(std::string const& kind, deck& cards);

  run& in_;
  azurite server_;
  std::mutex server_trouble_;  // one at a time does something to the server
  std::array<std::unique_ptr<place>, actors> places_;
  std::vector<std::filesystem::path> notes_;
  std::vector<std::thread> lanes_;
};

}  // namespace coelect::test

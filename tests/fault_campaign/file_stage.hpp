// The file part of the campaign: candidates on a directory of this host's disk, killed as soon as one leads.
#pragma once
#include "support/scratch_directory.hpp"
#include "tail.hpp"
#include <array>
#include <thread>

namespace coelect::test {

class file_stage : public stage {
public:
  static constexpr std::size_t actors = 3;
  static constexpr int election_count = 3;

  explicit file_stage(run& in);
  ~file_stage() override;
  int make_trouble() override;
  void end() override;
  std::vector<std::filesystem::path> notes() const override { return notes_; }
  milliseconds leader_within() const override { return milliseconds(2'000); }
  std::vector<std::string> elections() const override { return numbered("file", election_count); }

private:
  void lane();
  void fault(std::string const& kind, deck& cards);
  void kill(actor& leader);
  void unlink(std::string const& election);
  actor* find(std::string const& candidate);
  bool next_leader(std::string const& election, std::uint64_t after);

  run& in_;
  scratch_directory directory_;
  std::array<std::unique_ptr<actor>, actors> actors_;
  std::vector<std::filesystem::path> notes_;
  std::unique_ptr<tail> seen_;
  std::thread lane_;
};

}  // namespace coelect::test

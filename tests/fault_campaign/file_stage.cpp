// The file part of the campaign: candidates on a directory of this host's disk, killed as soon as one leads.
#include "file_stage.hpp"

namespace coelect::test {

using namespace std::chrono_literals;

namespace {

/// A leader hears of it by inotify, and at the latest when it looks after its file: once a second.
constexpr auto heard_by = 2s;

}  // namespace

file_stage::file_stage(run& in) : in_(in) {
  for (std::size_t i = 0; i < actors; ++i) {
    std::vector<std::string> where{"file=" + directory_.path().string(), "elections=" + joined(elections())};
    actors_[i] = std::make_unique<actor>(in_, "file", static_cast<int>(i), where);
    notes_.push_back(actors_[i]->notes());
    actors_[i]->start();
  }
  seen_ = std::make_unique<tail>(notes_);
}

file_stage::~file_stage() {
  in_.faults.end_all();
  if (lane_.joinable()) lane_.join();
  for (auto& a : actors_) a->kill();
}

int file_stage::make_trouble() {
  lane_ = std::thread([this] { lane(); });
  return 1;
}

void file_stage::end() {
  for (auto& a : actors_) a->kill();
}

actor* file_stage::find(std::string const& candidate) {
  for (auto& a : actors_)
    if (a->name() == candidate) return a.get();
  return nullptr;
}

/// Until a later term than that has begun.
bool file_stage::next_leader(std::string const& election, std::uint64_t after) {
  for (auto const end = boot_now() + 10s; boot_now() < end; std::this_thread::sleep_for(1ms)) {
    seen_->read();
    auto const* const newest = seen_->newest(election);
    if (newest && newest->token > after) return true;
  }
  in_.log.complain("nobody leads " + election + " 10 s after token " + std::to_string(after));
  return false;
}

void file_stage::lane() {
  deck cards({{"kill -9", 58}, {"stop", 2}, {"lock file unlinked", 3}}, in_.seed + 200);
  for (auto const& election : elections()) next_leader(election, 0);
  while (in_.faults.rest(cards.between(200ms, 600ms))) {
    seen_->read();
    try {
      fault(cards.deal(), cards);
    } catch (std::exception const& e) {
      in_.log.remark("file", e.what());
    }
  }
  in_.faults.wait_for_the_end();
}

void file_stage::fault(std::string const& kind, deck& cards) {
  auto const election = elections()[cards.below(election_count)];
  auto const* const newest = seen_->newest(election);
  auto* const leader = newest ? find(newest->candidate) : nullptr;
  if (!leader) return;
  if (kind == "lock file unlinked") return unlink(election);
  if (kind == "kill -9") return kill(*leader);
  auto const from = boot_now();
  leader->stop();
  in_.faults.rest(cards.between(100ms, 1'500ms));
  leader->cont();  // it is still there, so it still leads
  in_.log.fault("file", kind, leader->name(), from, boot_now());
}

void file_stage::kill(actor& leader) {
  auto const name = leader.name();
  auto const from = boot_now();
  leader.kill();
  in_.log.fault("file", "kill -9", name, from, boot_now());
  seen_->read();
  std::map<std::string, std::uint64_t> orphans;
  for (auto const& election : seen_->led_by(name)) orphans[election] = seen_->newest(election)->token;
  for (auto const& [election, token] : orphans) next_leader(election, token);
  leader.start();
}

void file_stage::unlink(std::string const& election) {
  auto const token = seen_->newest(election)->token;
  auto const from = boot_now();
  std::error_code failed;
  std::filesystem::remove(directory_.path() / (election + ".lock"), failed);
  in_.log.excuse(election, from, boot_now() + heard_by, "lock file unlinked by the campaign");
  in_.log.fault("file", "lock file unlinked", election, from, boot_now());
  if (failed) in_.log.remark("file", "unlink: " + failed.message());
  else next_leader(election, token);
}

}  // namespace coelect::test

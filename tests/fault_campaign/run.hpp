// What all stages of a fault campaign share: how long faults go on, chance, and the campaign's own journal.
#pragma once
#include "journal.hpp"
#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace coelect::test {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// The time in which faults are made. Any thread.
class season {
public:
  /// Waits that long; false, and at once, when the season is over.
  bool rest(milliseconds span) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, span, [this] { return over_; });
  }
  /// Returns when end_all() is called: a thread that ends takes the processes that it has started with it.
  void wait_for_the_end() {
    std::unique_lock lock(mutex_);
    ++resting_;
    changed_.wait(lock, [this] { return all_over_; });
  }
  /// How many are in wait_for_the_end(): their faults are healed.
  int resting() const {
    std::lock_guard const lock(mutex_);
    return resting_;
  }
  bool over() const {
    std::lock_guard const lock(mutex_);
    return over_;
  }
  void end() { set(over_); }
  void end_all() {
    set(over_);
    set(all_over_);
  }

private:
  void set(bool& what) {
    std::lock_guard const lock(mutex_);
    what = true;
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false, all_over_ = false;
  int resting_ = 0;
};

/// Deals kinds of faults in a random order and in exact proportions. For one thread.
class deck {
public:
  deck(std::vector<std::pair<std::string, int>> kinds, std::uint64_t seed) : dice_(seed) {
    for (auto const& [kind, count] : kinds) all_.insert(all_.end(), static_cast<std::size_t>(count), kind);
  }
  std::string deal() {
    if (left_.empty()) {
      left_ = all_;
      std::shuffle(left_.begin(), left_.end(), dice_);
    }
    auto kind = std::move(left_.back());
    left_.pop_back();
    return kind;
  }
  std::mt19937_64& dice() noexcept { return dice_; }
  /// Uniform, both ends included.
  milliseconds between(milliseconds low, milliseconds high) {
    return milliseconds(std::uniform_int_distribution<milliseconds::rep>(low.count(), high.count())(dice_));
  }
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(dice_); }

private:
  std::vector<std::string> all_, left_;
  std::mt19937_64 dice_;
};

/// The campaign's own journal: what it did to whom, and for how long that excuses two valid terms. Any thread.
class chronicle {
public:
  explicit chronicle(std::filesystem::path const& file) : out_(file) {}

  void begins(double minutes, std::uint64_t seed) {
    out_.note(
        nlohmann::json{{"event", "campaign"}, {"boot_ns", boot_now().count()}, {"minutes", minutes}, {"seed", seed}});
  }
  /// `victim`: a candidate, a member or an election.
  void fault(std::string const& stage, std::string const& kind, std::string const& victim, nanoseconds from,
             nanoseconds until) {
    out_.note(nlohmann::json{{"event", "fault"},
                             {"stage", stage},
                             {"kind", kind},
                             {"victim", victim},
                             {"boot_ns", from.count()},
                             {"until_ns", until.count()}});
    std::lock_guard const lock(mutex_);
    ++counts_[stage][kind];
  }
  void excuse(std::string const& election, nanoseconds from, nanoseconds until, std::string const& why) {
    testing::event e;
    e.what = testing::happening::excuse;
    e.at = from;
    e.until = until;
    e.election = election;
    e.detail = why;
    out_.note(e);
  }
  /// Something that must not be, and that no candidate could note.
  void complain(std::string const& what) {
    out_.note(nlohmann::json{{"event", "complaint"}, {"boot_ns", boot_now().count()}, {"what", what}});
  }
  void remark(std::string const& stage, std::string const& what) {
    out_.note(nlohmann::json{{"event", "remark"}, {"boot_ns", boot_now().count()}, {"stage", stage}, {"what", what}});
  }
  std::map<std::string, std::map<std::string, int>> counts() const {
    std::lock_guard const lock(mutex_);
    return counts_;
  }

private:
  journal out_;
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, int>> counts_;  // by stage and kind
};

/// One kind of server with its candidates.
class stage {
public:
  stage() = default;
  stage(stage const&) = delete;
  stage& operator=(stage const&) = delete;
  virtual ~stage() = default;
  virtual std::vector<std::string> elections() const = 0;
  virtual std::vector<std::filesystem::path> notes() const = 0;  ///< The journals of its candidates.
  virtual int make_trouble() = 0;                                ///< Starts it; in how many threads.
  virtual void end() = 0;  ///< Ends the candidates; completes what the stage itself notes.
  /// Somebody leads each election so long after the last fault has been healed.
  virtual milliseconds leader_within() const = 0;
};

/// One run of the campaign.
struct run {
  run(std::filesystem::path where, std::uint64_t s)
      : report(std::move(where)), seed(s), log(report / "campaign.jsonl") {}

  std::filesystem::path report;
  std::uint64_t seed;
  std::string resource;           ///< The socket of the fenced resource.
  std::string candidate_program;  ///< Full path of fault-candidate.
  season faults;
  chronicle log;
};

/// Elections "etcd-0", "etcd-1", ...
inline std::vector<std::string> numbered(std::string const& stage, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(stage + "-" + std::to_string(i));
  return names;
}
inline std::string joined(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

}  // namespace coelect::test

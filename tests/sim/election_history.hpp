// Judges what happened in a simulated election: overlaps, token order, excuses.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace coelect::test {

/// Collects what was observed; the first violation is kept as complaint().
class election_history {
public:
  /// A candidate heard that it leads, and valid() said so too.
  void won(std::chrono::nanoseconds now, std::uint64_t token) {
    ++terms_;
    if (token <= last_token_ && now >= excused_until_)
      complain("token " + std::to_string(token) + " was won after token " + std::to_string(last_token_));
    last_token_ = std::max(last_token_, token);
  }

  /// The tokens under which valid() is true right now.
  void seen(std::chrono::nanoseconds now, std::vector<std::uint64_t> const& valid) {
    if (valid.size() < 2) return;
    if (now < excused_until_) {
      ++excused_;
      return;
    }
    complain("tokens " + std::to_string(valid[0]) + " and " + std::to_string(valid[1]) + " are both valid at " +
             std::to_string(now.count()) + " ns");
  }

  /// The store dropped a hold that was not due; the promise says "while the store keeps its contract".
  void store_broke_its_word(std::chrono::nanoseconds until) { excused_until_ = std::max(excused_until_, until); }

  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  std::string const& complaint() const noexcept { return complaint_; }
  std::uint64_t terms() const noexcept { return terms_; }
  std::uint64_t excused() const noexcept { return excused_; }

private:
  std::string complaint_;
  std::uint64_t last_token_ = 0;
  std::uint64_t terms_ = 0;
  std::uint64_t excused_ = 0;
  std::chrono::nanoseconds excused_until_{};
};

}  // namespace coelect::test

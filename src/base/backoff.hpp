// Decides how long to wait before the next try after a failure.
#pragma once
#include <chrono>
#include <cstdint>

namespace coelect::base {

/// Each wait is drawn from [least, current], and current doubles up to `most`: candidates that
/// failed together do not come back together.
class backoff {
public:
  backoff(std::chrono::milliseconds least, std::chrono::milliseconds most, std::uint64_t seed) noexcept
      : least_(least), most_(most), current_(least), state_(seed | 1) {}

  std::chrono::nanoseconds next() noexcept {
    std::chrono::nanoseconds const span = current_ - least_;
    current_ = current_ > most_ / 2 ? most_ : current_ * 2;
    if (span.count() <= 0) return least_;
    auto const drawn = draw() % static_cast<std::uint64_t>(span.count() + 1);
    return least_ + std::chrono::nanoseconds(drawn);
  }
  void reset() noexcept { current_ = least_; }

private:
  // xorshift64*: good enough for jitter, and the same everywhere for a given seed.
  std::uint64_t draw() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DULL;
  }

  std::chrono::nanoseconds least_, most_, current_;
  std::uint64_t state_;
};

}  // namespace coelect::base

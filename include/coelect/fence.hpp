// What a resource needs to keep late writes of earlier leaders out.
#pragma once
#include <atomic>
#include <cstdint>

namespace coelect {

/// Lets a token pass if no larger one was seen. Put one in front of whatever must not be touched by
/// an old leader, and keep highest() where it survives the resource's restart. Lock-free, any thread.
class fence {
public:
  explicit fence(std::uint64_t highest_so_far = 0) noexcept : highest_(highest_so_far) {}

  /// True: go on. False: this is an earlier leader; refuse. A token of 0 (no term) never passes.
  bool admit(std::uint64_t token) noexcept {
    auto seen = highest_.load(std::memory_order_acquire);
    while (token > seen)
      if (highest_.compare_exchange_weak(seen, token, std::memory_order_acq_rel)) return true;
    return token == seen && token != 0;
  }
  std::uint64_t highest() const noexcept { return highest_.load(std::memory_order_acquire); }

private:
  std::atomic<std::uint64_t> highest_;
};

}  // namespace coelect

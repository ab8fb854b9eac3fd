// Answers "may this process still act under this token?" for every thread without a lock.
#pragma once
#include "base/fork_guard.hpp"
#include <atomic>
#include <coelect/clock.hpp>
#include <coelect/environment.hpp>
#include <cstdint>
#include <memory>

namespace coelect::detail {

/// The current token of one candidate and its deadline, written on the store's strand and read by
/// any thread. Orders that matter: a term's deadline is written before its token, and its token is
/// withdrawn before another term's deadline is written. A reader therefore loads the deadline first
/// and the token last; a torn deadline (one clock new, one old) only makes it answer "no" early.
class validity {
public:
  explicit validity(std::shared_ptr<environment> env) : env_(std::move(env)), made_in_(base::this_process()) {}

  void begin(std::uint64_t token, instant until) noexcept {
    extend(until);
    token_.store(token, std::memory_order_release);
  }
  void extend(instant until) noexcept {
    if (until != instant::never()) raise_alone_above(until, env_->now());
    boot_.store(until.boot.count(), std::memory_order_release);
    raw_.store(until.raw.count(), std::memory_order_release);
  }
  /// Withdraws `token` if it is the current one; a later term is not touched. Any thread.
  void end(std::uint64_t token) noexcept { token_.compare_exchange_strong(token, 0, std::memory_order_acq_rel); }

  /// Time left under `token`; 0 when it is over or this is a forked child.
  std::chrono::nanoseconds left(std::uint64_t token) const noexcept {
    auto const until = deadline();
    bool const current = token != 0 && token_.load(std::memory_order_acquire) == token;
    if (!current || !base::in_process(made_in_)) return {};
    if (until == instant::never()) return std::chrono::nanoseconds::max();  // no clock can end this hold
    auto const left = until.left(env_->now());
    return left > std::chrono::nanoseconds(0) ? left : std::chrono::nanoseconds(0);
  }
  /// left(token) > 0, at the price of one clock for as long as one can tell.
  bool holds(std::uint64_t token) const noexcept {
    auto const until = deadline();
    bool const current = token != 0 && token_.load(std::memory_order_acquire) == token;
    if (!current || !base::in_process(made_in_)) return false;
    if (until == instant::never()) return true;
    auto const boot_left = until.boot - env_->boottime();
    if (boot_left.count() > alone_above_.load(std::memory_order_acquire)) return true;
    return !until.reached(env_->now());
  }

  /// When that time is up, on CLOCK_BOOTTIME; never later than the deadline. For display.
  clock::time_point until(std::uint64_t token) const noexcept {
    auto const now = env_->now();  // read first: time that passes meanwhile only makes the answer early
    auto const time_left = left(token);
    if (time_left == std::chrono::nanoseconds::max()) return clock::time_point::max();
    return clock::time_point(now.boot + time_left);
  }

  /// The token under which we may act now, or 0.
  std::uint64_t current() const noexcept {
    auto const token = token_.load(std::memory_order_acquire);
    return holds(token) ? token : 0;
  }

private:
  // CLOCK_MONOTONIC_RAW can run faster than CLOCK_BOOTTIME, which the kernel lets nobody slow by more
  // than 10 % (adjtimex(2), tick), so by less than an eighth. If B and R are left on them now, R cannot
  // be used up before 8/9 R has passed on the other: while more than B - 8/9 R is left there, that clock
  // alone decides. Kept as the largest so far, so that it suits any deadline that a reader may have seen.
  void raise_alone_above(instant until, instant now) noexcept {
    auto const boot_left = (until.boot - now.boot).count();
    auto const raw_left = (until.raw - now.raw).count();
    auto const needed = boot_left - raw_left / 9 * 8;
    auto const so_far = alone_above_.load(std::memory_order_relaxed);  // written on one strand only
    if (needed > so_far) alone_above_.store(needed, std::memory_order_release);
  }

  instant deadline() const noexcept {
    instant until;
    until.boot = std::chrono::nanoseconds(boot_.load(std::memory_order_acquire));
    until.raw = std::chrono::nanoseconds(raw_.load(std::memory_order_acquire));
    return until;
  }

  static_assert(std::atomic<std::int64_t>::is_always_lock_free);
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

  std::shared_ptr<environment> env_;
  unsigned const made_in_;  // the process; a forked child never leads
  std::atomic<std::int64_t> boot_{0};
  std::atomic<std::int64_t> raw_{0};
  std::atomic<std::int64_t> alone_above_{0};
  std::atomic<std::uint64_t> token_{0};
};

}  // namespace coelect::detail

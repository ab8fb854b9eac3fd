// The two clocks that validity is judged by, and moments measured on both at once.
#pragma once
#include <algorithm>
#include <chrono>

namespace coelect {

/// A clock for showing when a term's validity ends. Unlike std::chrono::steady_clock on Linux
/// (CLOCK_MONOTONIC) it counts time spent suspended, because a store's lease runs on while we sleep.
/// Any thread. Source: clock_gettime(2), CLOCK_BOOTTIME.
struct clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};

/// One moment, or one deadline, on two clocks: CLOCK_BOOTTIME counts suspend but can be slewed,
/// CLOCK_MONOTONIC_RAW cannot be slewed but stops in suspend. A deadline counts as reached as soon
/// as *either* clock is there, so neither a suspend nor a slew can hide elapsed time; a single
/// number max(boot, raw) would lose that after the first suspend.
struct instant {
  std::chrono::nanoseconds boot{};
  std::chrono::nanoseconds raw{};

  /// Later than every moment: the deadline of a hold that does not run out.
  static constexpr instant never() noexcept {
    return {std::chrono::nanoseconds::max(), std::chrono::nanoseconds::max()};
  }

  friend constexpr instant operator+(instant at, std::chrono::nanoseconds d) noexcept {
    if (at == never()) return at;
    return {at.boot + d, at.raw + d};
  }
  friend constexpr instant operator-(instant at, std::chrono::nanoseconds d) noexcept { return at + -d; }
  friend constexpr bool operator==(instant const&, instant const&) noexcept = default;

  /// Time from `now` until this deadline on the clock that gets there first; negative when past.
  constexpr std::chrono::nanoseconds left(instant now) const noexcept {
    if (*this == never()) return std::chrono::nanoseconds::max();
    return std::min(boot - now.boot, raw - now.raw);
  }
  constexpr bool reached(instant now) const noexcept { return now.boot >= boot || now.raw >= raw; }
};

/// The earlier deadline, clock by clock.
constexpr instant earlier(instant a, instant b) noexcept { return {std::min(a.boot, b.boot), std::min(a.raw, b.raw)}; }
/// The later deadline, clock by clock.
constexpr instant later(instant a, instant b) noexcept { return {std::max(a.boot, b.boot), std::max(a.raw, b.raw)}; }

}  // namespace coelect

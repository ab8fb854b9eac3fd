// The one door through which everything that is not deterministic comes in: clocks, timers, randomness, network.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <coelect/clock.hpp>
#include <cstdint>
#include <functional>
#include <memory>

namespace coelect {

namespace http {
class network;
}

/// One timer that rings once at a moment. Used from one strand.
class alarm {
public:
  alarm() = default;
  alarm(alarm const&) = delete;
  alarm& operator=(alarm const&) = delete;
  virtual ~alarm() = default;  ///< Clears it.
  /// Rings at `when`, or soon if that has passed; replaces an earlier setting. `ring` runs on the
  /// executor the alarm was made for, never inside this call. Time spent suspended counts.
  virtual void set(instant when, std::function<void()> ring) = 0;
  /// No ring after this call.
  virtual void clear() = 0;
};

/// Where stores and electors take time and chance from. Give your own to run elections on virtual
/// time; everything else uses real(). It must outlive what was constructed with it (shared_ptr).
class environment {
public:
  environment() = default;
  environment(environment const&) = delete;
  environment& operator=(environment const&) = delete;
  virtual ~environment() = default;

  virtual instant now() const noexcept = 0;  ///< Any thread, lock-free: valid() calls it.
  /// now().boot alone, where that is cheaper. Any thread, lock-free.
  virtual std::chrono::nanoseconds boottime() const noexcept { return now().boot; }
  /// For display and for seeding counters, never for validity. Any thread.
  virtual std::chrono::system_clock::time_point wall_clock() const = 0;
  virtual std::uint64_t random() = 0;  ///< Unpredictable between processes. Any thread.
  virtual std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) = 0;

  /// What the network stores reach their servers through. Empty: real sockets. For simulations; the type
  /// is coelect's own business and may change.
  virtual std::shared_ptr<http::network> network() { return {}; }

  /// CLOCK_BOOTTIME and CLOCK_MONOTONIC_RAW, a timerfd on CLOCK_BOOTTIME, getrandom(2).
  static std::shared_ptr<environment> real();
};

}  // namespace coelect

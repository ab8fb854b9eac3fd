// Several hosts on virtual time in one thread: each with its own clock rate, pauses and event loop.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <coelect/environment.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace coelect::test {

using std::chrono::nanoseconds;

class virtual_world;

/// One host. Its clock runs at `permille` thousandths of the world's; while it is paused (as by
/// SIGSTOP) its handlers wait and its clock runs on.
class virtual_host final : public environment, public std::enable_shared_from_this<virtual_host> {
  std::unique_ptr<boost::asio::io_context> loop_;

public:
  virtual_host(virtual_world& world, int permille)
      : loop_(std::make_unique<boost::asio::io_context>(1)), io(*loop_), world_(world), permille_(permille) {}

  boost::asio::io_context& io;
  bool paused = false;
  nanoseconds suspended{};  ///< Time this host slept: CLOCK_BOOTTIME counts it, CLOCK_MONOTONIC_RAW does not.

  instant now() const noexcept override;
  std::chrono::system_clock::time_point wall_clock() const override;
  std::uint64_t random() override;
  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) override;

  nanoseconds local(nanoseconds world_time) const noexcept { return world_time * permille_ / 1000; }
  nanoseconds world_wait(nanoseconds local_wait) const noexcept { return local_wait * 1000 / permille_; }
  virtual_world& world() const noexcept { return world_; }
  bool run_one();

private:
  friend class virtual_world;
  virtual_world& world_;
  int permille_;
};

/// The time, the hosts and the dice. Everything follows from the seed.
class virtual_world {
public:
  explicit virtual_world(std::uint64_t seed) : dice_(seed * 2654435761ULL + 88172645463325252ULL) {}

  /// Destroys the event loops: what is still queued there may own stores, which own their hosts.
  ~virtual_world();

  std::shared_ptr<virtual_host> add_host(int permille = 1000);
  nanoseconds now() const noexcept { return now_; }
  std::uint64_t draw() noexcept;
  std::uint64_t below(std::uint64_t limit) noexcept { return draw() % limit; }
  bool chance(unsigned percent) noexcept { return below(100) < percent; }

  /// Runs one handler of a host drawn by lot or, when none is ready, goes on to the next ring.
  /// False when there is nothing left to do.
  bool step();
  /// Steps until `done` holds or `limit` of virtual time has passed; tells whether it holds.
  bool run_until(std::function<bool()> const& done, nanoseconds limit);
  void run_for(nanoseconds span);
  /// The host sleeps for `span`; its boot-time timers ring when it wakes.
  void suspend(virtual_host& host, nanoseconds span);
  /// Runs what is ready without moving the time.
  void settle();

private:
  friend class virtual_alarm;
  struct ring {
    virtual_host* host;
    std::weak_ptr<int> armed;
    boost::asio::any_io_executor where;
    std::function<void()> work;
  };
  bool run_ready();
  bool next_ring(nanoseconds not_after);

  nanoseconds now_{std::chrono::hours(1)};
  std::uint64_t dice_;
  std::multimap<nanoseconds, ring> rings_;
  std::vector<std::shared_ptr<virtual_host>> hosts_;
};

}  // namespace coelect::test

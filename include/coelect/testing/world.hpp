// Several hosts on virtual time in one thread: each with its own clocks, pauses and handlers; everything from a seed.
#pragma once
#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <coelect/detail/initiate.hpp>
#include <coelect/environment.hpp>
#include <coelect/error.hpp>
#include <coelect/testing/executor.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace coelect::testing {

using std::chrono::nanoseconds;

class world;

/// The clocks of one host against the world's.
struct host_clock {
  int permille = 1000;    ///< Thousandths of the world's rate, 1 to 10,000. A clock slewed to the limit: 900 to 1100.
  nanoseconds offset{0};  ///< Added to both monotonic clocks: hosts boot at different times. Not negative.
};

/// One host: an environment for stores and electors, and an event loop that the world runs. Made by
/// world::add_host(). Used from the world's thread. Whatever asks it for the time or for a timer must be
/// gone before the world: declare the world first. That includes stores, electors, terms and their signals.
class host final : public environment, public std::enable_shared_from_this<host> {
  std::unique_ptr<boost::asio::io_context> loop_;  // destroyed by the world, before everything else

public:
  host(testing::world& world, host_clock clock, std::size_t number);  ///< For world::add_host() only.
  ~host() override;

  /// For code that wants an io_context or handlers in the order of their posting. Never run it: the
  /// world does. Timers of Asio (steady_timer) on it are on real time; use sleep().
  boost::asio::io_context& io;
  bool paused = false;      ///< As by SIGSTOP: handlers wait, the clocks run on. May be set at any time.
  nanoseconds suspended{};  ///< Time this host slept: CLOCK_BOOTTIME counts it, CLOCK_MONOTONIC_RAW does not.
  nanoseconds wall_step{};  ///< By how much somebody has set the wall clock.
  /// What network stores on this host reach their servers through; empty: real sockets. Coelect's own business.
  std::shared_ptr<http::network> net{};

  /// Runs handlers in an order drawn by lot: give this one to stores, electors and co_spawn, so that no test
  /// passes because of one lucky order. Needs a strand where order matters, as a thread pool does. After a
  /// crash() it is another one: ask again.
  boost::asio::any_io_executor executor() const { return host_executor(ready_); }
  std::size_t number() const noexcept { return number_; }  ///< 0, 1, ... in the order of add_host().
  testing::world& world() const noexcept { return world_; }

  instant now() const noexcept override;
  std::chrono::system_clock::time_point wall_clock() const override;
  std::uint64_t random() override;
  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) override;
  std::shared_ptr<http::network> network() override { return net; }

  /// Waits for `span` of this host's time, suspend included: what a server's own waits become. Signature
  /// void(error_code): clear or operation_aborted. Completes on the handler's executor, by default on executor(),
  /// never inside this call; a negative span is over at once, nanoseconds::max() never. Cancellation: terminal,
  /// partial, total. A crash() or the world's end destroys the handler without calling it.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto sleep(nanoseconds span, Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<host> self, nanoseconds wait) { start_sleep(*self, wait, std::move(h)); };
    return coelect::detail::initiate<void(error_code)>(executor(), go, std::forward<Token>(token), shared_from_this(),
                                                       span);
  }

  /// A real suspend: from fall_asleep() to wake_up() handlers wait and CLOCK_MONOTONIC_RAW stands still, while the
  /// world and CLOCK_BOOTTIME go on. Calling one twice does nothing. wake_up() does not end a pause.
  void fall_asleep() noexcept;
  void wake_up() noexcept;
  bool stands_still() const noexcept { return paused || asleep_since_ >= nanoseconds(0); }  ///< Paused or asleep.
  /// As by SIGKILL: what was posted to executor() and whoever waits in sleep() is destroyed and never runs, nor does
  /// what the dead process's objects post later; timers set by them do not ring. executor() is then that of the
  /// next process. Afterwards destroy what the process owned, its leadership signals too: they would stay true until
  /// the deadline. Handlers on `io` go on. Never call it from a handler of this host: use world::after().
  void crash();

  /// How much this host's clocks count while the world counts `world_time`.
  nanoseconds local(nanoseconds world_time) const noexcept;
  /// The other way round; nanoseconds::max() when there is no such number.
  nanoseconds world_wait(nanoseconds local_wait) const noexcept;

private:
  friend class testing::world;
  bool run_one();
  static void start_sleep(host& self, nanoseconds span, coelect::detail::handler<void(error_code)> done);

  testing::world& world_;
  host_clock clock_;
  nanoseconds raw_behind_{};      // what CLOCK_MONOTONIC_RAW has missed
  nanoseconds asleep_since_{-1};  // on a clock that misses nothing; -1: awake
  std::size_t number_;
  std::shared_ptr<ready_queue> ready_;
  class nap;
  std::vector<std::weak_ptr<nap>> naps_;  // those who wait in sleep(), and some who did
};

/// The time, the hosts, the dice and the trace. Everything follows from the seed: the same program
/// with the same seed gives the same hash(), whatever compiler built it, as long as it takes nothing from
/// elsewhere: real clocks, threads, addresses as keys. One thread; several worlds may have one each.
class world {
public:
  explicit world(std::uint64_t seed);
  world(world const&) = delete;
  world& operator=(world const&) = delete;
  /// Destroys the event loops: what is still queued there may own stores, which own their hosts. No handler is run.
  ~world();

  /// Hosts are numbered from 0 and stay until the world ends. Throws std::invalid_argument.
  std::shared_ptr<host> add_host(host_clock clock);
  std::shared_ptr<host> add_host(int permille = 1000) { return add_host(host_clock{permille, nanoseconds(0)}); }
  std::vector<std::shared_ptr<host>> const& hosts() const noexcept { return hosts_; }

  nanoseconds now() const noexcept { return now_; }  ///< Begins with one hour; moves only while the world runs.
  std::uint64_t draw() noexcept;                     ///< The dice: any number. Each throw changes what comes after it.
  std::uint64_t below(std::uint64_t limit) noexcept { return draw() % limit; }  ///< `limit` > 0.
  nanoseconds below(nanoseconds limit) noexcept {                               // likewise
    return nanoseconds(static_cast<nanoseconds::rep>(below(static_cast<std::uint64_t>(limit.count()))));
  }
  bool chance(unsigned percent) noexcept { return below(100) < percent; }  ///< 100 and more: always.

  /// Runs one handler of a host drawn by lot or, when none is ready, goes on to the next ring.
  /// False when there is nothing left to do. What a handler throws comes out here, in run_until() and its kin; the
  /// world can go on. A handler that posts itself again without sleeping keeps the time from moving, and the calls
  /// below from returning. None of them may be called from a handler.
  bool step();
  /// Steps until `done`, which is asked before each step, holds or `limit` of virtual time has passed; tells whether
  /// it holds. When there is nothing left to do, the time passes all the same.
  bool run_until(std::function<bool()> const& done, nanoseconds limit);
  void run_for(nanoseconds span);
  /// Runs what is ready without moving the time.
  void settle();
  /// The host's boot-time clock goes on by `span` at once, as if it had slept and woken: timers that were due
  /// meanwhile ring. The world's time does not move; pause the host as well where others must go on meanwhile.
  void suspend(host& which, nanoseconds span);
  /// Calls `work` at that moment of now(), or next if it has passed, outside of all hosts: pauses and crashes do not
  /// touch it. It is destroyed uncalled when the world ends.
  void at(nanoseconds when, std::function<void()> work);
  void after(nanoseconds wait, std::function<void()> work) { at(now_ + wait, std::move(work)); }

  /// Something worth seeing in a trace: becomes part of hash(). `what` must be a literal; the numbers say about whom.
  void note(char const* what, std::uint64_t a = 0, std::uint64_t b = 0);
  std::vector<std::string> last_notes() const;  ///< Up to 200, oldest first.
  /// Called with every note as it comes, "seconds  what a b"; empty: nobody is.
  std::function<void(std::string const&)> tell{};
  std::uint64_t hash() const noexcept { return hash_; }    ///< Of all steps and notes so far.
  std::uint64_t steps() const noexcept { return steps_; }  ///< Handlers run so far.

private:
  friend class host;
  friend class virtual_alarm;
  struct ring {
    host* on;  // null: the world's own
    std::weak_ptr<int> armed;
    boost::asio::any_io_executor where;
    std::function<void()> work;
  };
  struct noted {
    nanoseconds at;
    char const* what;
    std::uint64_t a, b;
  };
  bool run_ready();
  bool next_ring(nanoseconds not_after);
  void mix(std::uint64_t value) noexcept { hash_ = (hash_ ^ value) * 0x100000001B3ULL; }
  static std::string text_of(noted const& one);

  nanoseconds now_{std::chrono::hours(1)};
  std::uint64_t dice_;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
  std::uint64_t steps_ = 0;
  std::multimap<nanoseconds, ring> rings_;
  std::vector<std::shared_ptr<host>> hosts_;
  std::shared_ptr<int> forever_ = std::make_shared<int>(0);
  std::array<noted, 200> notes_{};
  std::uint64_t noted_ = 0;
};

}  // namespace coelect::testing

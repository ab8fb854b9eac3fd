// What goes wrong in a world, and when: written down by hand, or drawn from the world's dice.
#pragma once
#include <chrono>
#include <coelect/memory_store.hpp>
#include <coelect/testing/world.hpp>
#include <functional>
#include <string>
#include <vector>

namespace coelect::testing {

/// The kinds of trouble of a schedule.
enum class trouble {
  pause = 1,   ///< SIGSTOP: the host's handlers wait for `span`, its clocks run on.
  suspend,     ///< The host sleeps for `span`: handlers wait, and of its clocks only CLOCK_BOOTTIME goes on.
  crash,       ///< kill -9: what runs on the host is destroyed; it starts again after `span`, if not before.
  deaf,        ///< Nothing that is sent to the host arrives for `span`; what it sends does.
  mute,        ///< Nothing that the host sends arrives for `span`.
  wall_clock,  ///< Somebody sets the host's wall clock by `span`, which may be negative.
};

/// "pause", "suspend", ...
char const* to_string(trouble what) noexcept;

struct fault {
  trouble what{};
  std::size_t host = 0;  ///< host::number().
  nanoseconds at{};      ///< From start() on; not negative.
  nanoseconds span{};    ///< Not negative, but for wall_clock. Faults of one host may overlap.
};

/// What a drawn schedule is made of. The kinds are weights against each other; 0: none of these.
struct fault_mix {
  unsigned pause = 30, suspend = 10, crash = 20, deaf = 15, mute = 15, wall_clock = 10;
  nanoseconds longest = std::chrono::seconds(25);  ///< Of a fault; > 0. Wall clocks: an hour either way.
  nanoseconds apart = std::chrono::seconds(10);    ///< From one fault to the next, on average; > 0.
};

/// Faults for the hosts of one world. Add the hosts, make it, add faults or draw them, start() it, and ask fates()
/// for the messages of memory stores. Used from the world's thread; destroy it before the world.
class fault_schedule {
public:
  explicit fault_schedule(world& where) : world_(where) {}
  fault_schedule(fault_schedule const&) = delete;
  fault_schedule& operator=(fault_schedule const&) = delete;

  /// Throws std::invalid_argument for times out of range, std::logic_error after start().
  fault_schedule& add(fault one);
  /// Adds faults on hosts 0 to `hosts` - 1 until `end`, drawn from the world's dice. Throws like add().
  fault_schedule& draw(std::size_t hosts, nanoseconds end, fault_mix mix = {});
  std::vector<fault> const& faults() const noexcept { return faults_; }
  std::string text() const;  ///< One fault a line: what a failing test prints.

  /// Called at a crash, after host::crash(): destroy what runs on that host; destructors may send, but
  /// nothing arrives. And called when it starts again: make it anew, on host::executor(). The first
  /// start is yours. Either may be empty. Called outside of all hosts.
  std::function<void(host&)> on_crash{};
  std::function<void(host&)> on_start{};

  /// From now on faults happen as the world runs. Once. Throws std::invalid_argument when a fault names a host
  /// that is not there, std::logic_error the second time.
  void start();
  /// Ends what goes on, starts what is down and forgets what was to come: the phase in which somebody must lead
  /// again. Clocks stay as they are. Also ends pauses that were not of this schedule.
  void heal();

  bool down(host const& which) const;  ///< Crashed and not yet started again.
  bool deaf(host const& which) const;  ///< Also while it is down.
  bool mute(host const& which) const;  ///< Also while it is down.
  /// Whether anything of this schedule has been happening to the host since that moment of world::now().
  bool troubled_since(host const& which, nanoseconds moment) const;
  /// For memory_store_options::faults of a store on that host, which must outlive the store: partitions and crashes
  /// lose requests and answers; `otherwise` (may be empty) says what happens to the rest. What was on its way before
  /// a partition began arrives. Once the schedule is gone only `otherwise` counts.
  std::function<memory_fate(memory_request)> fates(host const& which,
                                                   std::function<memory_fate(memory_request)> otherwise = {});

private:
  struct state {
    bool down = false;
    nanoseconds deaf_until{-1}, mute_until{-1}, paused_until{-1}, asleep_until{-1}, troubled_until{-1};
  };
  state& of(host const& which);
  state const& of(host const& which) const;
  void happen(fault const& one);

  world& world_;
  std::vector<fault> faults_;
  std::vector<state> states_;
  bool started_ = false, healed_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace coelect::testing

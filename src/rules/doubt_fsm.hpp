// Decides whether a leader may go on while nobody has seen that its key is still there (R8). No I/O, no clock.
#pragma once
#include "rules/timings.hpp"
#include <coelect/clock.hpp>
#include <coelect/error.hpp>
#include <optional>

namespace coelect::rules {

/// What the shell of a doubt_fsm has to do now; one of these at most.
struct doubt_orders {
  struct end {
    error_code why;
    char const* detail;
  };
  std::optional<end> lost;        ///< The term is over.
  std::optional<instant> extend;  ///< The term is good until then. What was set for the doubt is void.
  std::optional<instant> ask;     ///< Look for the key, through raft, and call time_over() at that moment.
  std::optional<std::chrono::nanoseconds> ask_after;  ///< Call ask_again() after this long.
};

/// A leader's key in a store that may let go of it although the lease goes on: deleted by an operator, or with a lease
/// that was revoked early (etcd#15247). A watch tells of that; when the watch may have missed something the key is in
/// doubt, and then a renewal of the lease gives the term nothing before the key was seen again.
class doubt_fsm {
public:
  /// `times` must outlive this.
  explicit doubt_fsm(timings const& times) noexcept : times_(times), wait_(times.retry_min) {}

  /// What is asked for now shows the key in its own commit.
  void lay_aside() noexcept { in_doubt_ = false; }
  bool any() const noexcept { return in_doubt_; }

  /// A term begins, under a lease that is trusted until then.
  void won(instant valid_until) noexcept { sure_until_ = valid_until; }
  /// The watch may have missed something.
  doubt_orders doubt() noexcept;
  /// The lease was renewed. `blind_since`: since when no watch on the key is open, if none is.
  doubt_orders renewed(instant valid_until, std::optional<instant> blind_since, instant now) noexcept;
  /// The store has looked. `valid_until`: of the lease, as it is by now.
  doubt_orders answered(bool there, instant valid_until) noexcept;
  doubt_orders not_answered() noexcept;  ///< A question was lost.
  doubt_orders ask_again() noexcept;     ///< The pause after it is over. Nothing, when there is no doubt any more.
  doubt_orders time_over() noexcept;     ///< The end that was sure is reached, and the doubt is still there.

private:
  doubt_orders sure(instant valid_until) noexcept;

  timings const& times_;
  instant sure_until_{};
  std::chrono::nanoseconds wait_;  // before the next question, when one is lost
  bool in_doubt_ = false;
};

}  // namespace coelect::rules

// Decides what a candidate does next: stand, wait, lead, give up. No I/O, no clock, no store.
#pragma once
#include "base/backoff.hpp"
#include <coelect/clock.hpp>
#include <coelect/error.hpp>
#include <coelect/term_end.hpp>
#include <cstdint>
#include <optional>

namespace coelect::rules {

/// What the shell of an election_fsm asks its contender for next.
enum class request { none = 1, try_acquire, wait_turn, leave };

/// What a contender was granted: a term may begin.
struct win {
  std::uint64_t token = 0;
  instant valid_until{};
};

/// What the shell has to do now, in this order. Everything not set: nothing.
struct election_orders {
  std::optional<term_end> end_term;  ///< Local loss: valid() is false before anything is sent (R6).
  std::optional<risk> warn;          ///< Whoever runs under this term should wind down and resign.
  bool discard = false;              ///< Destroy the contender.
  bool enter = false;                ///< Make a new contender: a fresh identity per candidacy (R6).
  std::optional<win> begin_term;     ///< We lead.
  request ask = request::none;
  std::optional<std::chrono::nanoseconds> pause;  ///< Call pause_over() after this long.
  std::optional<error_code> released;             ///< Complete resign() and stop(): how the release went.
  std::optional<error_code> campaign_done;        ///< Complete the campaign without a term.
};

/// How a term ends that its owner gives up: because of `why`, or on his own.
term_end end_by_owner(std::optional<risk> why);

/// One candidate in one election, through any number of campaigns and terms.
///
/// Rules of the safety argument that live here: R2 at the moment of winning (a grant that has
/// already run out is no win), R6 (local loss first, then release; a fresh identity per candidacy),
/// R7 (a token that does not grow is an error, not a term), and "ambiguous = not acquired and not
/// released": whatever fails is followed by leave() before anybody hears of it.
class election_fsm {
public:
  election_fsm(std::chrono::milliseconds retry_min, std::chrono::milliseconds retry_max, std::uint64_t seed);

  /// True when campaign() may not be called: a campaign runs, a term is held, or we are stopped.
  bool busy() const noexcept;
  bool stopped() const noexcept { return stopped_; }
  bool leading() const noexcept { return state_ == state::leading; }
  bool idle() const noexcept { return state_ == state::idle; }
  bool standing() const noexcept;  ///< A campaign runs.

  election_orders campaign(bool once);
  election_orders held(win const& what, instant now);                             ///< try_acquire won
  election_orders taken();                                                        ///< somebody else holds it
  election_orders failed(error_code why, std::chrono::seconds leave_alone = {});  ///< try_acquire or wait_turn failed
  election_orders turn();                                                         ///< wait_turn: worth another try
  election_orders pause_over();
  election_orders left(error_code how);

  /// The hold is over, says the store or our own clock. Nothing is released yet: what is held
  /// stays until its owner has let go of the term.
  election_orders hold_lost(error_code why, std::string detail);
  election_orders resign();                  ///< The owner lets go: resign(), destruction, end of a body.
  election_orders withdraw(error_code why);  ///< Ends a campaign; completes it with `why`.
  election_orders stop();
  election_orders deposed();

  /// While a body runs under the term, stop() and depose warn first and wait for resign().
  void supervised(bool on) noexcept { supervised_ = on; }

private:
  enum class state { idle = 1, trying, waiting, pausing, leading, over, leaving };
  enum class then { rest = 1, finish, begin, retry };

  election_orders begin();
  election_orders start();
  election_orders leave(then what, error_code why = {});
  election_orders give_up(term_end end);
  election_orders wind_down(risk why);

  base::backoff backoff_;
  std::chrono::milliseconds stand_back_for_;
  state state_ = state::idle;
  then then_ = then::rest;
  error_code finish_with_;
  std::optional<risk> winding_;  // why a supervised term is being wound down
  std::uint64_t last_token_ = 0;
  bool once_ = false;
  bool stopped_ = false;
  bool supervised_ = false;
  bool fresh_needed_ = false;
  bool stand_back_ = false;  // we were deposed: let another one win first
};

}  // namespace coelect::rules

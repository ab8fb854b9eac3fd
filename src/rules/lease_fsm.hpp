// Decides how long a lease is trusted, when it is renewed, and when it is over. No I/O, no clock.
#pragma once
#include "base/backoff.hpp"
#include "rules/timings.hpp"
#include <coelect/clock.hpp>
#include <coelect/error.hpp>
#include <cstdint>
#include <optional>

namespace coelect::rules {

/// What the shell of a lease_fsm has to do now. Everything not set: nothing.
struct lease_orders {
  std::optional<instant> renew_until;  ///< Send one renewal, answer or give up by then.
  bool extended = false;               ///< deadline() moved.
  bool warn = false;                   ///< The early warning begins.
  bool all_clear = false;              ///< A renewal came through after the warning.
  std::optional<error_code> over;      ///< The lease is over, for this reason. Said once.
};

/// One lease from its grant to its end.
///
/// Rules of the safety argument that live here and nowhere else:
/// R1 the deadline counts from the moment before a request's first byte was sent;
/// R2 an answer that arrives after the deadline ends the lease, even if it says OK;
/// R3 the deadline needs no answer: it is reached by the clock alone, whatever hangs;
/// R11 the warning comes `at_risk_before` ahead of the deadline;
/// R12 no failure ever moves the deadline.
///
/// Every event takes `now` and returns orders; call tick() no later than at wake().
class lease_fsm {
public:
  lease_fsm(timings const& times, std::uint64_t seed);

  /// The store granted a lease of `ttl` to a request sent at `sent`. Call once, first.
  lease_orders granted(instant sent, milliseconds ttl, instant now);
  /// A renewal sent at `sent` was confirmed; `ttl` is what the store says is left from then on.
  lease_orders renewed(instant sent, milliseconds ttl, instant now);
  /// A renewal failed. Only cond::lost ends the lease; everything else is tried again.
  lease_orders renewal_failed(error_code why, instant now, std::chrono::seconds leave_alone = {});
  /// The store told us, unasked, that the lease or what hangs on it is gone.
  lease_orders revoked(error_code why);
  /// Time has passed.
  lease_orders tick(instant now);
  /// We gave it up ourselves: nothing more will be ordered.
  void let_go() noexcept { phase_ = phase::over; }

  bool alive() const noexcept { return phase_ == phase::held; }
  bool at_risk() const noexcept { return warned_; }
  instant deadline() const noexcept { return deadline_; }
  instant wake() const noexcept;  ///< instant::never() when no tick is needed.

private:
  enum class phase { fresh = 1, held, over };

  lease_orders finish(error_code why);
  bool adopt(instant sent, milliseconds ttl);
  void order_renewal(lease_orders& orders, instant now);

  timings times_;
  base::backoff backoff_;
  phase phase_ = phase::fresh;
  bool warned_ = false;
  bool in_flight_ = false;
  instant deadline_{};
  instant renew_at_ = instant::never();
};

}  // namespace coelect::rules

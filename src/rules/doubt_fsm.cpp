// Decides whether a leader may go on while nobody has seen that its key is still there (R8). No I/O, no clock.
#include "rules/doubt_fsm.hpp"
#include <algorithm>

namespace coelect::rules {

namespace {

doubt_orders ended(errc why, char const* detail) noexcept {
  doubt_orders orders;
  orders.lost = {why, detail};
  return orders;
}

}  // namespace

doubt_orders doubt_fsm::doubt() noexcept {
  in_doubt_ = true;
  return ask_again();
}

doubt_orders doubt_fsm::renewed(instant valid_until, std::optional<instant> blind_since, instant now) noexcept {
  bool const too_long = blind_since && (*blind_since + times_.validity).reached(now);
  if (too_long) return ended(errc::lease_lost, "no watch on our key can be opened");
  if (in_doubt_ || blind_since) return doubt();
  return sure(valid_until);
}

doubt_orders doubt_fsm::answered(bool there, instant valid_until) noexcept {
  in_doubt_ = false;
  if (!there) return ended(errc::lease_lost, "our key is gone");
  return sure(valid_until);
}

// At growing intervals: a store that is in trouble must not be asked by thousands at once, again and again.
doubt_orders doubt_fsm::not_answered() noexcept {
  doubt_orders orders;
  orders.ask_after = wait_;
  wait_ = std::min<std::chrono::nanoseconds>(2 * wait_, times_.retry_max);
  return orders;
}

doubt_orders doubt_fsm::ask_again() noexcept {
  doubt_orders orders;
  if (in_doubt_) orders.ask = sure_until_;
  return orders;
}

doubt_orders doubt_fsm::time_over() noexcept {
  return ended(errc::lease_expired, "our key may be gone, and there was no answer that says otherwise");
}

doubt_orders doubt_fsm::sure(instant valid_until) noexcept {
  wait_ = times_.retry_min;
  sure_until_ = valid_until;
  doubt_orders orders;
  orders.extend = valid_until;
  return orders;
}

}  // namespace coelect::rules

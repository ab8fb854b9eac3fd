// Decides how long a lease is trusted, when it is renewed, and when it is over. No I/O, no clock.
#include "rules/lease_fsm.hpp"
#include <algorithm>

namespace coelect::rules {

lease_fsm::lease_fsm(timings const& times, std::uint64_t seed)
    : times_(times), backoff_(times.retry_min, times.retry_max, seed) {}

// R1. The deadline only grows: an answer to an older request must not shorten what a newer one gave.
bool lease_fsm::adopt(instant sent, milliseconds ttl) {
  auto const until = later(deadline_, sent + times_.validity_for(ttl));
  bool const moved = until != deadline_;
  deadline_ = until;
  return moved;
}

lease_orders lease_fsm::granted(instant sent, milliseconds ttl, instant now) {
  phase_ = phase::held;
  deadline_ = sent + times_.validity_for(ttl);
  renew_at_ = sent + times_.renew_every;
  lease_orders orders = tick(now);
  orders.extended = alive();
  return orders;
}

lease_orders lease_fsm::renewed(instant sent, milliseconds ttl, instant now) {
  in_flight_ = false;
  if (!alive()) return {};
  if (deadline_.reached(now)) return finish(errc::lease_expired);  // R2
  lease_orders orders;
  orders.extended = adopt(sent, ttl);
  renew_at_ = sent + times_.renew_every;
  backoff_.reset();
  bool const calm = deadline_.left(now) > times_.at_risk_before;
  if (warned_ && calm) {
    warned_ = false;
    orders.all_clear = true;
  }
  lease_orders const due = tick(now);
  orders.renew_until = due.renew_until;
  orders.warn = due.warn;
  orders.over = due.over;
  return orders;
}

lease_orders lease_fsm::renewal_failed(error_code why, instant now, std::chrono::seconds leave_alone) {
  in_flight_ = false;
  if (!alive()) return {};
  if (why == cond::lost) return finish(why);
  // R12: the deadline stays where it is. A store that asks to be left alone gets half of what is left at most; and an
  // outage that ends in time must not cost the term because nobody looked: tries come the closer the less is left.
  auto const left = deadline_.left(now);
  auto const own = std::min(backoff_.next(), std::max<std::chrono::nanoseconds>(times_.retry_min, left / 4));
  auto const asked = std::min<std::chrono::nanoseconds>(leave_alone, left / 2);
  renew_at_ = now + std::max(own, asked);
  return tick(now);
}

lease_orders lease_fsm::revoked(error_code why) {
  if (!alive()) return {};
  return finish(why);
}

lease_orders lease_fsm::tick(instant now) {
  if (!alive()) return {};
  if (deadline_.reached(now)) return finish(errc::lease_expired);  // R3
  lease_orders orders;
  if (!warned_ && (deadline_ - times_.at_risk_before).reached(now)) {  // R11
    warned_ = true;
    orders.warn = true;
  }
  if (!in_flight_ && renew_at_.reached(now)) order_renewal(orders, now);
  return orders;
}

instant lease_fsm::wake() const noexcept {
  if (!alive()) return instant::never();
  instant next = warned_ ? deadline_ : deadline_ - times_.at_risk_before;
  if (!in_flight_) next = earlier(next, renew_at_);
  return next;
}

lease_orders lease_fsm::finish(error_code why) {
  phase_ = phase::over;
  lease_orders orders;
  orders.over = why;
  return orders;
}

// No attempt outlives the deadline, so the answer that would come too late is not even waited for.
void lease_fsm::order_renewal(lease_orders& orders, instant now) {
  in_flight_ = true;
  orders.renew_until = earlier(now + times_.request_timeout, deadline_);
}

}  // namespace coelect::rules

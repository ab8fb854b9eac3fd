// Decides what a candidate does next: stand, wait, lead, give up. No I/O, no clock, no store.
#include "rules/election_fsm.hpp"
#include <algorithm>
#include <utility>

namespace coelect::rules {

term_end end_by_owner(std::optional<risk> why) {
  if (why == risk::deposed) return term_end(end_of_term::deposed, errc::deposed);
  if (why == risk::stopping) return term_end(end_of_term::stopped, errc::stopped);
  return term_end(end_of_term::resigned);
}

election_fsm::election_fsm(std::chrono::milliseconds retry_min, std::chrono::milliseconds retry_max, std::uint64_t seed)
    : backoff_(retry_min, retry_max, seed), stand_back_for_(retry_max) {}

bool election_fsm::standing() const noexcept {
  switch (state_) {
    case state::trying:
    case state::waiting:
    case state::pausing: return true;
    case state::leaving: return then_ != then::rest;
    case state::idle:
    case state::leading:
    case state::over: return false;
  }
  return false;
}

bool election_fsm::busy() const noexcept { return standing() || state_ == state::leading; }

election_orders election_fsm::campaign(bool once) {
  once_ = once;
  backoff_.reset();
  if (state_ == state::over) return leave(then::begin);
  if (state_ == state::leaving) {
    then_ = then::begin;
    return {};
  }
  return begin();
}

// Whoever was deposed and stands again at once would win again at once.
election_orders election_fsm::begin() {
  bool const wait = std::exchange(stand_back_, false) && !once_;
  if (!wait) return start();
  state_ = state::pausing;
  fresh_needed_ = true;
  election_orders orders;
  orders.pause = stand_back_for_;
  return orders;
}

election_orders election_fsm::start() {
  state_ = state::trying;
  fresh_needed_ = false;
  election_orders orders;
  orders.enter = true;
  orders.ask = request::try_acquire;
  return orders;
}

election_orders election_fsm::held(win const& what, instant now) {
  if (state_ != state::trying) return {};
  if (what.valid_until.reached(now))  // R2: the answer took longer than the lease is trusted
    return once_ ? leave(then::finish, errc::timed_out) : leave(then::retry);
  if (what.token <= last_token_) return leave(then::finish, errc::store_reset);  // R7
  last_token_ = what.token;
  backoff_.reset();
  state_ = state::leading;
  supervised_ = false;
  winding_.reset();
  election_orders orders;
  orders.begin_term = what;
  return orders;
}

election_orders election_fsm::taken() {
  if (state_ != state::trying) return {};
  if (once_) return leave(then::finish);
  backoff_.reset();
  state_ = state::waiting;
  election_orders orders;
  orders.ask = request::wait_turn;
  return orders;
}

election_orders election_fsm::failed(error_code why, std::chrono::seconds leave_alone) {
  if (state_ != state::trying && state_ != state::waiting) return {};
  if (why == cond::fatal || once_) return leave(then::finish, why);
  if (why == cond::lost) return leave(then::retry);
  state_ = state::pausing;
  election_orders orders;
  orders.pause = std::max<std::chrono::nanoseconds>(backoff_.next(), leave_alone);
  return orders;
}

election_orders election_fsm::turn() {
  if (state_ != state::waiting) return {};
  state_ = state::trying;
  election_orders orders;
  orders.ask = request::try_acquire;
  return orders;
}

election_orders election_fsm::pause_over() {
  if (state_ != state::pausing) return {};
  if (fresh_needed_) return start();
  state_ = state::trying;
  election_orders orders;
  orders.ask = request::try_acquire;
  return orders;
}

election_orders election_fsm::hold_lost(error_code why, std::string detail) {
  if (state_ != state::leading) return {};
  state_ = state::over;
  auto const how = why == errc::lease_expired ? end_of_term::expired
                   : why == errc::stopped     ? end_of_term::stopped
                                              : end_of_term::lost;
  election_orders orders;
  orders.end_term = term_end(how, why, std::move(detail));
  return orders;
}

election_orders election_fsm::resign() {
  if (state_ == state::leading) return give_up(end_by_owner(winding_));
  if (state_ == state::over) return leave(then::rest);
  return {};
}

election_orders election_fsm::deposed() { return wind_down(risk::deposed); }

election_orders election_fsm::stop() {
  stopped_ = true;
  if (standing()) return withdraw(errc::stopped);
  if (state_ == state::over && !supervised_) return leave(then::rest);
  if (state_ == state::idle) {
    election_orders orders;
    orders.released = error_code();
    return orders;
  }
  return wind_down(risk::stopping);
}

election_orders election_fsm::withdraw(error_code why) {
  if (!standing()) return {};
  if (state_ == state::leaving) {
    then_ = then::finish;
    finish_with_ = why;
    return {};
  }
  if (state_ == state::pausing && fresh_needed_) {  // nothing of ours is at the store
    state_ = state::idle;
    election_orders orders;
    orders.campaign_done = why;
    orders.released = error_code();
    return orders;
  }
  return leave(then::finish, why);
}

election_orders election_fsm::left(error_code how) {
  if (state_ != state::leaving) return {};
  auto const next = std::exchange(then_, then::rest);
  state_ = state::idle;
  election_orders orders;
  if (next == then::begin) orders = begin();
  if (next == then::retry) {
    state_ = state::pausing;
    fresh_needed_ = true;
    orders.pause = backoff_.next();
  }
  if (next == then::finish) orders.campaign_done = finish_with_;
  orders.discard = true;
  orders.released = how;
  return orders;
}

election_orders election_fsm::leave(then what, error_code why) {
  state_ = state::leaving;
  then_ = what;
  finish_with_ = why;
  election_orders orders;
  orders.ask = request::leave;
  return orders;
}

// R6: the term ends here and now; only then is anything released.
election_orders election_fsm::give_up(term_end end) {
  stand_back_ = end.how() == end_of_term::deposed;
  election_orders orders = leave(then::rest);
  orders.end_term = std::move(end);
  return orders;
}

election_orders election_fsm::wind_down(risk why) {
  if (state_ != state::leading) return {};
  if (!supervised_) return give_up(end_by_owner(why));
  winding_ = why;
  election_orders orders;
  orders.warn = why;
  return orders;
}

}  // namespace coelect::rules

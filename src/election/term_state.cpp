// One term of leadership as its owner sees it: from the win to its end, seen from any thread.
#include "election/term_state.hpp"
#include "election/candidate_state.hpp"

namespace coelect::detail {

term_state::term_state(std::shared_ptr<candidate_state> owner, std::uint64_t token)
    : owner_(std::move(owner)), token_(token) {}

term_end term_state::ended() const {
  std::lock_guard const lock(mutex_);
  return end_ ? *end_ : term_end();
}

void term_state::wait_at_risk(handler<void(error_code, risk)> h) {
  auto const id = at_risk_.add(weak_from_this(), std::move(h), owner_->user_executor());
  if (auto const why = present_risk()) at_risk_.complete(id, {}, *why);
}

void term_state::wait_lost(handler<void(error_code, term_end)> h) {
  auto const id = lost_.add(weak_from_this(), std::move(h), owner_->user_executor());
  if (auto const how = ended()) lost_.complete(id, {}, how);
}

std::optional<risk> term_state::present_risk() const {
  std::lock_guard const lock(mutex_);
  return risk_;
}

void term_state::warn(risk why) {
  {
    std::lock_guard const lock(mutex_);
    if (risk_ == risk::over) return;
    if (risk_ && why == risk::overdue) return;  // a reason that time does not heal is there already
    risk_ = why;
  }
  request_stop();
  at_risk_.complete_all({}, why);
}

void term_state::all_clear() {
  std::lock_guard const lock(mutex_);
  if (risk_ == risk::overdue) risk_.reset();
}

bool term_state::end(term_end how) {
  owner_->current().end(token_);
  {
    std::lock_guard const lock(mutex_);
    if (end_) return false;
    end_ = std::make_unique<term_end>(how);
    risk_ = risk::over;
  }
  request_stop();
  at_risk_.complete_all({}, risk::over);
  lost_.complete_all({}, how);
  return true;
}

bool term_state::end_by_owner() { return end(rules::end_by_owner(present_risk())); }

void term_state::drop_those_on(boost::asio::execution_context const& dying) noexcept {
  at_risk_.drop_those_on(dying);
  lost_.drop_those_on(dying);
}

// Stop callbacks are users' code: they run on the users' executor, never on the store's strand, for
// as long as there is one.
void term_state::request_stop() {
  if (stop_.stop_requested()) return;
  auto const request = [source = stop_]() mutable { source.request_stop(); };
  if (!owner_->post_to_user(request)) stop_.request_stop();
}

}  // namespace coelect::detail

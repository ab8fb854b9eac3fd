// One term of leadership as its owner sees it: from the win to its end, seen from any thread.
#include "election/term_state.hpp"
#include "election/candidate_state.hpp"
#include <boost/asio/post.hpp>

namespace coelect::detail {

term_state::term_state(std::shared_ptr<candidate_state> owner, std::uint64_t token)
    : owner_(std::move(owner)),
      token_(token),
      at_risk_(std::make_shared<waiters<risk>>()),
      lost_(std::make_shared<waiters<term_end>>()) {}

term_end term_state::ended() const {
  std::lock_guard const lock(mutex_);
  return end_;
}

void term_state::wait_at_risk(handler<void(error_code, risk)> h) {
  auto const id = at_risk_->add(std::move(h), owner_->user_executor());
  std::lock_guard const lock(mutex_);
  if (risk_) at_risk_->complete(id, {}, *risk_);
}

void term_state::wait_lost(handler<void(error_code, term_end)> h) {
  auto const id = lost_->add(std::move(h), owner_->user_executor());
  std::lock_guard const lock(mutex_);
  if (end_) lost_->complete(id, {}, end_);
}

void term_state::warn(risk why) {
  request_stop();
  std::lock_guard const lock(mutex_);
  if (risk_ == risk::over) return;
  risk_ = why;
  at_risk_->complete_all({}, why);
}

void term_state::all_clear() {
  std::lock_guard const lock(mutex_);
  if (risk_ == risk::overdue) risk_.reset();
}

bool term_state::end(term_end how) {
  owner_->current().end(token_);
  request_stop();
  std::lock_guard const lock(mutex_);
  if (end_) return false;
  end_ = std::move(how);
  risk_ = risk::over;
  at_risk_->complete_all({}, risk::over);
  lost_->complete_all({}, end_);
  return true;
}

bool term_state::end_by_owner() {
  std::optional<risk> asked;
  {
    std::lock_guard const lock(mutex_);
    asked = risk_;
  }
  if (asked == risk::deposed) return end(term_end(end_of_term::deposed, errc::deposed));
  if (asked == risk::stopping) return end(term_end(end_of_term::stopped, errc::stopped));
  return end(term_end(end_of_term::resigned));
}

void term_state::drop_waiters() noexcept {
  at_risk_->drop_all();
  lost_->drop_all();
}

// Stop callbacks are users' code: they run on the users' executor, never on the store's strand.
void term_state::request_stop() {
  if (stop_.stop_requested()) return;
  auto const executor = owner_->user_executor();
  auto request = [source = stop_]() mutable { source.request_stop(); };
  if (!executor) request();
  else boost::asio::post(executor, std::move(request));
}

}  // namespace coelect::detail

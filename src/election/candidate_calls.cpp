// What users ask of a candidate, on any thread: each call hands over to the store's strand.
#include "election/candidate_state.hpp"

namespace coelect::detail {

void candidate_state::campaign(bool once, handler<void(error_code, leadership)> h) {
  auto withdraw = [weak = weak_from_this()](std::uint64_t id) {
    auto const self = weak.lock();
    if (!self) return;
    self->store_->context()->post([self, id] {
      if (self->campaign_id_ == id) self->run(self->fsm_.withdraw(boost::asio::error::operation_aborted));
      else self->campaigns_.complete(id, boost::asio::error::operation_aborted, leadership());
    });
  };
  auto const id =
      campaigns_.add(weak_from_this(), std::move(h), user_executor(), any_cancellation, std::move(withdraw));
  auto start = [self = shared_from_this(), once, id] {
    auto const refusal = self->fsm_.stopped() ? errc::stopped : errc::busy;
    if (self->fsm_.stopped() || self->fsm_.busy()) {
      self->campaigns_.complete(id, refusal, leadership());
      return;
    }
    self->campaign_id_ = id;
    if (self->logs()) self->log(severity::info, self->line("campaign", "candidate=" + self->who_.candidate));
    self->run(self->fsm_.campaign(once));
  };
  if (!store_->context()->post(std::move(start))) campaigns_.complete(id, errc::stopped, leadership());
}

// Most electors never observe.
std::shared_ptr<observers> candidate_state::observing() {
  std::lock_guard const lock(mutex_);
  if (!observers_) {
    auto trouble = [weak = weak_from_this()](char const* doing, outcome const& what) {
      if (auto const self = weak.lock()) self->note_trouble(doing, what);
    };
    observers_ = std::make_shared<observers>(store_, who_.election, store_->limits(), std::move(trouble));
  }
  return observers_;
}

std::shared_ptr<observers> candidate_state::those_who_observe() const {
  std::lock_guard const lock(mutex_);
  return observers_;
}

void candidate_state::look(handler<void(error_code, sighting)> h) { observing()->look(std::move(h), user_executor()); }

void candidate_state::watch(sighting seen, handler<void(error_code, sighting)> h) {
  observing()->watch(std::move(seen), std::move(h), user_executor());
}

void candidate_state::stop(handler<void(error_code)> h) {
  auto const id = releases_.add(weak_from_this(), std::move(h), user_executor(), cancellation_type::terminal);
  auto start = [self = shared_from_this(), id] {
    self->releasing_.push_back(id);
    self->run(self->fsm_.stop());
  };
  if (!store_->context()->post(std::move(start))) releases_.complete(id, {});
}

void candidate_state::abandon() {
  store_->context()->post([self = shared_from_this()] {
    if (auto const all = self->those_who_observe()) all->close(errc::stopped);
    self->fsm_.supervised(false);
    self->run(self->fsm_.stop());
  });
}

void candidate_state::depose(std::uint64_t token, depose_how how, handler<void(error_code)> h) {
  auto const id = deposals_.add(weak_from_this(), std::move(h), user_executor(), cancellation_type::terminal);
  auto start = [self = shared_from_this(), token, how, id] {
    auto answer = [self, id](outcome const& result) {
      if (!result.ok()) self->note_trouble("depose", result);
      self->deposals_.complete(id, result.ec);
    };
    self->store_->depose(self->who_.election, token, how, self->give_up_at(), std::move(answer));
  };
  if (!store_->context()->post(std::move(start))) deposals_.complete(id, errc::stopped);
}

void candidate_state::proclaim(std::uint64_t token, std::string value, handler<void(error_code)> h) {
  auto const id = publications_.add(weak_from_this(), std::move(h), user_executor(), cancellation_type::terminal);
  if (value.size() > store_->limits().value_max) {
    publications_.complete(id, errc::bad_options);
    return;
  }
  auto start = [self = shared_from_this(), p = publication{id, token, std::move(value)}] {
    if (!self->unpublished_) self->unpublished_ = std::make_unique<std::deque<publication>>();
    self->unpublished_->push_back(p);
    self->publish_next();
  };
  if (!store_->context()->post(std::move(start))) publications_.complete(id, errc::not_leader);
}

void candidate_state::write(std::uint64_t token, guarded_writes what, handler<void(error_code)> h) {
  auto const id = publications_.add(weak_from_this(), std::move(h), user_executor(), cancellation_type::terminal);
  auto const refusal = what_is_wrong_with(what);
  if (!refusal.ok()) {
    note_answer(refusal);
    publications_.complete(id, refusal.ec);
    return;
  }
  auto start = [self = shared_from_this(), token, id, what = std::move(what)] {
    if (!self->leads(token) || !self->validity_.holds(token)) {
      self->publications_.complete(id, errc::not_leader);
      return;
    }
    auto done = [candidate = self.get(), id](outcome const& how) {
      if (!how.ok()) candidate->note_trouble("write", how);
      candidate->publications_.complete(id, how.ec);
    };
    self->contender_->write(what, self->give_up_at(), std::move(done));
  };
  if (!store_->context()->post(std::move(start))) publications_.complete(id, errc::not_leader);
}

outcome candidate_state::what_is_wrong_with(guarded_writes const& what) const {
  auto const limits = store_->limits();
  if (limits.writes_max == 0) return {errc::unsupported, "guarded writes: this store has none"};
  std::size_t bytes = 0;
  for (auto const& w : what.all()) {
    if (w.name.empty()) return {errc::bad_options, "guarded write: a name is required"};
    bytes += w.name.size() + (w.content ? w.content->size() : 0);
  }
  if (what.all().empty()) return {errc::bad_options, "guarded write: there is nothing to write"};
  if (what.all().size() > limits.writes_max)
    return {errc::bad_options, "guarded write: " + std::to_string(what.all().size()) + " writes are too many, " +
                                   std::to_string(limits.writes_max) + " at most"};
  if (bytes > limits.writes_bytes)
    return {errc::bad_options, "guarded write: " + std::to_string(bytes) + " bytes are too many, " +
                                   std::to_string(limits.writes_bytes) + " at most"};
  return {};
}

void candidate_state::resign(std::uint64_t token, bool in_time, handler<void(error_code)> h) {
  auto const id = releases_.add(weak_from_this(), std::move(h), user_executor(), cancellation_type::terminal);
  auto start = [self = shared_from_this(), token, in_time, id] {
    bool const ours = self->term_ && self->term_->token() == token;
    if (ours) self->run(self->fsm_.resign());
    bool const under_way = ours && !self->fsm_.idle();
    if (in_time && under_way) self->releasing_.push_back(id);
    else self->releases_.complete(id, errc::not_leader);
  };
  if (!store_->context()->post(std::move(start))) releases_.complete(id, errc::not_leader);
}

void candidate_state::let_go(std::uint64_t token) {
  store_->context()->post([self = shared_from_this(), token] {
    if (self->term_ && self->term_->token() == token) self->run(self->fsm_.resign());
  });
}

void candidate_state::supervise(std::uint64_t token, bool on) {
  store_->context()->post([self = shared_from_this(), token, on] {
    if (self->leads(token) || !on) self->fsm_.supervised(on);
  });
}

void candidate_state::drain(std::uint64_t token) {
  if (drain_timeout_ == std::chrono::milliseconds(0)) return;
  store_->context()->post([self = shared_from_this(), token] {
    if (!self->leads(token)) return;
    auto const give_up = [candidate = self.get(), token] {
      if (!candidate->leads(token)) return;
      candidate->log(severity::error, candidate->line("lost", "drain_timeout: the body runs on, its term is released"));
      candidate->run(candidate->fsm_.resign());
    };
    self->drain_ = self->store_->context()->after(self->drain_timeout_, give_up);
  });
}

void candidate_state::wait_gained(handler<void(error_code)> h) {
  auto const id = gained_.add(weak_from_this(), std::move(h), user_executor());
  std::lock_guard const lock(mutex_);
  if (finished_) gained_.complete(id, errc::stopped);
  else if (validity_.current() != 0) gained_.complete(id, {});
}

void candidate_state::wait_lost(handler<void(error_code)> h) {
  auto const id = lost_.add(weak_from_this(), std::move(h), user_executor());
  std::lock_guard const lock(mutex_);
  if (validity_.current() == 0) lost_.complete(id, {});
}

// Posted under the lock: the context cannot be gone before that is done.
bool candidate_state::post_to_user(std::function<void()> work) {
  std::lock_guard const lock(mutex_);
  if (!user_executor_) return false;
  boost::asio::post(user_executor_, std::move(work));
  return true;
}

boost::asio::any_io_executor candidate_state::user_executor() const {
  std::lock_guard const lock(mutex_);
  return user_executor_;
}

diagnostics candidate_state::last_answer() const {
  std::lock_guard const lock(mutex_);
  return last_answer_ ? *last_answer_ : diagnostics();
}

int candidate_state::lock_descriptor(std::uint64_t token) const noexcept {
  std::lock_guard const lock(mutex_);
  return token == contender_token_ ? lock_descriptor_ : -1;
}

}  // namespace coelect::detail

// The owner's handle on a term: forwards to term_state and to the candidate.
#include "election/candidate_state.hpp"
#include <boost/asio/system_executor.hpp>

namespace coelect {
namespace {

// A leadership that owns no term has no executor of its own: the handler's must do.
template <class... Result>
void complete_now(detail::handler<void(error_code, Result...)> h, error_code ec, Result... result) {
  detail::kept_handler<Result...> kept(std::move(h), boost::asio::system_executor());
  kept.complete(ec, std::move(result)...);
}

std::string const no_name;

}  // namespace

leadership::leadership() noexcept = default;
leadership::leadership(leadership&&) noexcept = default;
leadership::leadership(std::shared_ptr<detail::term_state> state) noexcept : state_(std::move(state)) {}

leadership& leadership::operator=(leadership&& other) noexcept {
  leadership old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

leadership::~leadership() {
  if (!state_) return;
  state_->end_by_owner();
  state_->owner().let_go(state_->token());
}

leadership::executor_type leadership::get_executor() const noexcept {
  return state_ ? state_->owner().user_executor() : executor_type();
}

bool leadership::valid() const noexcept { return state_ && state_->owner().current().holds(state_->token()); }

bool leadership::valid_for(std::chrono::nanoseconds needed) const noexcept {
  auto const left = remaining();
  return left > std::chrono::nanoseconds(0) && left >= needed;
}

std::chrono::nanoseconds leadership::remaining() const noexcept {
  return state_ ? state_->owner().current().left(state_->token()) : std::chrono::nanoseconds(0);
}

clock::time_point leadership::valid_until() const noexcept {
  return state_ ? state_->owner().current().until(state_->token()) : clock::time_point();
}

std::uint64_t leadership::fencing_token() const noexcept { return state_ ? state_->token() : 0; }

std::string const& leadership::election() const noexcept { return state_ ? state_->owner().who().election : no_name; }

std::string const& leadership::candidate() const noexcept { return state_ ? state_->owner().who().candidate : no_name; }

std::stop_token leadership::stop_token() const noexcept { return state_ ? state_->stop_token() : std::stop_token(); }

term_end leadership::ended() const { return state_ ? state_->ended() : term_end(end_of_term::resigned); }

int leadership::lock_descriptor() const noexcept {
  return state_ ? state_->owner().lock_descriptor(state_->token()) : -1;
}

void leadership::start_at_risk(state_ptr state, detail::handler<void(error_code, risk)> h) {
  if (state) state->wait_at_risk(std::move(h));
  else complete_now<risk>(std::move(h), {}, risk::over);
}

void leadership::start_lost(state_ptr state, detail::handler<void(error_code, term_end)> h) {
  if (state) state->wait_lost(std::move(h));
  else complete_now<term_end>(std::move(h), {}, term_end(end_of_term::resigned));
}

void leadership::start_proclaim(state_ptr state, std::string value, detail::handler<void(error_code)> h) {
  if (state) state->owner().proclaim(state->token(), std::move(value), std::move(h));
  else complete_now<>(std::move(h), errc::not_leader);
}

void leadership::start_write(state_ptr state, guarded_writes what, detail::handler<void(error_code)> h) {
  if (state) state->owner().write(state->token(), std::move(what), std::move(h));
  else complete_now<>(std::move(h), errc::not_leader);
}

void leadership::start_resign(state_ptr state, detail::handler<void(error_code)> h) {
  if (!state) {
    complete_now<>(std::move(h), errc::not_leader);
    return;
  }
  bool const in_time = state->end_by_owner();  // R6: nobody acts any more before anything is sent
  state->owner().resign(state->token(), in_time, std::move(h));
}

}  // namespace coelect

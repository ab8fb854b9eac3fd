// The view of one candidate's leadership for those who do not own the term.
#include "election/candidate_state.hpp"

namespace coelect {

bool leadership_signal::is_leader() const noexcept { return state_->current().current() != 0; }

std::uint64_t leadership_signal::fencing_token() const noexcept { return state_->current().current(); }

clock::time_point leadership_signal::valid_until() const noexcept {
  auto const& current = state_->current();
  auto const token = current.current();
  return token == 0 ? clock::time_point() : current.until(token);
}

leadership_signal::executor_type leadership_signal::get_executor() const noexcept { return state_->user_executor(); }

void leadership_signal::start_gained(state_ptr state, detail::handler<void(error_code)> h) {
  state->wait_gained(std::move(h));
}

void leadership_signal::start_lost(state_ptr state, detail::handler<void(error_code)> h) {
  state->wait_lost(std::move(h));
}

}  // namespace coelect

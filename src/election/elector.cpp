// Checks an elector's options and forwards its calls to the candidate.
#include "base/ids.hpp"
#include "base/refuse.hpp"
#include "election/candidate_state.hpp"
#include <coelect/elector.hpp>

namespace coelect {
namespace detail {
#define COELECT_JOIN_(a, b) a##b
#define COELECT_JOIN(a, b) COELECT_JOIN_(a, b)
int const COELECT_JOIN(built_with_boost_, BOOST_VERSION) = BOOST_VERSION;
#undef COELECT_JOIN
#undef COELECT_JOIN_
}  // namespace detail

namespace {

using base::refuse;

void check_release_timeout(std::chrono::milliseconds timeout) {
  using std::chrono::milliseconds;
  if (timeout < milliseconds(0) || timeout > milliseconds(60'000))
    refuse("release_timeout: " + std::to_string(timeout.count()) + " ms is outside 0 to 60000");
}

elector_options checked(elector_options how, store const* where) {
  if (!where) refuse("store: a store is required");
  if (auto const wrong = base::what_is_wrong_with_election(how.election); !wrong.empty()) refuse(wrong);
  if (how.candidate.empty()) how.candidate = base::unique_candidate_id(where->context()->env().random());
  if (auto const wrong = base::what_is_wrong_with_candidate(how.candidate); !wrong.empty()) refuse(wrong);
  auto const limit = where->limits().value_max;
  if (how.value.size() > limit)
    refuse("value: " + std::to_string(how.value.size()) + " bytes are more than this store's " + std::to_string(limit));
  check_release_timeout(how.release_timeout);
  if (how.drain_timeout < std::chrono::milliseconds(0))
    refuse("drain_timeout: " + std::to_string(how.drain_timeout.count()) + " ms is below 0");
  return how;
}

}  // namespace

elector::elector(executor_type ex, std::shared_ptr<store> where, elector_options how, int) {
  if (!ex) refuse("executor: an executor is required");
  auto options = checked(std::move(how), where.get());
  state_ = detail::candidate_state::make(std::move(ex), std::move(where), std::move(options));
}

elector::elector(elector&&) noexcept = default;

elector& elector::operator=(elector&& other) noexcept {
  elector old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

elector::~elector() {
  if (state_) state_->abandon();
}

elector::executor_type elector::get_executor() const noexcept { return state_->user_executor(); }
std::string const& elector::election() const noexcept { return state_->who().election; }
std::string const& elector::candidate() const noexcept { return state_->who().candidate; }
std::shared_ptr<store> const& elector::where() const noexcept { return state_->where(); }
leadership_signal elector::signal() const noexcept { return leadership_signal(state_); }
diagnostics elector::last_answer() const { return state_->last_answer(); }

void elector::start_campaign(state_ptr s, bool once, detail::handler<void(error_code, leadership)> h) {
  s->campaign(once, std::move(h));
}

void elector::start_look(state_ptr s, detail::handler<void(error_code, sighting)> h) { s->look(std::move(h)); }

void elector::start_watch(state_ptr s, sighting seen, detail::handler<void(error_code, sighting)> h) {
  s->watch(std::move(seen), std::move(h));
}

void elector::start_stop(state_ptr s, detail::handler<void(error_code)> h) { s->stop(std::move(h)); }

void elector::start_depose(state_ptr s, std::uint64_t token, depose_how how, detail::handler<void(error_code)> h) {
  s->depose(token, how, std::move(h));
}

}  // namespace coelect

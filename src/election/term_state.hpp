// One term of leadership as its owner sees it: from the win to its end, seen from any thread.
#pragma once
#include "election/waiters.hpp"
#include <coelect/leadership.hpp>
#include <memory>
#include <optional>

namespace coelect::detail {

class candidate_state;

/// Shared by the leadership object, by whoever waits on it, and by the candidate while it leads.
/// Every member may be called from any thread.
class term_state : public std::enable_shared_from_this<term_state> {
public:
  term_state(std::shared_ptr<candidate_state> owner, std::uint64_t token);

  static leadership make_leadership(std::shared_ptr<term_state> state) { return leadership(std::move(state)); }
  static std::shared_ptr<term_state> of(leadership const& term) noexcept { return term.state_; }

  candidate_state& owner() const noexcept { return *owner_; }
  std::uint64_t token() const noexcept { return token_; }
  std::stop_token stop_token() const noexcept { return stop_.get_token(); }
  term_end ended() const;

  void wait_at_risk(handler<void(error_code, risk)> h);
  void wait_lost(handler<void(error_code, term_end)> h);

  void warn(risk why);  ///< Requests the stop token and completes at_risk().
  void all_clear();     ///< A later at_risk() waits again.
  /// Ends the term for everybody who asks; the first end counts. True if this was it.
  bool end(term_end how);
  /// Ends the term because its owner lets go: resigned, or why we were asked to wind it down.
  bool end_by_owner();
  /// That execution context is being destroyed, and with it, uncalled, the handlers that belong to it.
  void drop_those_on(boost::asio::execution_context const& dying) noexcept;

private:
  void request_stop();
  std::optional<risk> present_risk() const;

  std::shared_ptr<candidate_state> owner_;
  std::uint64_t token_;
  std::stop_source stop_;
  // Guards end_ and risk_. Not the waiters': a context that goes destroys, while they are told, what asks for these.
  mutable std::mutex mutex_;
  std::unique_ptr<term_end> end_;  // none: it runs
  std::optional<risk> risk_;
  waiting_room room_;
  waiters<risk> at_risk_{room_};
  waiters<term_end> lost_{room_};
};

}  // namespace coelect::detail

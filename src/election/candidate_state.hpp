// Runs the rules of one candidate on a contender: the shell of election_fsm. Decides nothing itself.
#pragma once
#include "election/observers.hpp"
#include "election/term_state.hpp"
#include "election/validity.hpp"
#include "election/waiters.hpp"
#include "env/context_watch.hpp"
#include "rules/election_fsm.hpp"
#include <coelect/elector.hpp>
#include <deque>
#include <vector>

namespace coelect::detail {

/// What elector, leadership and leadership_signal share. Public members may be called from any
/// thread; they hand over to the store's strand. While anything is under way it keeps itself alive.
class candidate_state final : public std::enable_shared_from_this<candidate_state>,
                              private hold_listener,
                              private closable,
                              private env::context_user {
public:
  static std::shared_ptr<candidate_state> make(boost::asio::any_io_executor ex, std::shared_ptr<store> where,
                                               elector_options how);
  candidate_state(boost::asio::any_io_executor ex, std::shared_ptr<store> where, elector_options how);
  ~candidate_state();

  void campaign(bool once, handler<void(error_code, leadership)> h);
  void look(handler<void(error_code, sighting)> h);
  void watch(sighting seen, handler<void(error_code, sighting)> h);
  void stop(handler<void(error_code)> h);
  void depose(std::uint64_t token, depose_how how, handler<void(error_code)> h);
  void abandon();  ///< The elector is destroyed.

  void proclaim(std::uint64_t token, std::string value, handler<void(error_code)> h);
  void write(std::uint64_t token, guarded_writes what, handler<void(error_code)> h);
  /// `in_time`: this call ended the term. Otherwise h hears not_leader, and what is left is released.
  void resign(std::uint64_t token, bool in_time, handler<void(error_code)> h);
  void let_go(std::uint64_t token);              ///< The leadership is destroyed.
  void supervise(std::uint64_t token, bool on);  ///< lead() runs a body under this term.
  void drain(std::uint64_t token);               ///< Its body was asked to end: drain_timeout runs.
  void wait_gained(handler<void(error_code)> h);
  void wait_lost(handler<void(error_code)> h);

  validity& current() noexcept { return validity_; }
  validity const& current() const noexcept { return validity_; }
  boost::asio::any_io_executor user_executor() const;  ///< Empty once its context is gone.
  bool post_to_user(std::function<void()> work);       ///< False once its context is gone.
  std::shared_ptr<store> const& where() const noexcept { return store_; }
  candidacy const& who() const noexcept { return who_; }
  diagnostics last_answer() const;
  int lock_descriptor(std::uint64_t token) const noexcept;
  void log(severity level, std::string const& line) const;

private:
  struct publication {
    std::uint64_t id;
    std::uint64_t token;
    std::string value;
  };

  // on the store's strand
  void run(rules::election_orders orders);
  void obey(rules::election_orders const& orders);
  void break_off();
  void ask(rules::request what);
  void on_attempt(attempt const& answer);
  void on_turn(outcome const& how);
  void begin_term(rules::win const& won);
  void discard();
  void end_term(term_end const& how);
  void log_end(term_end const& ended);
  void finish_campaign(error_code why);
  void publish_next();
  void drop_unpublished();
  std::shared_ptr<observers> observing();
  std::shared_ptr<observers> those_who_observe() const;
  outcome what_is_wrong_with(guarded_writes const& what) const;
  void note_answer(outcome const& how);
  void note_trouble(char const* doing, outcome const& how);
  void settle();
  bool leads(std::uint64_t token) const noexcept;
  instant give_up_at() const;
  instant release_by() const;
  std::string line(char const* word, std::string const& rest) const;
  bool logs() const noexcept;  ///< Somebody reads what is logged: else no line need be made.

  // hold_listener
  void extended(instant valid_until) override;
  void at_risk() override;
  void all_clear() override;
  void asked_to_resign() override;
  void lost(error_code why, std::string detail) override;

  // closable: the store's execution context goes
  void context_gone() noexcept override;
  // context_user: the users' execution context goes
  void context_ends(boost::asio::execution_context const& dying) noexcept override;
  void complete_releases(error_code how);

  std::shared_ptr<store> store_;
  candidacy const who_;
  std::chrono::milliseconds const release_timeout_, drain_timeout_;
  log_fn const log_;
  validity validity_;

  // Guards what follows up to the blank line. Recursive, as a waiting_room's mutex is, and for the same reason.
  mutable std::recursive_mutex mutex_;
  boost::asio::any_io_executor user_executor_;
  std::unique_ptr<diagnostics> last_answer_;  // none: nothing was said
  std::shared_ptr<term_state> term_;          // the current one, or the last until it is let go
  std::uint64_t contender_token_ = 0;
  int lock_descriptor_ = -1;
  bool finished_ = false;                 // no campaign will succeed any more
  std::shared_ptr<observers> observers_;  // made by the first who observes

  waiting_room room_;
  waiters<leadership> campaigns_{room_};
  waiters<> releases_{room_}, publications_{room_}, deposals_{room_}, gained_{room_}, lost_{room_};

  // strand only
  rules::election_fsm fsm_;
  std::unique_ptr<contender> contender_;
  timer pause_, drain_;
  std::uint64_t campaign_id_ = 0;
  std::vector<std::uint64_t> releasing_;                  // resign() and stop() calls that the next release completes
  std::unique_ptr<std::deque<publication>> unpublished_;  // never empty
  bool publishing_ = false;
  std::string last_trouble_;
  std::shared_ptr<candidate_state> keep_;
};

}  // namespace coelect::detail

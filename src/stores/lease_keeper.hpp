// Keeps one lease alive: the shell of lease_fsm. Decides nothing itself.
#pragma once
#include "rules/lease_fsm.hpp"
#include <coelect/store.hpp>

namespace coelect::stores {

/// Answer to one renewal.
struct renewal {
  outcome how{};
  instant sent{};  ///< Before the request's first byte was handed on (R1).
  std::chrono::milliseconds ttl{};
};

/// Runs the timers of one lease and asks its store to renew it. On the store's strand only. The
/// listener hears nothing before begin() and nothing after it was told lost(); lost() may destroy
/// the keeper.
class lease_keeper {
public:
  /// Sends one renewal; the answer must come by `give_up`.
  using renew_fn = std::function<void(instant give_up, reply<renewal> done)>;

  lease_keeper(std::shared_ptr<store_context> context, rules::timings const& times, renew_fn renew,
               hold_listener& hears);

  /// The lease was granted to a request sent at `sent`. False when it has run out already.
  bool begin(instant sent, std::chrono::milliseconds ttl);
  void revoked(error_code why, std::string detail);  ///< The store says so, unasked.
  void let_go();                                     ///< No more renewals, no more words.

  instant valid_until() const noexcept { return fsm_.deadline(); }
  bool alive() const noexcept { return fsm_.alive(); }

private:
  void obey(rules::lease_orders const& orders, std::string detail);
  void send(instant give_up);
  void set_tick();
  void warn_after_begin();
  void on_renewal(renewal const& answer);
  void remember(outcome const& failure, instant now);

  std::shared_ptr<store_context> context_;
  rules::lease_fsm fsm_;
  renew_fn renew_;
  hold_listener& hears_;
  timer tick_;
  std::string last_failure_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

}  // namespace coelect::stores

// One candidate in one election of an etcd store: a key under the store's lease, and a place in the queue of keys.
#pragma once
#include "rules/doubt_fsm.hpp"
#include "stores/etcd/sessions.hpp"
#include "wire/etcd_requests.hpp"
#include <utility>

namespace coelect::stores::etcd {

/// Stands by a guarded transaction of its own, never by /v3/election/campaign, which lets a dead lease
/// win (etcd#19597). Waits for the candidate right before it only. Wins by a transaction that shows its
/// own key as the oldest one *and* writes (R9): reads went stale on paused members (etcd#20418).
class etcd_contender final : public contender, private session_member {
public:
  etcd_contender(sessions& all, candidacy const& who, hold_listener& hears);
  ~etcd_contender() override;

  void try_acquire(instant give_up, reply<attempt> done) override;
  void wait_turn(reply<outcome> done) override;
  void publish(std::string value, instant give_up, reply<outcome> done) override;
  void write(guarded_writes what, instant give_up, reply<outcome> done) override;
  void leave(instant give_up, reply<outcome> done) override;

private:
  using kvs = std::vector<wire::etcd::key_value>;
  /// Watches one key for its deletion.
  class key_watch;

  template <class Work>
  void safely(Work const& work);
  void give_up_for_now();

  void enter(instant give_up);
  void on_entered(outcome const& how, instant give_up);
  void stand(instant give_up);
  void make_void_and_stand(instant give_up);
  void make_campaign(part& p, bool furnishes);
  void on_furnished(called const& how, wire::etcd::txn_answer const& answer, instant give_up);
  void on_stood(called const& how, wire::etcd::txn_answer const& answer, instant give_up);
  void not_answered(outcome const& how);
  void on_key_made(wire::etcd::txn_answer const& answer);
  bool others_there(wire::etcd::txn_answer const& answer);
  void look_why(instant give_up);
  void on_not_stood(wire::etcd::txn_answer const& answer, instant give_up);
  void verify(instant give_up);
  void on_verified(called const& how, wire::etcd::txn_answer const& answer);
  void have_key(std::int64_t revision);
  void watch_own_key();
  void judge_entry(kvs const& latest);
  void judge_place(kvs const& oldest);
  void win();
  void tell(outcome how);  ///< Answers try_acquire(): nobody, or somebody else, leads.
  void tell(attempt const& what);

  void find_predecessor();
  void on_predecessor(called const& how, wire::etcd::txn_answer const& answer);
  void watch_predecessor(std::string key, std::int64_t seen);
  void turn(outcome how);
  void own_key_in_doubt();
  void follow(rules::doubt_orders const& orders);
  void look_for_own_key(instant until);
  void own_key_deleted(std::int64_t revision);
  void lost(error_code why, std::string detail);

  void leave_key(session& s, instant give_up, reply<outcome> done);

  void put_value(std::string value, instant give_up, int tries, reply<outcome> done);
  void on_value_refused(kvs const& own, std::string value, instant give_up, int tries, reply<outcome> const& done);
  std::string record(std::string_view value) const;
  part ask(wire::etcd::transaction txn, wire::etcd::txn_shape shape, instant give_up,
           std::chrono::nanoseconds patience = {}) const;
  wire::etcd::range_request by_age(wire::etcd::range_request::order order, std::int64_t limit) const;
  wire::etcd::range_request own(bool keys_only = true) const;
  void later(std::function<void()> what);
  std::weak_ptr<int> alive();
  std::string key() const;

  // session_member
  std::string const& election() const noexcept override { return who_.election; }
  void lease_extended(instant valid_until) override;
  void lease_at_risk() override;
  void lease_all_clear() override;
  void lease_over(error_code why, std::string const& detail) override;
  void asked_to_go(std::int64_t revision) override;

  sessions& sessions_;
  commons& shared_;
  candidacy const& who_;
  hold_listener& hears_;
  std::chrono::system_clock::time_point since_;
  std::shared_ptr<session> session_;
  std::string behind_;           // the key before ours, once we know it
  std::int64_t created_ = 0;     // create revision of our key; 0: none that we know of
  std::int64_t modified_ = 0;    // and its mod_revision
  std::int64_t stood_with_ = 0;  // the generation that our campaign transaction compared
  bool uncertain_ = false;       // a campaign transaction was sent and its answer has not come
  bool adopt_ = false;           // a key that is there already can only be ours
  bool entered_ = false;
  bool in_line_ = false;  // others were there: the next transaction reads who is before us
  bool alone_ = false;    // the last one took it that nobody was
  bool leads_ = false;
  std::int64_t asked_to_go_ = 0;
  rules::doubt_fsm doubt_;         // whether our key is there
  timer doubt_ends_, look_again_;  // while in doubt: the term's end, and the next question after one that was lost
  reply<attempt> trying_;          // while that is under way
  reply<outcome> turn_;
  std::unique_ptr<key_watch> own_, predecessor_;
  asked asked_, publishing_, checking_;
  std::list<asked> writes_;
  std::shared_ptr<void> entering_;
  std::shared_ptr<int> life_;  // made by the first who asks: most candidates need none
  bool* gone_ = nullptr;       // where something is done safely: set when we are destroyed meanwhile
};

/// What is done for an answer, an event or a timer may find no memory. Whoever waits for us is told so then, for nobody
/// else would; whoever runs the loop hears of it, too. `this` may be gone afterwards.
template <class Work>
void etcd_contender::safely(Work const& work) {
  bool gone = false;
  bool* const outer = std::exchange(gone_, &gone);
  auto const over = [&] {
    if (!gone) gone_ = outer;
    else if (outer) *outer = true;
  };
  try {
    work();
  } catch (...) {
    over();
    if (!gone) give_up_for_now();
    throw;
  }
  over();
}

}  // namespace coelect::stores::etcd

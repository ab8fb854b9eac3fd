// One lease and what a process keeps under it: shared by many elections, renewed once for all of them.
#pragma once
#include "base/first_exception.hpp"
#include "stores/etcd/anchored_renewal.hpp"
#include "stores/etcd/commons.hpp"
#include "stores/etcd/release.hpp"
#include "stores/etcd/void_rounds.hpp"
#include "stores/lease_keeper.hpp"
#include <list>
#include <set>
#include <vector>

namespace coelect::stores::etcd {

/// A candidate as its session sees it.
class session_member {
public:
  virtual std::string const& election() const noexcept = 0;
  virtual void lease_extended(instant valid_until) = 0;
  virtual void lease_at_risk() = 0;
  virtual void lease_all_clear() = 0;
  virtual void lease_over(error_code why, std::string const& detail) = 0;
  /// Somebody asked whoever leads with this lease to step down; the request has this revision.
  virtual void asked_to_go(std::int64_t revision) = 0;

protected:
  session_member() noexcept;
  ~session_member() = default;

private:
  friend class session;
  friend struct older_first;
  std::uint64_t const order_;
};

/// Members hear in the order of their making, not of their addresses: a simulation runs the same way each time.
struct older_first {
  using is_transparent = void;
  bool operator()(session_member const* a, session_member const* b) const noexcept { return a->order_ < b->order_; }
  bool operator()(std::uint64_t a, session_member const* b) const noexcept { return a < b->order_; }
};

/// One lease with an id chosen by us. It is renewed while the session has members; without any it ages,
/// and can be taken up again while it is young.
///
/// R14: every campaign transaction also compares the mod_revision of the generation key. One whose answer
/// was lost is made void by putting that key again: otherwise, carried out late, it would bring back a key
/// that was resigned from, under a lease that goes on for the sake of other elections.
///
/// On the store's strand.
class session final : public std::enable_shared_from_this<session>, private hold_listener, private watch_listener {
public:
  explicit session(std::shared_ptr<commons> shared);

  /// Answers when the lease is held and renewed; `who` is a member then. Dropping the handle: not called
  /// any more.
  [[nodiscard]] std::shared_ptr<void> enter(session_member& who, instant give_up, reply<outcome> done);
  void leave(session_member& who) noexcept;

  /// The lease is held, but its keys are not made: `who`, the only one so far, makes them in the transaction that it stands
  /// by, which saves a round trip, and says how that went. Whoever comes meanwhile waits.
  bool bare() const noexcept { return furnisher_ != nullptr; }
  /// Not ok: the lease has run out meanwhile.
  outcome furnished(std::int64_t revision);
  void not_furnished();

  /// Whether `election` may be entered with this lease: one lease is one key per election.
  bool open_for(std::string const& election) const;
  void take(std::string const& election) { taken_.insert(election); }
  void give_back(std::string const& election) { taken_.erase(election); }
  bool over() const noexcept { return over_; }
  bool renewed() const noexcept { return keeper_ && keeper_->alive(); }
  bool finished() const;  ///< Nobody is in it, nothing is under way, and it cannot be entered any more.

  /// A key under this lease was made at `revision`: from there on somebody has to hear what happens in our room.
  void watch_from(std::int64_t revision);

  std::int64_t lease() const noexcept { return lease_; }
  bool is_at_risk() const noexcept { return warned_; }  ///< The deadline is near and no renewal came through.
  instant valid_until() const noexcept { return keeper_ ? keeper_->valid_until() : instant{}; }

  std::int64_t generation() const noexcept { return voids_.generation(); }
  /// An answer showed the generation key at this revision.
  void saw_generation(std::int64_t mod_revision) noexcept { voids_.saw(mod_revision); }
  /// Campaign transactions sent so far are not carried out any more once this was answered with ok.
  [[nodiscard]] asked void_campaigns(instant give_up, reply<outcome> done);

  /// Takes a candidate's key away and gives its election back. What cannot be confirmed by `give_up` is
  /// tried again at every renewal; without members left, the lease itself is given back.
  void release(left_behind what, instant give_up, reply<outcome> done);
  bool has_errand_for(std::string const& election) const noexcept;  ///< Of that kind, under way or to be tried again.

  void end(error_code why, std::string const& detail);  ///< The lease is gone, or not to be trusted.
  void revoke();                                        ///< Gives the lease back; nobody waits for the answer.

private:
  struct entrant {
    session_member& who;
    reply<outcome> done;
  };
  struct errand {
    left_behind what;
    asked under_way;
  };

  void open(instant give_up);
  void must_open_by(instant give_up);
  void on_granted(called const& how, wire::etcd::lease_answer const& answer, instant give_up);
  void ask_again(instant give_up);
  void send_furnisher();
  void furnish(instant sent, std::chrono::seconds ttl, instant give_up);
  void part_done(outcome const& how);
  void tell_entrants(outcome const& how);
  bool keep();
  outcome try_to_keep(outcome (*why_not)(), base::first_exception& trouble);
  outcome keep_for_entrants(outcome (*why_not)());
  bool young() const;
  void rest_without_members() noexcept;
  void renew(instant give_up, reply<renewal> done);
  void on_renewed(anchored const& round, reply<renewal> const& done);
  outcome eyesight() const;
  void on_voided(outcome const& how);
  void take_away(std::list<errand>::iterator place, instant give_up, reply<outcome> done);
  void run_errands();
  void look_for_requests();
  void check_lease();
  void read_request(wire::etcd::key_value const& kv);
  template <class Tell>
  void tell_members(Tell const& tell);

  // hold_listener: what the keeper says
  void extended(instant valid_until) override;
  void at_risk() override;
  void all_clear() override;
  void asked_to_resign() override {}
  void lost(error_code why, std::string detail) override;

  // watch_listener: our room of keys
  void on_event(wire::etcd::watch_event const& what) override;
  void on_gap() override;
  void on_refused(outcome const& how) override;

  std::shared_ptr<commons> shared_;
  std::int64_t const lease_;
  std::chrono::seconds ttl_{};
  instant sent_{};  // of the grant or keep-alive that extended the lease last
  bool granted_ = false;
  bool warned_ = false;
  bool requests_missed_ = false;  // a look for requests to resign was not answered
  bool over_ = false;
  int parts_left_ = 0;  // of the opening
  timer opening_ends_;
  bool alone_ = false;  // whoever entered was alone when the lease was granted
  session_member* furnisher_ = nullptr;
  outcome opening_;
  std::unique_ptr<lease_keeper> keeper_;
  std::unique_ptr<watch_handle> room_;
  std::set<session_member*, older_first> members_;
  std::size_t come_and_go_ = 0;  // counts changes of members_
  std::set<std::string> taken_;
  std::vector<std::weak_ptr<entrant>> entrants_;
  std::list<errand> errands_;
  void_rounds voids_;
  asked granting_, renewing_, looking_, checking_;
  std::shared_ptr<void> slack_;
};

}  // namespace coelect::stores::etcd

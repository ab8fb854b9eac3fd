// One lease and what a process keeps under it: shared by many elections, renewed once for all of them.
#include "stores/etcd/session.hpp"
#include "stores/etcd/lease_id.hpp"
#include "wire/etcd_requests.hpp"
#include <algorithm>
#include <atomic>
#include <utility>

namespace coelect::stores::etcd {
namespace {

std::uint64_t next_order() noexcept {
  static std::atomic<std::uint64_t> made{0};
  return ++made;
}

outcome no_memory() { return {errc::unreachable, "no memory"}; }
outcome too_late() { return {errc::timed_out, "the answers took longer than the lease is trusted"}; }
outcome ran_out() { return {errc::candidacy_lost, "the lease ran out"}; }

}  // namespace

session_member::session_member() noexcept : order_(next_order()) {}

using wire::etcd::operation;

session::session(std::shared_ptr<commons> shared)
    : shared_(std::move(shared)),
      lease_(new_lease_id(shared_->context->env())),
      voids_(*shared_, lease_, [this](outcome const& how) { on_voided(how); }) {}

bool session::open_for(std::string const& election) const {
  if (over_ || taken_.contains(election)) return false;
  bool const at_rest = members_.empty() && granted_ && parts_left_ == 0;
  return !at_rest || (errands_.empty() && young());
}

bool session::young() const {
  auto const left = (sent_ + shared_->times.validity_for(ttl_)).left(shared_->context->now());
  return left > shared_->times.validity / 2;
}

bool session::finished() const {
  if (!members_.empty() || parts_left_ > 0) return false;
  for (auto const& e : errands_)
    if (e.under_way) return false;
  return over_ || (granted_ && !young());
}

// --- Opening --------------------------------------------------------------------------------------------------------

std::shared_ptr<void> session::enter(session_member& who, instant give_up, reply<outcome> done) {
  auto joined = [this, &who, done = std::move(done)](outcome const& how) {
    if (!how.ok()) return done(how);
    try {
      come_and_go_ += members_.insert(&who).second ? 1 : 0;
    } catch (...) {
      done(no_memory());
      throw;
    }
    done(how);
  };
  auto made = std::make_shared<entrant>(entrant{who, std::move(joined)});
  entrants_.push_back(made);
  if (parts_left_ > 0 || bare()) return made;
  if (!granted_ && !over_) {
    open(give_up);
    return made;
  }
  // Whoever is last to leave before this runs stops the renewals: begin them here again.
  shared_->context->post([weak = weak_from_this()] {
    auto const self = weak.lock();
    if (!self || self->parts_left_ > 0 || self->bare()) return;
    self->keep_for_entrants(ran_out);
  });
  return made;
}

void session::open(instant give_up) {
  must_open_by(give_up);
  parts_left_ = 2;
  opening_ = {};
  question what;
  what.path = "/v3/lease/grant";
  what.body =
      wire::etcd::grant_body(lease_, std::chrono::duration_cast<std::chrono::seconds>(shared_->times.ttl).count());
  what.give_up = give_up;
  granting_ = shared_->client.ask<wire::etcd::lease_answer>(
      std::move(what), wire::etcd::read_grant,
      [this, give_up](called const& how, wire::etcd::lease_answer const& answer) { on_granted(how, answer, give_up); });
  slack_ = shared_->slack.ask(give_up, [this](outcome const& how) { part_done(how); });
}

// Its requests have all ended by then, unless there was no memory for what was to be done about an answer.
void session::must_open_by(instant give_up) {
  opening_ends_ = shared_->context->at(give_up + std::chrono::milliseconds(10), [this] {
    parts_left_ = 0;
    granted_ = alone_ = false;
    granting_.reset();
    slack_.reset();
    tell_entrants(outcome(errc::timed_out, "the lease was not opened in time"));
  });
}

void session::on_granted(called const& how, wire::etcd::lease_answer const& answer, instant give_up) {
  if (how.lease_exists) return ask_again(give_up);  // an earlier grant, whose answer was lost, did succeed
  if (!how.how.ok()) return part_done(how.how);
  auto const asked_for = std::chrono::duration_cast<std::chrono::seconds>(shared_->times.ttl).count();
  if (answer.ttl > asked_for)
    shared_->context->log(severity::warning, "ttl: etcd grants " + std::to_string(answer.ttl) + " s instead of " +
                                                 std::to_string(asked_for) +
                                                 " s, its least; after a crash others wait that long");
  auto const waits = [](auto const& weak) { return !weak.expired(); };
  alone_ = std::count_if(entrants_.begin(), entrants_.end(), waits) == 1;
  if (!alone_) return furnish(how.sent, std::chrono::seconds(answer.ttl), give_up);
  sent_ = how.sent;
  ttl_ = std::chrono::seconds(answer.ttl);
  granted_ = true;
  part_done({});
}

void session::ask_again(instant give_up) {
  auto done = [this, give_up](anchored const& round) {
    if (!round.result.how.ok()) return part_done(round.result.how);
    furnish(round.result.sent, std::chrono::duration_cast<std::chrono::seconds>(round.result.ttl), give_up);
  };
  granting_ = renew_anchored(*shared_, lease_, give_up, std::move(done));
}

// The keys of our room: from their revision on we watch it.
void session::furnish(instant sent, std::chrono::seconds ttl, instant give_up) {
  wire::etcd::transaction txn;
  txn.then(operation::put(shared_->keys.anchor(lease_), "", lease_))
      .then(operation::put(shared_->keys.generation(lease_), "", lease_));
  question what;
  what.path = "/v3/kv/txn";
  what.body = txn.body();
  what.give_up = give_up;
  what.write = true;
  auto done = [this, sent, ttl](called const& how, wire::etcd::txn_answer const& answer) {
    if (!how.how.ok()) return part_done(how.how);
    saw_generation(answer.header.revision);
    sent_ = sent;
    ttl_ = ttl;
    granted_ = true;
    part_done({});
  };
  granting_ = shared_->client.txn(std::move(what), 2, 0, std::move(done));
}

void session::part_done(outcome const& how) {
  if (!how.ok() && opening_.ok()) opening_ = how;
  if (--parts_left_ > 0) return;
  opening_ends_.clear();
  auto how_all = std::exchange(opening_, {});
  bool const by_one = std::exchange(alone_, false);
  if (how_all.ok() && by_one) return send_furnisher();
  base::first_exception trouble;
  if (how_all.ok()) how_all = try_to_keep(too_late, trouble);
  if (how_all.ec == errc::lease_lost) over_ = true;
  if (!how_all.ok()) granted_ = false;  // the next one to enter checks everything again
  auto const told =
      how_all.ec == errc::lease_lost ? outcome(errc::unreachable, "the lease ended while it was new") : how_all;
  trouble.from([&] { tell_entrants(told); });
  trouble.rethrow();
}

// The first one that is still there goes ahead.
void session::send_furnisher() {
  auto const self = shared_from_this();
  while (!entrants_.empty()) {
    auto const first = entrants_.front().lock();
    entrants_.erase(entrants_.begin());
    if (!first) continue;
    furnisher_ = &first->who;
    try {
      first->done({});
    } catch (...) {
      if (furnisher_ == &first->who && !members_.contains(furnisher_)) not_furnished();
      throw;
    }
    return;
  }
  granted_ = false;
}

outcome session::furnished(std::int64_t revision) {
  furnisher_ = nullptr;
  saw_generation(revision);
  return keep_for_entrants(too_late);
}

// Those who wait are served the long way. Without any the next one to enter checks everything again.
void session::not_furnished() {
  if (std::exchange(furnisher_, nullptr) == nullptr) return;
  granted_ = false;
  try {
    if (over_) return tell_entrants(outcome(errc::candidacy_lost, "the lease is gone"));
    if (entrants_.empty()) return;
    auto const by = shared_->context->now() + shared_->times.request_timeout;
    must_open_by(by);
    parts_left_ = 1;
    furnish(sent_, ttl_, by);
  } catch (...) {
    parts_left_ = 0;
    opening_ends_.clear();
    tell_entrants(no_memory());
    throw;
  }
}

void session::tell_entrants(outcome const& how) {
  auto const self = shared_from_this();
  auto const all = std::exchange(entrants_, {});
  base::first_exception trouble;
  for (auto const& weak : all)
    if (auto const who = weak.lock()) trouble.from([&] { who->done(how); });
  trouble.rethrow();
  if (parts_left_ == 0) rest_without_members();  // those who asked may have gone meanwhile
}

/// Starts, or goes on with, renewing. False: the lease has run out.
bool session::keep() {
  if (over_) return false;
  if (keeper_) return true;
  hold_listener& keeper_tells = *this;
  auto ask = [this](instant give_up, reply<renewal> done) { renew(give_up, std::move(done)); };
  keeper_ = std::make_unique<lease_keeper>(shared_->context, shared_->times, std::move(ask), keeper_tells);
  try {
    over_ = !keeper_->begin(sent_, ttl_);
  } catch (...) {
    keeper_.reset();
    throw;
  }
  return !over_;
}

/// keep(), and what is to be said of it: something also when there is no memory for it.
outcome session::try_to_keep(outcome (*why_not)(), base::first_exception& trouble) {
  outcome how;
  trouble.from([&] { how = keep() ? outcome() : why_not(); });
  return how.ok() && !keeper_ ? no_memory() : how;
}

outcome session::keep_for_entrants(outcome (*why_not)()) {
  base::first_exception trouble;
  auto how = try_to_keep(why_not, trouble);
  if (!how.ok()) granted_ = false;  // the next one to enter checks everything again
  trouble.from([&] { tell_entrants(how); });
  trouble.rethrow();
  return how;
}

// Not from the anchor's revision: a session that is taken up again would begin in the past, which etcd serves by a loop
// of 100 ms, and others that share the stream with it. What was asked of us before this key was made is about earlier terms.
void session::watch_from(std::int64_t revision) {
  if (room_ || !keeper_) return;
  watch_listener& hears = *this;
  room_ = shared_->watch.subscribe(shared_->keys.room(lease_), revision + 1, false, hears);
}

void session::leave(session_member& who) noexcept {
  come_and_go_ += members_.erase(&who);
  try {
    if (furnisher_ == &who) not_furnished();
  } catch (...) {
    // No memory: those who waited for it have been told.
  }
  rest_without_members();
}

void session::rest_without_members() noexcept {
  if (!members_.empty()) return;
  warned_ = false;
  keeper_.reset();
  renewing_.reset();
  looking_.reset();
  checking_.reset();
  room_.reset();
}

// --- The lease ------------------------------------------------------------------------------------------------------

void session::renew(instant give_up, reply<renewal> done) {
  auto answer = [this, done = std::move(done)](anchored const& round) { on_renewed(round, done); };
  renewing_ = renew_anchored(*shared_, lease_, give_up, std::move(answer));
}

void session::on_renewed(anchored const& round, reply<renewal> const& done) {
  auto const self = shared_from_this();
  auto result = round.result;
  if (result.how.ok()) result.how = eyesight();
  if (result.how.ok()) sent_ = result.sent;
  base::first_exception trouble;
  if (round.revision != 0 && room_) trouble.from([&] { room_->expect(round.revision); });
  bool const fine = result.how.ok();
  trouble.from([&] { done(result); });
  if (fine && !over_ && !members_.empty()) {
    trouble.from([&] { run_errands(); });
    if (requests_missed_) trouble.from([&] { look_for_requests(); });
  }
  trouble.rethrow();
}

// R8: who has not been able to see its own keys for as long as a lease is trusted must not go on.
outcome session::eyesight() const {
  auto const since = room_ ? room_->blind_since() : std::nullopt;
  if (!since || !(*since + shared_->times.validity).reached(shared_->context->now())) return {};
  return {errc::unreachable, "renewals come through, but no watch can be opened"};
}

void session::end(error_code why, std::string const& detail) {
  if (over_) return;
  auto const self = shared_from_this();
  over_ = true;
  if (keeper_) keeper_->let_go();
  room_.reset();
  renewing_.reset();
  looking_.reset();
  checking_.reset();
  tell_members([&](session_member& m) { m.lease_over(why, detail); });
}

void session::revoke() {
  if (!granted_ || over_) return;
  over_ = true;
  question what;
  what.path = "/v3/lease/revoke";
  what.body = wire::etcd::lease_body(lease_);
  what.give_up = shared_->context->now() + std::min(shared_->times.request_timeout, std::chrono::milliseconds(1'000));
  shared_->client.send_off(std::move(what));
}

// Whoever is told may leave, or bring others to come or go: who is next is looked up again then, and only then, for there
// may be many thousands of them.
template <class Tell>
void session::tell_members(Tell const& tell) {
  auto const self = shared_from_this();
  base::first_exception trouble;
  for (auto place = members_.begin(); place != members_.end();) {
    auto const told = (*place)->order_;
    auto const before = come_and_go_;
    trouble.from([&] { tell(**place); });
    place = before == come_and_go_ ? std::next(place) : members_.upper_bound(told);
  }
  trouble.rethrow();
}

void session::extended(instant valid_until) {
  tell_members([valid_until](session_member& m) { m.lease_extended(valid_until); });
}
void session::at_risk() {
  warned_ = true;
  tell_members([](session_member& m) { m.lease_at_risk(); });
}
void session::all_clear() {
  warned_ = false;
  tell_members([](session_member& m) { m.lease_all_clear(); });
}
void session::lost(error_code why, std::string detail) { end(why, detail); }

// --- Campaigns and keys ---------------------------------------------------------------------------------------------

asked session::void_campaigns(instant give_up, reply<outcome> done) {
  return voids_.ask(give_up, [self = shared_from_this(), done = std::move(done)](outcome const& how) { done(how); });
}

void session::on_voided(outcome const& how) {
  if (how.ec == errc::lease_lost) end(errc::lease_lost, "etcd has let the lease go");
}

void session::release(left_behind what, instant give_up, reply<outcome> done) {
  take_away(errands_.emplace(errands_.end(), errand{std::move(what), {}}), give_up, std::move(done));
}

void session::take_away(std::list<errand>::iterator place, instant give_up, reply<outcome> done) {
  auto answer = [this, place, done = std::move(done)](outcome const& how) {
    auto const self = shared_from_this();
    auto const kept = std::move(place->under_way);
    if (how.ok()) {
      give_back(place->what.election);
      errands_.erase(place);
    } else if (members_.empty()) {
      revoke();  // nothing else hangs on the lease, and the key goes with it
    }
    if (done) done(how);
  };
  place->under_way = release_key(*shared_, voids_, place->what, give_up, std::move(answer));
}

bool session::has_errand_for(std::string const& election) const noexcept {
  auto const about = [&](errand const& e) { return e.what.election == election; };
  return std::any_of(errands_.begin(), errands_.end(), about);
}

void session::run_errands() {
  base::first_exception trouble;
  auto const by = shared_->context->now() + shared_->times.request_timeout;
  for (auto place = errands_.begin(); place != errands_.end(); ++place)
    if (!place->under_way) trouble.from([&] { take_away(place, by, {}); });
  trouble.rethrow();
}

// --- Requests to resign ---------------------------------------------------------------------------------------------

void session::on_event(wire::etcd::watch_event const& what) {
  if (!what.deleted) return read_request(what.kv);
  if (what.kv.key == shared_->keys.anchor(lease_)) check_lease();
}

// The anchor is gone: with the lease, or because somebody deleted it.
void session::check_lease() {
  auto done = [this](anchored const& round) {
    auto const self = shared_from_this();
    if (round.result.how.ec == errc::lease_lost) end(errc::lease_lost, "etcd has let the lease go");
  };
  auto const by = shared_->context->now() + shared_->times.request_timeout;
  checking_ = renew_anchored(*shared_, lease_, by, std::move(done));
}

void session::read_request(wire::etcd::key_value const& kv) {
  auto const election = shared_->keys.deposed_election(kv.key, lease_);
  if (election.empty()) return;
  tell_members([&](session_member& m) {
    if (m.election() == election) m.asked_to_go(kv.mod_revision);
  });
}

void session::on_gap() { look_for_requests(); }

void session::look_for_requests() {
  requests_missed_ = true;
  wire::etcd::range_request requests;
  requests.what = shared_->keys.room(lease_);
  requests.keys_only = true;
  question what;
  what.path = "/v3/kv/range";
  what.body = wire::etcd::range_body(requests);
  what.give_up = shared_->context->now() + shared_->times.request_timeout;
  auto done = [this](called const& how, wire::etcd::range_answer const& answer) {
    auto const self = shared_from_this();
    if (!how.how.ok()) return;  // again at the next renewal
    requests_missed_ = false;
    for (auto const& kv : answer.kvs) read_request(kv);
  };
  looking_ = shared_->client.ask<wire::etcd::range_answer>(std::move(what), wire::etcd::read_range, std::move(done));
}

void session::on_refused(outcome const& how) {
  shared_->context->log(severity::error, "etcd: our own keys cannot be watched: " + how.text());
}

}  // namespace coelect::stores::etcd

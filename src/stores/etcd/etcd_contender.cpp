// One candidate in one election of an etcd store: a key under the store's lease, and a place in the queue of keys.
#include "stores/etcd/etcd_contender.hpp"
#include "stores/etcd/key_watch.hpp"
#include "stores/etcd/look.hpp"
#include "wire/etcd_record.hpp"
#include <utility>

namespace coelect::stores::etcd {

using std::chrono::nanoseconds;
using wire::etcd::key_range;
using wire::etcd::operation;
using wire::etcd::range_request;
using wire::etcd::transaction;

etcd_contender::etcd_contender(sessions& all, candidacy const& who, hold_listener& hears)
    : sessions_(all),
      shared_(all.shared()),
      who_(who),
      hears_(hears),
      since_(shared_.context->env().wall_clock()),
      doubt_(shared_.times) {}

etcd_contender::~etcd_contender() {
  if (gone_) *gone_ = true;
  if (session_) session_->leave(*this);
}

// --- Standing -------------------------------------------------------------------------------------------------------

void etcd_contender::try_acquire(instant give_up, reply<attempt> done) {
  trying_ = std::move(done);
  if (!session_) session_ = sessions_.take(who_.election);
  if (session_->over()) return later([this] { tell(outcome(errc::candidacy_lost, "the lease is gone")); });
  if (!entered_) return enter(give_up);
  if (created_ != 0) {
    watch_own_key();
    return verify(give_up);
  }
  bool const is_void = session_->generation() > stood_with_;  // for another candidate's sake
  if (uncertain_ && !is_void) return make_void_and_stand(give_up);
  adopt_ = adopt_ || uncertain_;
  stand(give_up);
}

void etcd_contender::tell(outcome how) { tell(attempt{std::move(how), {}}); }

void etcd_contender::tell(attempt const& what) {
  auto const done = std::exchange(trying_, nullptr);
  if (done) done(what);
}

void etcd_contender::give_up_for_now() {
  outcome const how(errc::unreachable, "no memory");
  if (trying_) tell(how);
  else if (turn_) turn(how);
  else if (leads_ && (doubt_.any() || created_ == 0 || session_->over())) lost(errc::lease_lost, "no memory");  // R8
}

void etcd_contender::enter(instant give_up) {
  auto entered = [this, give_up](outcome const& how) {
    auto const handle = std::move(entering_);
    safely([&] { on_entered(how, give_up); });
  };
  entering_ = session_->enter(*this, give_up, std::move(entered));
}

void etcd_contender::on_entered(outcome const& how, instant give_up) {
  if (!how.ok()) return tell(how);
  entered_ = true;
  adopt_ = adopt_ || (uncertain_ && !session_->bare());  // the generation is newer than what we sent before
  stand(give_up);
}

// Most elections are empty, and then it is enough to ask for that: etcd has a third less to read. Who is mistaken stands
// in line with a second transaction, at a moment when it has to wait anyway.
void etcd_contender::stand(instant give_up) {
  alone_ = !in_line_ && !adopt_ && shared_.alone.likely();
  bool const furnishes = session_->bare();
  std::size_t const operations = (alone_ ? 1 : 2) + (furnishes ? 2 : 0);
  auto what = ask({}, {operations, 0}, give_up, shared_.times.request_timeout);
  what.make = [this, furnishes](part& p) { make_campaign(p, furnishes); };
  what.repeatable = false;
  doubt_.lay_aside();
  uncertain_ = true;  // until its answer has come
  stood_with_ = session_->generation();
  auto stood = [this, give_up](called const& how, wire::etcd::txn_answer const& got) {
    auto const over = std::move(asked_);
    safely([&] { session_->bare() ? on_furnished(how, got, give_up) : on_stood(how, got, give_up); });
  };
  asked_ = shared_.together.ask(std::move(what), std::move(stood));
}

void etcd_contender::make_campaign(part& p, bool furnishes) {
  auto const lease = session_->lease();
  auto const generation = shared_.keys.generation(lease);
  p.what.then(operation::put(key(), record(who_.value), lease));
  if (alone_) p.what.when_empty(shared_.keys.candidates(who_.election));
  else p.what.when_created_at(key(), 0).then(operation::range(by_age(range_request::order::newest_first, 2)));
  if (furnishes)
    p.what.then(operation::put(shared_.keys.anchor(lease), "", lease)).then(operation::put(generation, "", lease));
  stood_with_ = session_->generation();
  p.also_if = unchanged{generation, stood_with_};
}

// Where this goes wrong we enter anew, and what we sent is void by then: it wants no generation to be there.
void etcd_contender::on_furnished(called const& how, wire::etcd::txn_answer const& answer, instant give_up) {
  auto const s = session_;
  if (how.how.ok() && others_there(answer)) return stand(give_up);
  if (how.how.ok() && answer.succeeded) {
    auto const kept = s->furnished(answer.header.revision);
    if (!kept.ok()) return tell(kept);  // leave() takes the key away, if the lease has not
    uncertain_ = false;
    return on_key_made(answer);
  }
  entered_ = false;
  uncertain_ = how.how.ok() || how.uncertain;
  auto why = how.how;
  if (why.ok()) why = outcome(errc::unreachable, "keys of a lease that is new were there already");
  if (why.ec == errc::lease_lost) {
    s->end(errc::lease_lost, "etcd has let the lease go");
    why = outcome(errc::unreachable, "the lease ended while it was new");
  }
  s->not_furnished();
  tell(why);
}

void etcd_contender::on_stood(called const& how, wire::etcd::txn_answer const& answer, instant give_up) {
  uncertain_ = how.uncertain;
  if (!how.how.ok()) return not_answered(how.how);
  if (others_there(answer)) return stand(give_up);
  if (!answer.succeeded) return look_why(give_up);
  on_key_made(answer);
}

// Or the generation is another one by now: the next transaction will say so.
bool etcd_contender::others_there(wire::etcd::txn_answer const& answer) {
  if (!alone_ || answer.succeeded) return false;
  shared_.alone.found(false);
  in_line_ = true;
  return true;
}

void etcd_contender::on_key_made(wire::etcd::txn_answer const& answer) {
  have_key(answer.header.revision);
  if (!alone_) return judge_entry(answer.operations.at(1).kvs);
  shared_.alone.found(true);
  if (session_->over()) return tell(outcome(errc::candidacy_lost, "the lease is gone"));
  win();
}

// In the commit that made our key it is the youngest one, and the one before it is who we wait for.
void etcd_contender::judge_entry(kvs const& latest) {
  if (session_->over()) return tell(outcome(errc::candidacy_lost, "the lease is gone"));
  if (latest.empty() || latest.front().key != key() || latest.front().create_revision != created_)
    return tell(outcome(errc::unreachable, "an answer that does not show our key among the candidates"));
  shared_.alone.found(latest.size() == 1);
  if (latest.size() == 1) return win();
  auto const wrong = refuse_nested(shared_, who_.election, latest[1].key);
  if (!wrong.ok()) return tell(wrong);
  behind_ = latest[1].key;
  tell(attempt{});
}

// R14. Whatever was sent before is void now: it has been carried out, or never will be.
void etcd_contender::make_void_and_stand(instant give_up) {
  auto made_void = [this, give_up](outcome const& how) {
    safely([&] {
      if (!how.ok()) return tell(how);
      adopt_ = true;
      stand(give_up);
    });
  };
  asked_ = session_->void_campaigns(give_up, std::move(made_void));
}

// Rare, so that asking for it beforehand would cost more: a third of all that etcd has to read. Through raft (R9).
void etcd_contender::look_why(instant give_up) {
  uncertain_ = true;  // until we know whether a key of ours is there
  range_request generation;
  generation.what = key_range::one(shared_.keys.generation(session_->lease()));
  generation.keys_only = true;
  transaction txn;
  txn.then(operation::range(own())).then(operation::range(generation));
  auto seen = [this, give_up](called const& how, wire::etcd::txn_answer const& got) {
    auto const over = std::move(asked_);
    safely([&] {
      if (!how.how.ok()) return not_answered(how.how);
      uncertain_ = false;
      on_not_stood(got, give_up);
    });
  };
  auto what = ask(txn, {2, 0}, give_up, shared_.times.request_timeout);
  what.through_raft = true;
  asked_ = shared_.together.ask(std::move(what), std::move(seen));
}

// A transaction of ours.
void etcd_contender::not_answered(outcome const& how) {
  if (how.ec != errc::lease_lost) return tell(how);
  session_->end(errc::lease_lost, "etcd has let the lease go");
  tell(outcome(errc::candidacy_lost, "the lease is gone"));
}

void etcd_contender::on_not_stood(wire::etcd::txn_answer const& answer, instant give_up) {
  auto const& ours = answer.operations.at(0).kvs;
  auto const& generation = answer.operations.at(1).kvs;
  if (!ours.empty() && adopt_) {
    have_key(ours.front().create_revision);
    return verify(give_up);
  }
  if (!ours.empty()) {
    uncertain_ = true;  // leave() removes it, whoever made it
    return tell(outcome(errc::candidacy_lost, "a key of ours was there already"));
  }
  if (give_up.reached(shared_.context->now()))
    return tell(outcome(errc::timed_out, "another candidate of this process was in doubt"));
  if (generation.empty()) return make_void_and_stand(give_up);  // somebody deleted it
  session_->saw_generation(generation.front().mod_revision);
  stand(give_up);
}

void etcd_contender::have_key(std::int64_t revision) {
  created_ = modified_ = revision;
  adopt_ = false;
  own_.reset();
  watch_own_key();
}

void etcd_contender::watch_own_key() {
  session_->watch_from(created_);
  if (!own_) own_ = std::make_unique<key_watch>(*this, key_watch::role::own, key(), created_ + 1);
}

// R9: what is written sends the comparison through raft. A range sees the state after it, in the same commit.
void etcd_contender::verify(instant give_up) {
  doubt_.lay_aside();
  behind_.clear();
  transaction txn;
  txn.when_created_at(key(), created_)
      .then(operation::range(by_age(range_request::order::oldest_first, 1)))
      .otherwise(operation::range(own()));
  auto verified = [this](called const& how, wire::etcd::txn_answer const& got) {
    auto const over = std::move(asked_);
    safely([&] { on_verified(how, got); });
  };
  auto what = ask(txn, {1, 1}, give_up, shared_.times.request_timeout);
  what.through_raft = true;
  asked_ = shared_.together.ask(std::move(what), std::move(verified));
}

void etcd_contender::on_verified(called const& how, wire::etcd::txn_answer const& answer) {
  if (!how.how.ok()) return not_answered(how.how);
  if (answer.succeeded) return judge_place(answer.operations.at(0).kvs);
  created_ = 0;
  tell(outcome(errc::candidacy_lost, "our key is gone"));
}

void etcd_contender::judge_place(kvs const& oldest) {
  if (session_->over()) return tell(outcome(errc::candidacy_lost, "the lease is gone"));
  bool const sensible = !oldest.empty() && oldest.front().create_revision <= created_;
  if (!sensible) return tell(outcome(errc::unreachable, "an answer that does not show our key among the candidates"));
  if (oldest.front().key == key() && oldest.front().create_revision == created_) return win();
  auto const wrong = refuse_nested(shared_, who_.election, oldest.front().key);
  tell(attempt{wrong, {}});
}

void etcd_contender::win() {
  if (!session_->renewed()) return tell(outcome(errc::candidacy_lost, "the lease is not renewed"));
  predecessor_.reset();
  leads_ = true;
  auto const asked_already = asked_to_go_ > created_;
  // Posted first: whoever hears of the win may destroy us.
  if (doubt_.any())
    later([this] {
      if (leads_) own_key_in_doubt();
    });
  if (session_->is_at_risk())
    later([this] {
      if (leads_) hears_.at_risk();
    });
  if (asked_already)
    later([this] {
      if (leads_) hears_.asked_to_resign();
    });
  auto const until = session_->valid_until();
  doubt_.won(until);
  tell(attempt{{}, grant{static_cast<std::uint64_t>(created_), until}});
}

// --- Waiting --------------------------------------------------------------------------------------------------------

void etcd_contender::wait_turn(reply<outcome> done) {
  turn_ = std::move(done);
  if (created_ == 0 || session_->over())
    return later([this] { turn(outcome(errc::candidacy_lost, "our key is gone")); });
  if (behind_.empty()) find_predecessor();
  else watch_predecessor(std::exchange(behind_, {}), created_);
}

void etcd_contender::find_predecessor() {
  auto before = by_age(range_request::order::newest_first, 1);
  before.created_up_to = created_ - 1;
  transaction txn;
  txn.when_created_at(key(), created_).then(operation::range(before));
  auto const by = shared_.context->now() + shared_.times.request_timeout;
  auto found = [this](called const& how, wire::etcd::txn_answer const& got) {
    auto const over = std::move(checking_);
    safely([&] { on_predecessor(how, got); });
  };
  auto what = ask(txn, {1, 0}, by, shared_.times.request_timeout);
  what.write = false;
  checking_ = shared_.together.ask(std::move(what), std::move(found));
}

void etcd_contender::on_predecessor(called const& how, wire::etcd::txn_answer const& answer) {
  if (!how.how.ok()) return turn(how.how);
  // R9: only a read, and some versions answer those from an earlier state (etcd#20418). From before our key was made it
  // says nothing; to believe it would leave the key behind, under a lease that other elections keep alive.
  if (!answer.succeeded && answer.header.revision < created_)
    return turn(outcome(errc::unreachable, "an answer from before our key was made"));
  if (!answer.succeeded) {
    created_ = 0;
    return turn(outcome(errc::candidacy_lost, "our key is gone"));
  }
  auto const& before = answer.operations.at(0).kvs;
  if (before.empty()) return turn({});
  auto const wrong = refuse_nested(shared_, who_.election, before.front().key);
  if (!wrong.ok()) return turn(wrong);
  // The same key is the same candidate: a later one of that name would have been created after us.
  if (predecessor_ && behind_ == before.front().key) return;
  watch_predecessor(before.front().key, answer.header.revision);
}

// It was there at `seen`.
void etcd_contender::watch_predecessor(std::string key, std::int64_t seen) {
  behind_ = std::move(key);
  predecessor_ = std::make_unique<key_watch>(*this, key_watch::role::predecessor, behind_, seen + 1);
}

void etcd_contender::turn(outcome how) {
  auto const done = std::exchange(turn_, nullptr);
  if (!done) return;
  checking_.reset();
  behind_.clear();
  auto const gone = std::move(predecessor_);
  done(how);
}

// --- Leaving --------------------------------------------------------------------------------------------------------

void etcd_contender::leave(instant give_up, reply<outcome> done) {
  leads_ = false;
  turn_ = nullptr;
  trying_ = nullptr;
  doubt_ends_.clear();
  look_again_.clear();
  own_.reset();
  predecessor_.reset();
  asked_.reset();
  publishing_.reset();
  checking_.reset();
  writes_.clear();
  entering_.reset();
  bool const something = created_ != 0 || uncertain_;
  if (session_ && something) return leave_key(*std::exchange(session_, nullptr), give_up, std::move(done));
  if (session_) {
    session_->leave(*this);
    session_->give_back(who_.election);
    session_.reset();
  }
  later([done = std::move(done)] { done({}); });
}

// A key that nobody takes away stays for as long as others keep the lease: then rather none of them does.
void etcd_contender::leave_key(session& s, instant give_up, reply<outcome> done) {
  auto const kept = s.shared_from_this();
  try {
    auto answer = [done = std::move(done), life = alive()](outcome const& how) {
      if (!life.expired()) done(how);
    };
    left_behind what{who_.election, s.lease(), created_, stood_with_, asked_to_go_ > created_};
    s.release(std::move(what), give_up, std::move(answer));
  } catch (...) {
    s.leave(*this);
    if (!s.has_errand_for(who_.election)) s.end(errc::lease_lost, "no memory to give a key back");
    throw;
  }
  s.leave(*this);
}

// --- Helpers --------------------------------------------------------------------------------------------------------

std::string etcd_contender::record(std::string_view value) const {
  return wire::etcd::write_record(who_.candidate, value, since_, shared_.plain_values);
}

part etcd_contender::ask(transaction txn, wire::etcd::txn_shape shape, instant give_up, nanoseconds patience) const {
  part what;
  what.what = std::move(txn);
  what.shape = shape;
  what.election = who_.election;
  what.give_up = give_up;
  what.patience = patience;
  return what;
}

range_request etcd_contender::by_age(range_request::order order, std::int64_t limit) const {
  range_request r;
  r.what = shared_.keys.candidates(who_.election);
  r.keys_only = true;
  r.by_creation = order;
  r.limit = limit;
  return r;
}

range_request etcd_contender::own(bool keys_only) const {
  range_request r;
  r.what = key_range::one(key());
  r.keys_only = keys_only;
  return r;
}

std::string etcd_contender::key() const { return shared_.keys.candidate(who_.election, session_->lease()); }

std::weak_ptr<int> etcd_contender::alive() {
  if (!life_) life_ = std::make_shared<int>(0);
  return life_;
}

void etcd_contender::later(std::function<void()> what) {
  shared_.context->post([this, what = std::move(what), life = alive()] {
    if (!life.expired()) safely(what);
  });
}

}  // namespace coelect::stores::etcd

// What a leader writes: its published value, and whatever it does under the guard of its term.
#include "stores/etcd/etcd_contender.hpp"
#include "stores/etcd/key_watch.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::etcd {

using wire::etcd::key_range;
using wire::etcd::operation;
using wire::etcd::transaction;

namespace {

constexpr int most_tries = 3;

outcome not_leader() { return {errc::not_leader, "our key is gone"}; }

}  // namespace

void etcd_contender::publish(std::string value, instant give_up, reply<outcome> done) {
  if (created_ == 0) return later([done = std::move(done)] { done(not_leader()); });
  put_value(std::move(value), give_up, most_tries, std::move(done));
}

// With the lease: a put without it would take the key out from under the lease. Guarded by the key's
// mod_revision as well, so that an older value that is carried out late does not replace a newer one.
void etcd_contender::put_value(std::string value, instant give_up, int tries, reply<outcome> done) {
  transaction txn;
  txn.when_created_at(key(), created_)
      .when_modified_at(key(), modified_)
      .then(operation::put(key(), record(value), session_->lease()))
      .otherwise(operation::range(own(false)));
  auto answer = [this, value, give_up, tries, done = std::move(done)](called const& how,
                                                                      wire::etcd::txn_answer const& got) {
    if (how.how.ec == errc::lease_lost) return done(not_leader());
    if (!how.how.ok()) return done(how.how);
    if (!got.succeeded) return on_value_refused(got.operations.at(0).kvs, value, give_up, tries, done);
    modified_ = got.header.revision;
    done({});
  };
  publishing_ = shared_.together.ask(ask(std::move(txn), {1, 1}, give_up), std::move(answer));
}

// Our key is gone, or an earlier try of ours was carried out after all.
void etcd_contender::on_value_refused(kvs const& own, std::string value, instant give_up, int tries,
                                      reply<outcome> const& done) {
  if (own.empty() || own.front().create_revision != created_) return done(not_leader());
  modified_ = own.front().mod_revision;
  if (own.front().value == record(value)) return done({});
  if (tries <= 1) return done(outcome(errc::unreachable, "somebody else keeps writing to our key"));
  put_value(std::move(value), give_up, tries - 1, done);
}

void etcd_contender::write(guarded_writes what, instant give_up, reply<outcome> done) {
  if (created_ == 0) return later([done = std::move(done)] { done(not_leader()); });
  transaction txn;
  txn.when_created_at(key(), created_).otherwise(operation::range(own()));
  for (auto const& w : what.all()) {
    if (shared_.keys.candidates(who_.election).contains(w.name) || shared_.keys.rooms().contains(w.name))
      return later([done = std::move(done)] {
        done(outcome(errc::bad_options, "a guarded write must not go among the election's candidates or to @coelect/"));
      });
    txn.then(w.content ? operation::put(w.name, *w.content, 0) : operation::erase(key_range::one(w.name)));
  }
  question q;
  q.path = "/v3/kv/txn";
  q.body = txn.body();
  q.give_up = give_up;
  q.way = lane::bulk;
  q.repeatable = false;  // carried out late, it could undo a newer write
  q.write = true;
  auto const place = writes_.emplace(writes_.end());
  auto answer = [this, place, done = std::move(done)](called const& how, wire::etcd::txn_answer const& got) {
    auto const finished = std::move(*place);
    writes_.erase(place);
    if (!how.how.ok()) return done(how.how);
    done(got.succeeded ? outcome() : not_leader());
  };
  *place = shared_.client.txn(std::move(q), what.all().size(), 1, std::move(answer));
}

}  // namespace coelect::stores::etcd

// Takes a candidate's key away again, also one that may come into being only later (R14).
#include "stores/etcd/release.hpp"
#include "wire/etcd_requests.hpp"

namespace coelect::stores::etcd {
namespace {

using wire::etcd::key_range;
using wire::etcd::operation;

class steps final : public conversation, public std::enable_shared_from_this<steps> {
public:
  steps(commons& shared, left_behind what, instant give_up, reply<outcome> done)
      : shared_(shared), what_(std::move(what)), give_up_(give_up), done_(std::move(done)) {}

  void begin() {
    if (what_.created != 0) erase();
    else make_void();
  }

private:
  std::string key() const { return shared_.keys.candidate(what_.election, what_.lease); }

  question ask(wire::etcd::transaction const& txn) const {
    question q;
    q.path = "/v3/kv/txn";
    q.body = txn.body();
    q.give_up = give_up_;
    q.write = true;
    return q;
  }

  // In one commit: no campaign transaction before it can be carried out any more, and what is there now.
  void make_void() {
    wire::etcd::range_request own;
    own.what = key_range::one(key());
    own.keys_only = true;
    wire::etcd::transaction txn;
    txn.then(operation::put(shared_.keys.generation(what_.lease), "", what_.lease)).then(operation::range(own));
    auto done = [this](called const& how, wire::etcd::txn_answer const& answer) {
      if (!how.how.ok()) return finish(how.how);
      auto const& found = answer.operations.at(1).kvs;
      if (found.empty()) return finish({});
      what_.created = found.front().create_revision;
      erase();
    };
    step_ = shared_.client.txn(ask(txn), 2, 0, std::move(done));
  }

  void erase() {
    wire::etcd::transaction txn;
    txn.when_created_at(key(), what_.created)
        .then(operation::erase(key_range::one(key())))
        .then(operation::erase(key_range::one(shared_.keys.depose_request(what_.election, what_.lease))));
    auto done = [this](called const& how, wire::etcd::txn_answer const&) { finish(how.how); };
    part what;
    what.what = std::move(txn);
    what.shape = {2, 0};
    what.election = what_.election;
    what.give_up = give_up_;
    step_ = shared_.together.ask(std::move(what), std::move(done));
  }

  // A lease that is gone has taken the key along.
  void finish(outcome how) {
    auto const self = shared_from_this();
    auto const done = std::exchange(done_, nullptr);
    done(how.ec == errc::lease_lost ? outcome() : how);
  }

  commons& shared_;
  left_behind what_;
  instant give_up_;
  reply<outcome> done_;
  asked step_;
};

}  // namespace

asked release_key(commons& shared, left_behind what, instant give_up, reply<outcome> done) {
  auto const made = std::make_shared<steps>(shared, std::move(what), give_up, std::move(done));
  made->begin();
  return made;
}

}  // namespace coelect::stores::etcd

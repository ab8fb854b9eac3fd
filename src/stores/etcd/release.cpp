// Takes a candidate's key away again, also one that may come into being only later (R14).
#include "stores/etcd/release.hpp"
#include "base/first_exception.hpp"
#include "wire/etcd_requests.hpp"

namespace coelect::stores::etcd {
namespace {

using wire::etcd::key_range;
using wire::etcd::operation;

class steps final : public conversation, public std::enable_shared_from_this<steps> {
public:
  steps(commons& shared, void_rounds& voids, left_behind what, instant give_up, reply<outcome> done)
      : shared_(shared), voids_(voids), what_(std::move(what)), give_up_(give_up), done_(std::move(done)) {}

  void begin() {
    if (what_.created != 0) erase();
    else if (voids_.generation() > what_.generation) look();
    else make_void();
  }

private:
  std::string key() const { return shared_.keys.candidate(what_.election, what_.lease); }

  part about(wire::etcd::transaction txn, wire::etcd::txn_shape shape) const {
    part p;
    p.what = std::move(txn);
    p.shape = shape;
    p.election = what_.election;
    p.give_up = give_up_;
    return p;
  }

  // After this no campaign transaction before it can be carried out any more.
  void make_void() {
    step_ = voids_.ask(give_up_, [this](outcome const& how) {
      if (how.ok()) or_fail([this] { look(); });
      else finish(how);
    });
  }

  // Through raft (R9): a stale read would leave the key behind.
  void look() {
    wire::etcd::range_request own;
    own.what = key_range::one(key());
    own.keys_only = true;
    wire::etcd::transaction txn;
    txn.then(operation::range(own));
    auto done = [this](called const& how, wire::etcd::txn_answer const& answer) {
      if (!how.how.ok()) return finish(how.how);
      auto const& found = answer.operations.at(0).kvs;
      if (found.empty()) return finish({});
      what_.created = found.front().create_revision;
      or_fail([this] { erase(); });
    };
    auto what = about(std::move(txn), {1, 0});
    what.through_raft = true;
    step_ = shared_.together.ask(std::move(what), std::move(done));
  }

  void erase() {
    wire::etcd::transaction txn;
    txn.when_created_at(key(), what_.created).then(operation::erase(key_range::one(key())));
    if (what_.asked_to_go)
      txn.then(operation::erase(key_range::one(shared_.keys.depose_request(what_.election, what_.lease))));
    auto done = [this](called const& how, wire::etcd::txn_answer const&) { finish(how.how); };
    step_ = shared_.together.ask(about(std::move(txn), {what_.asked_to_go ? std::size_t{2} : 1, 0}), std::move(done));
  }

  // Whoever gives a key back has to hear how that went, even where there is no memory for the rest of it.
  template <class Step>
  void or_fail(Step const& step) {
    base::first_exception trouble;
    if (!trouble.from(step)) trouble.from([this] { finish(outcome(errc::unreachable, "no memory")); });
    trouble.rethrow();
  }

  // A lease that is gone has taken the key along.
  void finish(outcome how) {
    auto const self = shared_from_this();
    auto const done = std::exchange(done_, nullptr);
    done(how.ec == errc::lease_lost ? outcome() : how);
  }

  commons& shared_;
  void_rounds& voids_;
  left_behind what_;
  instant give_up_;
  reply<outcome> done_;
  asked step_;
};

}  // namespace

asked release_key(commons& shared, void_rounds& voids, left_behind what, instant give_up, reply<outcome> done) {
  auto const made = std::make_shared<steps>(shared, voids, std::move(what), give_up, std::move(done));
  made->begin();
  return made;
}

}  // namespace coelect::stores::etcd

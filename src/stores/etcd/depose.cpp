// Asks a leader to step down, or takes its key away.
#include "stores/etcd/depose.hpp"
#include "wire/etcd_requests.hpp"

namespace coelect::stores::etcd {
namespace {

using wire::etcd::key_range;
using wire::etcd::operation;

class deposal final : public conversation, public std::enable_shared_from_this<deposal> {
public:
  deposal(commons& shared, std::string election, std::uint64_t token, depose_how how, instant give_up,
          reply<outcome> done)
      : shared_(shared),
        election_(std::move(election)),
        token_(token),
        how_(how),
        give_up_(give_up),
        done_(std::move(done)) {}

  void look() {
    step_ = look_at(shared_, election_, give_up_, [this](outcome const& how, seen_at const& now) {
      if (!how.ok()) return finish(how);
      if (token_ == 0 || now.what.fencing_token() != token_) return finish(none());
      act(now);
    });
  }

private:
  static outcome none() { return {errc::not_leader, "no leader with that token"}; }

  void act(seen_at const& leader) {
    bool const force = how_ == depose_how::force;
    bool const has_room = leader.key == shared_.keys.candidate(election_, leader.lease);
    if (!force && !has_room) return finish(stranger());
    wire::etcd::range_request again;
    again.what = key_range::one(leader.key);
    again.keys_only = true;
    wire::etcd::transaction txn;
    txn.when_created_at(leader.key, static_cast<std::int64_t>(token_)).otherwise(operation::range(again));
    if (force) txn.then(operation::erase(key_range::one(leader.key)));
    else
      txn.when_exists(shared_.keys.anchor(leader.lease))
          .then(operation::put(shared_.keys.depose_request(election_, leader.lease), std::to_string(token_),
                               leader.lease));
    question what;
    what.path = "/v3/kv/txn";
    what.body = txn.body();
    what.give_up = give_up_;
    what.write = true;
    what.repeatable = !force;  // carried out twice, it would say that there is no such leader
    auto done = [this](called const& how, wire::etcd::txn_answer const& got) {
      if (how.how.ec == errc::lease_lost) return finish(none());
      if (!how.how.ok()) return finish(how.how);
      if (got.succeeded) return finish({});
      auto const& found = got.operations.at(0).kvs;
      bool const still = !found.empty() && static_cast<std::uint64_t>(found.front().create_revision) == token_;
      finish(still ? stranger() : none());
    };
    step_ = shared_.client.txn(std::move(what), 1, 1, std::move(done));
  }

  static outcome stranger() {
    return {errc::unsupported,
            "the leader is another program's candidate (or has another prefix) and cannot be asked; force takes its "
            "key away"};
  }

  void finish(outcome how) {
    auto const self = shared_from_this();
    auto const done = std::exchange(done_, nullptr);
    done(std::move(how));
  }

  commons& shared_;
  std::string election_;
  std::uint64_t token_;
  depose_how how_;
  instant give_up_;
  reply<outcome> done_;
  asked step_;
};

}  // namespace

asked depose_leader(commons& shared, std::string const& election, std::uint64_t token, depose_how how, instant give_up,
                    reply<outcome> done) {
  auto const made = std::make_shared<deposal>(shared, election, token, how, give_up, std::move(done));
  made->look();
  return made;
}

}  // namespace coelect::stores::etcd

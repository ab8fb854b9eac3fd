// Renews a lease so that the answer can be believed (R13): a keep-alive, then a put that only a raft leader can commit.
#include "stores/etcd/anchored_renewal.hpp"
#include "base/first_exception.hpp"
#include "wire/etcd_requests.hpp"

namespace coelect::stores::etcd {
namespace {

class round final : public conversation, public std::enable_shared_from_this<round> {
public:
  round(commons& shared, std::int64_t lease, instant give_up, std::function<void(anchored const&)> done)
      : shared_(shared), lease_(lease), give_up_(give_up), done_(std::move(done)) {}

  void keep_alive() {
    question what;
    what.path = "/v3/lease/keepalive";
    what.body = wire::etcd::lease_body(lease_);
    what.give_up = give_up_;
    what.way = lane::beside;
    step_ = shared_.client.ask<wire::etcd::lease_answer>(
        std::move(what), wire::etcd::read_keepalive,
        [this](called const& how, wire::etcd::lease_answer const& answer) { on_kept_alive(how, answer); });
  }

private:
  void on_kept_alive(called const& how, wire::etcd::lease_answer const& answer) {
    if (!how.how.ok()) return finish(how.how);
    if (answer.lease != lease_)
      return finish(outcome(errc::unreachable, "a keep-alive was answered for another lease"));
    if (answer.ttl <= 0) return finish(outcome(errc::lease_lost, "etcd has let the lease go"));
    got_.result.sent = how.sent;  // R1: of the try that was answered
    got_.result.ttl = std::chrono::seconds(answer.ttl);
    raft_term_ = answer.header.raft_term;
    or_fail([this] { put_anchor(); });
  }

  void put_anchor() {
    wire::etcd::transaction txn;
    txn.then(wire::etcd::operation::put(shared_.keys.anchor(lease_), "", lease_));
    question what;
    what.path = "/v3/kv/txn";
    what.body = txn.body();
    what.give_up = give_up_;
    what.way = lane::beside;
    what.write = true;
    auto done = [this](called const& how, wire::etcd::txn_answer const& answer) {
      if (how.how.ec == errc::overloaded) return or_fail([this] { delete_nothing(); });
      if (!how.how.ok()) return finish(how.how);  // a lease that is gone is said here, too
      got_.revision = answer.header.revision;
      compare(answer.header);
    };
    step_ = shared_.client.txn(std::move(what), 1, 0, std::move(done));
  }

  // A database that is full takes no puts, but deletions, and those go through raft, too.
  void delete_nothing() {
    question what;
    what.path = "/v3/kv/deleterange";
    what.body = wire::etcd::delete_body(wire::etcd::key_range::one(shared_.keys.nothing()));
    what.give_up = give_up_;
    what.way = lane::beside;
    what.write = true;
    auto done = [this](called const& how, wire::etcd::answer_header const& header) {
      if (!how.how.ok()) return finish(how.how);
      compare(header);
    };
    step_ = shared_.client.ask<wire::etcd::answer_header>(std::move(what), wire::etcd::read_header, std::move(done));
  }

  void compare(wire::etcd::answer_header const& header) {
    bool const same_leader = header.raft_term == raft_term_;
    finish(same_leader ? outcome() : outcome(errc::unreachable, "the raft leader changed during a renewal"));
  }

  // Whoever renews has to hear of each round, even where there is no memory for the rest of it.
  template <class Step>
  void or_fail(Step const& step) {
    base::first_exception trouble;
    if (!trouble.from(step)) trouble.from([this] { finish(outcome(errc::unreachable, "no memory")); });
    trouble.rethrow();
  }

  void finish(outcome how) {
    auto const self = shared_from_this();
    got_.result.how = std::move(how);
    auto const done = std::exchange(done_, nullptr);
    done(got_);
  }

  commons& shared_;
  std::int64_t lease_;
  instant give_up_;
  std::function<void(anchored const&)> done_;
  anchored got_;
  std::uint64_t raft_term_ = 0;
  asked step_;
};

}  // namespace

asked renew_anchored(commons& shared, std::int64_t lease, instant give_up, std::function<void(anchored const&)> done) {
  auto const made = std::make_shared<round>(shared, lease, give_up, std::move(done));
  made->keep_alive();
  return made;
}

}  // namespace coelect::stores::etcd

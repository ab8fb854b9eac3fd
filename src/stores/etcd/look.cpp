// Looks who leads an election, and waits until that changes.
#include "stores/etcd/look.hpp"
#include "wire/etcd_record.hpp"
#include "wire/etcd_requests.hpp"
#include <utility>

namespace coelect::stores::etcd {
namespace {

class etcd_observation final : public observation, private watch_listener {
public:
  etcd_observation(commons& shared, std::string election, sighting seen, reply<outcome, sighting> done)
      : shared_(shared), election_(std::move(election)), seen_(std::move(seen)), done_(std::move(done)) {
    look();
  }

private:
  // One look at a time: whatever changes meanwhile is looked at afterwards.
  void look() {
    if (looking_) {
      again_ = true;
      return;
    }
    auto const by = shared_.context->now() + shared_.times.request_timeout;
    auto done = [this](outcome const& how, seen_at const& now) { on_seen(how, now); };
    looking_ = look_at(shared_, election_, by, std::move(done));
  }

  void on_seen(outcome const& how, seen_at const& now) {
    auto const finished = std::exchange(looking_, nullptr);
    if (!how.ok()) return answer(how, {});
    if (!now.what.same_as(seen_)) return answer({}, now.what);
    watch_listener& hears = *this;
    if (!watch_) watch_ = shared_.watch.subscribe(shared_.keys.candidates(election_), now.revision + 1, false, hears);
    if (std::exchange(again_, false)) look();
  }

  void answer(outcome const& how, sighting const& what) {
    auto const done = std::exchange(done_, nullptr);
    watch_.reset();
    if (done) done(how, what);
  }

  void on_event(wire::etcd::watch_event const&) override { look(); }
  void on_gap() override { look(); }
  void on_refused(outcome const& how) override { answer(how, {}); }

  commons& shared_;
  std::string election_;
  sighting seen_;
  reply<outcome, sighting> done_;
  bool again_ = false;
  asked looking_;
  std::unique_ptr<watch_handle> watch_;
};

}  // namespace

outcome refuse_nested(commons const& shared, std::string const& election, std::string const& key) {
  auto const inner = shared.keys.nested_election(election, key);
  if (inner.empty()) return {};
  return {errc::bad_options, "election: '" + election + "' and '" + inner +
                                 "' nest: every candidate of the second one counts for the first one, too; rename one"};
}

asked look_at(commons& shared, std::string const& election, instant give_up,
              std::function<void(outcome const&, seen_at)> done) {
  wire::etcd::range_request first;
  first.what = shared.keys.candidates(election);
  first.by_creation = wire::etcd::range_request::order::oldest_first;
  first.limit = 1;
  question what;
  what.path = "/v3/kv/range";
  what.body = wire::etcd::range_body(first);
  what.give_up = give_up;
  auto answer = [&shared, election, done = std::move(done)](called const& how, wire::etcd::range_answer const& got) {
    seen_at seen;
    if (!how.how.ok()) return done(how.how, seen);
    seen.revision = got.header.revision;
    seen.what = sighting::empty_seat();
    if (!got.kvs.empty()) {
      auto const& leader = got.kvs.front();
      auto const wrong = refuse_nested(shared, election, leader.key);
      if (!wrong.ok()) return done(wrong, seen);
      seen.what = sighting(wire::etcd::read_record(leader));
      seen.lease = leader.lease;
      seen.key = leader.key;
    }
    done({}, seen);
  };
  return shared.client.ask<wire::etcd::range_answer>(std::move(what), wire::etcd::read_range, std::move(answer));
}

std::unique_ptr<observation> observe(commons& shared, std::string election, sighting seen,
                                     reply<outcome, sighting> done) {
  return std::make_unique<etcd_observation>(shared, std::move(election), std::move(seen), std::move(done));
}

}  // namespace coelect::stores::etcd

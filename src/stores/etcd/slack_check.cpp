// Checks once per store that its slack fits the cluster's election timeout.
#include "stores/etcd/slack_check.hpp"
#include "base/first_exception.hpp"
#include "stores/etcd/lease_id.hpp"
#include "wire/etcd_requests.hpp"
#include <utility>

namespace coelect::stores::etcd {

using std::chrono::milliseconds;

std::shared_ptr<void> slack_check::ask(instant give_up, reply<outcome> done) {
  auto waiter = std::make_shared<reply<outcome>>(std::move(done));
  if (known_) {
    client_.context().post([weak = std::weak_ptr(waiter), how = *known_] {
      if (auto const w = weak.lock()) (*w)(how);
    });
    return waiter;
  }
  waiting_.push_back(waiter);
  if (under_way_) return waiter;
  question what;
  what.path = "/v3/lease/grant";
  what.body = wire::etcd::grant_body(new_lease_id(client_.context().env()), 1);
  what.give_up = give_up;
  under_way_ = client_.ask<wire::etcd::lease_answer>(
      std::move(what), wire::etcd::read_grant,
      [this](called const& how, wire::etcd::lease_answer const& answer) { on_answer(how, answer); });
  return waiter;
}

void slack_check::on_answer(called const& how, wire::etcd::lease_answer const& answer) {
  auto const done_with = std::exchange(under_way_, nullptr);
  outcome result;
  if (how.how.ok()) known_ = result = judge(std::chrono::seconds(answer.ttl));
  base::first_exception trouble;
  if (how.how.ok()) trouble.from([&] { give_back(answer.lease); });
  auto const all = std::exchange(waiting_, {});
  for (auto const& weak : all)
    if (auto const waiter = weak.lock()) trouble.from([&] { (*waiter)(result); });
  trouble.rethrow();
}

void slack_check::give_back(std::int64_t lease) {
  question what;
  what.path = "/v3/lease/revoke";
  what.body = wire::etcd::lease_body(lease);
  what.give_up = client_.context().now() + times_.request_timeout;
  client_.send_off(std::move(what));
}

outcome slack_check::judge(std::chrono::seconds least_ttl) const {
  // least_ttl = ceil(1.5 election timeouts), so the timeout is above this:
  auto const timeout_above = milliseconds(least_ttl - std::chrono::seconds(1)) * 2 / 3;
  if (times_.store_slack >= timeout_above) return {};
  return {errc::bad_options, "store_slack: " + std::to_string(times_.store_slack.count()) +
                                 " ms is less than this cluster's election timeout, " + "which is above " +
                                 std::to_string(timeout_above.count()) + " ms (its least ttl is " +
                                 std::to_string(least_ttl.count()) +
                                 " s); set lease_timing::store_slack to its --election-timeout"};
}

}  // namespace coelect::stores::etcd

// Checks once per store that its slack fits the cluster's election timeout.
#pragma once
#include "rules/timings.hpp"
#include "stores/etcd/etcd_client.hpp"
#include <vector>

namespace coelect::stores::etcd {

/// etcd lets a lease go up to one election timeout early when its raft leader was cut off; store_slack
/// covers that and must not be shorter. No answer names the timeout, but the least ttl that a server
/// grants is 1.5 election timeouts, in whole seconds: so a lease of one second is asked for, and given back.
class slack_check {
public:
  slack_check(etcd_client& client, rules::timings const& times) : client_(client), times_(times) {}

  /// errc::bad_options when the slack is too short; transient trouble counts as "not known yet" and is
  /// ok. Answers at once when it is known. Dropping the returned handle: not called any more.
  [[nodiscard]] std::shared_ptr<void> ask(instant give_up, reply<outcome> done);

private:
  void on_answer(called const& how, wire::etcd::lease_answer const& answer);
  void give_back(std::int64_t lease);
  outcome judge(std::chrono::seconds least_ttl) const;

  etcd_client& client_;
  rules::timings times_;
  std::optional<outcome> known_;
  asked under_way_;
  std::vector<std::weak_ptr<reply<outcome>>> waiting_;
};

}  // namespace coelect::stores::etcd

// Renews a lease so that the answer can be believed (R13): a keep-alive, then a put that only a raft leader can commit.
#pragma once
#include "stores/etcd/commons.hpp"
#include "stores/lease_keeper.hpp"

namespace coelect::stores::etcd {

/// What one renewal gave.
struct anchored {
  renewal result;
  std::int64_t revision = 0;  ///< Of the anchor put.
};

/// A keep-alive does not go through raft: a leader that was paused for longer than an election
/// acknowledges it from a lessor that nobody asks any more, up to seconds before its successor
/// deletes the keys. The put to the anchor key is sent after the acknowledgement and goes through
/// raft; in the same raft term it shows that whoever acknowledged was the leader then.
/// Dropping the returned handle: not called any more.
[[nodiscard]] asked renew_anchored(commons& shared, std::int64_t lease, instant give_up,
                                   std::function<void(anchored const&)> done);

}  // namespace coelect::stores::etcd

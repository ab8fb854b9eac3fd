// Asks a leader to step down, or takes its key away.
#pragma once
#include "stores/etcd/look.hpp"

namespace coelect::stores::etcd {

/// `ask`: a key in the leader's own room, under its lease, guarded by its term: the leader watches that
/// room and resigns, which removes the request. Candidates of other clients have no such room:
/// errc::unsupported. `force`: the leader's key is deleted. Dropping the returned handle: not called any more.
[[nodiscard]] asked depose_leader(commons& shared, std::string const& election, std::uint64_t token, depose_how how,
                                  instant give_up, reply<outcome> done);

}  // namespace coelect::stores::etcd

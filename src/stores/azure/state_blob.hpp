// Writes a leader's own blob so that an earlier leader's late write is refused.
#pragma once
#include "stores/azure/commons.hpp"
#include <coelect/guarded_writes.hpp>

namespace coelect::stores::azure {

/// The blob carries the term of its last writer. It is read first: with a later term in it, errc::not_leader.
/// Then it is written only if nobody has written it since, with our term. Dropping the returned handle: not
/// called any more.
[[nodiscard]] asked write_state_blob(commons& shared, guarded_writes::write const& what, std::uint64_t term,
                                     instant give_up, reply<outcome> done);

}  // namespace coelect::stores::azure

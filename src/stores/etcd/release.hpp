// Takes a candidate's key away again, also one that may come into being only later (R14).
#pragma once
#include "stores/etcd/commons.hpp"
#include "stores/etcd/void_rounds.hpp"

namespace coelect::stores::etcd {

/// A key that a candidate of ours has, or may have.
struct left_behind {
  std::string election;
  std::int64_t lease = 0;
  /// Create revision; 0: a campaign transaction was sent whose answer never came. It is made void
  /// first, by putting the generation key unless that was done since, and whatever it left is deleted then.
  std::int64_t created = 0;
  std::int64_t generation = 0;  ///< What that transaction compared the generation key with.
  /// Somebody had asked it to resign, and that request goes, too. One that we have not heard of stays until the next
  /// or the lease's end: it is older than whatever we create later, so that nobody takes it as meant for that.
  bool asked_to_go = false;
};

/// Only a key of that create revision is deleted: a release that is carried out late must not touch
/// the next candidacy (R6). ok: confirmed. Dropping the returned handle: not called any more.
[[nodiscard]] asked release_key(commons& shared, void_rounds& voids, left_behind what, instant give_up,
                                reply<outcome> done);

}  // namespace coelect::stores::etcd

// Looks who leads an election, and waits until that changes.
#pragma once
#include "stores/etcd/commons.hpp"

namespace coelect::stores::etcd {

struct seen_at {
  sighting what;
  std::int64_t revision = 0;  ///< Of the cluster when it was looked at.
  std::int64_t lease = 0;     ///< The leader's.
  std::string key;            ///< The leader's.
};

/// Dropping the returned handle: not called any more.
[[nodiscard]] asked look_at(commons& shared, std::string const& election, instant give_up,
                            std::function<void(outcome const&, seen_at)> done);

/// Not ok when `key`, found among the candidates of `election`, belongs to another election below it.
outcome refuse_nested(commons const& shared, std::string const& election, std::string const& key);

/// store::watch()
std::unique_ptr<observation> observe(commons& shared, std::string election, sighting seen,
                                     reply<outcome, sighting> done);

}  // namespace coelect::stores::etcd

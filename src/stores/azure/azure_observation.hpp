// Looks who leads an election on a blob, waits until that changes, and takes leases away.
#pragma once
#include "stores/azure/commons.hpp"

namespace coelect::stores::azure {

/// What a blob shows, or an empty seat when there is none.
[[nodiscard]] asked look_at(commons& shared, std::string const& election, instant give_up,
                            reply<outcome, sighting> done);

/// store::watch(): looks again and again, at the pace of a candidate.
std::unique_ptr<observation> observe(std::shared_ptr<commons> shared, std::string election, sighting seen,
                                     reply<outcome, sighting> done);

/// store::depose()
[[nodiscard]] asked depose_leader(commons& shared, std::string const& election, std::uint64_t token, depose_how how,
                                  instant give_up, reply<outcome> done);

}  // namespace coelect::stores::azure

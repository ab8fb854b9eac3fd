// Decides every duration that follows from a lease length: validity, renewal, warning, request limits.
#pragma once
#include <coelect/timing.hpp>
#include <string>

namespace coelect::rules {

using std::chrono::milliseconds;

/// lease_timing with nothing left to derive.
struct timings {
  milliseconds ttl{};
  milliseconds validity{};  ///< V: how long after its sending a confirmed request is trusted.
  milliseconds renew_every{};
  milliseconds request_timeout{};
  milliseconds at_risk_before{};
  milliseconds retry_min{};
  milliseconds retry_max{};
  double clock_rate_error{};
  milliseconds store_slack{};

  /// V for the ttl that the store really granted; not above V of the ttl asked for.
  milliseconds validity_for(milliseconds granted_ttl) const;
};

/// What a store brings along.
struct timing_defaults {
  milliseconds ttl{};
  milliseconds store_slack{};
  milliseconds ttl_min{};
  milliseconds ttl_max{};
};

/// Fills in what is 0. Throws election_error(errc::bad_options) that names the fields that contradict
/// each other.
timings derive(lease_timing const& asked, timing_defaults const& store);

}  // namespace coelect::rules

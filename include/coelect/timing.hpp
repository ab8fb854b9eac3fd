// How long a lease is trusted and how often it is renewed.
#pragma once
#include <chrono>

namespace coelect {

/// Timings of a store's leases. They belong to the store because its elections may share one lease.
/// 0 means "derive as stated". Trusted time: V = ttl * (1 - clock_rate_error) - store_slack.
/// Refused at construction, naming both fields, unless
/// renew_every + 2 * request_timeout + retry_min <= V and at_risk_before < V / 2.
/// Between tries of a renewal no more than a quarter of what is left of V passes, or retry_min if that is more; half of
/// it where the store asks to be left alone.
/// Stores without leases (file) use request_timeout and the retry times only.
struct lease_timing {
  std::chrono::milliseconds ttl{0};             ///< Lease length asked for. 0: the store's default.
  std::chrono::milliseconds renew_every{0};     ///< From one good renewal's sending to the next. 0: min(ttl/3, 0.4 V).
  double clock_rate_error{0.10};                ///< How much faster the store's clock may run than ours; 0 to 0.5.
  std::chrono::milliseconds store_slack{-1};    ///< How early the store may let a lease go. -1: the store's own figure.
  std::chrono::milliseconds at_risk_before{0};  ///< at_risk() fires this long before the deadline. 0: V / 4.
  std::chrono::milliseconds request_timeout{0};  ///< Limit of one request. 0: min(V/5, 2.5 s).
  std::chrono::milliseconds retry_min{0};        ///< First back-off after a transient error. 0: min(V/20, 200 ms).
  std::chrono::milliseconds retry_max{5'000};    ///< Ceiling; each wait is drawn from [retry_min, current].
};

}  // namespace coelect

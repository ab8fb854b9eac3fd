// Decides every duration that follows from a lease length: validity, renewal, warning, request limits.
#include "rules/timings.hpp"
#include "base/refuse.hpp"
#include <algorithm>
#include <coelect/error.hpp>

namespace coelect::rules {
namespace {

constexpr milliseconds longest_request{2'500};
constexpr milliseconds longest_first_retry{200};

using base::refuse;

std::string ms(milliseconds d) { return std::to_string(d.count()) + " ms"; }

milliseconds trusted(milliseconds ttl, double rate_error, milliseconds slack) {
  auto const count = static_cast<double>(ttl.count()) * (1.0 - rate_error);
  return milliseconds(static_cast<milliseconds::rep>(count)) - slack;
}

milliseconds or_derived(milliseconds asked, milliseconds derived) { return asked == milliseconds(0) ? derived : asked; }

void require_positive(char const* name, milliseconds d) {
  if (d <= milliseconds(0)) refuse(std::string(name) + ": " + ms(d) + " is not above 0");
}

void check_ranges(lease_timing const& asked, timing_defaults const& store, milliseconds ttl) {
  if (!(asked.clock_rate_error >= 0.0 && asked.clock_rate_error <= 0.5))
    refuse("clock_rate_error: " + std::to_string(asked.clock_rate_error) + " is outside 0 to 0.5");
  if (ttl < store.ttl_min || ttl > store.ttl_max)
    refuse("ttl: " + ms(ttl) + " is outside this store's range, " + ms(store.ttl_min) + " to " + ms(store.ttl_max));
}

void check_together(timings const& t) {
  auto const needed = t.renew_every + 2 * t.request_timeout + t.retry_min;
  if (needed > t.validity)
    refuse("renew_every + 2 * request_timeout + retry_min = " + ms(needed) +
           " leaves no room for a second try within the trusted part of ttl, " + ms(t.validity));
  if (t.at_risk_before * 2 >= t.validity)
    refuse("at_risk_before: " + ms(t.at_risk_before) + " is not below half of the trusted part of ttl, " +
           ms(t.validity));
  if (t.retry_max < t.retry_min) refuse("retry_max: " + ms(t.retry_max) + " is below retry_min, " + ms(t.retry_min));
}

}  // namespace

milliseconds timings::validity_for(milliseconds granted_ttl) const {
  return std::min(validity, trusted(granted_ttl, clock_rate_error, store_slack));
}

timings derive(lease_timing const& asked, timing_defaults const& store) {
  timings t;
  t.ttl = or_derived(asked.ttl, store.ttl);
  t.clock_rate_error = asked.clock_rate_error;
  t.store_slack = asked.store_slack < milliseconds(0) ? store.store_slack : asked.store_slack;
  check_ranges(asked, store, t.ttl);
  t.validity = trusted(t.ttl, t.clock_rate_error, t.store_slack);
  if (t.validity <= milliseconds(0))
    refuse("ttl: of " + ms(t.ttl) + " nothing is left after clock_rate_error and store_slack, " + ms(t.store_slack));
  t.renew_every = or_derived(asked.renew_every, std::min(t.ttl / 3, t.validity * 2 / 5));
  t.request_timeout = or_derived(asked.request_timeout, std::min(t.validity / 5, longest_request));
  t.at_risk_before = or_derived(asked.at_risk_before, t.validity / 4);
  t.retry_min = or_derived(asked.retry_min, std::min(t.validity / 20, longest_first_retry));
  t.retry_max = asked.retry_max;
  require_positive("renew_every", t.renew_every);
  require_positive("request_timeout", t.request_timeout);
  require_positive("at_risk_before", t.at_risk_before);
  require_positive("retry_min", t.retry_min);
  check_together(t);
  return t;
}

}  // namespace coelect::rules

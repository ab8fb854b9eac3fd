// Derived timings and the contradictions that are refused.
#include "rules/timings.hpp"
#include "support/catch.hpp"
#include <coelect/error.hpp>

using namespace coelect;
using namespace coelect::rules;
using namespace std::chrono_literals;

namespace {

constexpr timing_defaults etcd_like{15s, 1s, 2s, 1h};

std::string refusal(lease_timing const& asked) {
  try {
    derive(asked, etcd_like);
  } catch (election_error const& e) {
    CHECK(e.code() == errc::bad_options);
    CHECK(e.code() == cond::fatal);
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("timings of a 15 s lease are those of the safety argument") {
  auto const t = derive({}, etcd_like);
  CHECK(t.ttl == 15s);
  CHECK(t.validity == 12'500ms);
  CHECK(t.renew_every == 5s);
  CHECK(t.request_timeout == 2'500ms);
  CHECK(t.at_risk_before == 3'125ms);
}

TEST_CASE("the shortest leases still leave room for a second try") {
  lease_timing asked;
  asked.ttl = 4s;
  auto const t = derive(asked, etcd_like);
  CHECK(t.validity == 2'600ms);
  CHECK(t.renew_every == 1'040ms);
  CHECK(t.request_timeout == 520ms);
  CHECK(t.renew_every + 2 * t.request_timeout + t.retry_min <= t.validity);
}

TEST_CASE("timings that contradict each other are refused with both names") {
  lease_timing asked;
  asked.renew_every = 12s;
  auto text = refusal(asked);
  CHECK(text.find("renew_every") != std::string::npos);
  CHECK(text.find("request_timeout") != std::string::npos);
  CHECK(text.find("ttl") != std::string::npos);

  asked = {};
  asked.at_risk_before = 6'250ms;
  CHECK(refusal(asked).find("at_risk_before") != std::string::npos);

  asked = {};
  asked.retry_min = 500ms;
  asked.retry_max = 400ms;
  text = refusal(asked);
  CHECK(text.find("retry_max") != std::string::npos);
  CHECK(text.find("retry_min") != std::string::npos);
}

TEST_CASE("values out of range are refused by name") {
  lease_timing asked;
  asked.ttl = 1s;
  CHECK(refusal(asked).find("ttl: 1000 ms is outside this store's range, 2000 ms to") != std::string::npos);
  asked = {};
  asked.clock_rate_error = 0.6;
  CHECK(refusal(asked).find("clock_rate_error") != std::string::npos);
  asked = {};
  asked.store_slack = 14s;
  CHECK(refusal(asked).find("store_slack") != std::string::npos);
  asked = {};
  asked.request_timeout = -5ms;
  CHECK(refusal(asked).find("request_timeout") != std::string::npos);
}

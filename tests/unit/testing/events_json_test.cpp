// Events as lines of JSON: there and back, what `coelect campaign --json` says, and errors that name the member.
#include "support/catch.hpp"
#include <coelect/testing/checker.hpp>
#include <stdexcept>

using namespace coelect::test;
using namespace coelect::testing;
using namespace std::chrono_literals;

namespace {

bool same(event const& a, event const& b) {
  return a.what == b.what && a.at == b.at && a.until == b.until && a.candidate == b.candidate && a.token == b.token &&
         a.detail == b.detail && a.election == b.election;
}

std::string refusal_of(std::string const& line) {
  try {
    event_from_json(line);
  } catch (std::invalid_argument const& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("every happening goes into a line and comes back", "[testing]") {
  for (int what = 1; what <= static_cast<int>(happening::excuse); ++what) {
    event e;
    e.what = static_cast<happening>(what);
    e.at = 90'061s + 1ns;
    e.until = e.what == happening::valid || e.what == happening::excuse ? e.at + 5s : e.at;
    e.candidate = "host \"A\"\n\\ \xc3\xa9";
    e.token = 18'446'744'073'709'551'615ULL;
    e.detail = "a reason, with: {}";
    e.election = "a/b.c";
    auto const line = to_json(e);
    INFO(line);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(same(event_from_json(line), e));
  }
}

TEST_CASE("a line has only the members that apply", "[testing]") {
  event e;
  e.what = happening::accepted;
  e.at = 5ns;
  e.token = 7;
  CHECK(to_json(e) == R"({"event":"accepted","boot_ns":5,"token":7})");
}

TEST_CASE("what is no happening has no line", "[testing]") {
  CHECK_THROWS_AS(to_json(event{}), std::invalid_argument);
  event e;
  e.what = static_cast<happening>(11);
  CHECK_THROWS_AS(to_json(e), std::invalid_argument);
}

TEST_CASE("heartbeats of a candidate that may act say that it is valid", "[testing]") {
  auto const leads = event_from_json(
      R"({"event":"heartbeat","time":"2026-01-01T00:00:00Z","boot_ns":12,"candidate":"A","token":3,"leads":true})");
  CHECK(leads.what == happening::valid);
  CHECK(leads.at == 12ns);
  CHECK(leads.until == 12ns);
  CHECK(leads.token == 3);
  auto const waits = event_from_json(R"({"event":"heartbeat","boot_ns":12,"candidate":"B","token":3,"leads":false})");
  CHECK(waits.what == happening{});
}

TEST_CASE("lines that are not judged by give nothing", "[testing]") {
  auto const line = GENERATE(R"({"event":"candidate","boot_ns":1})", R"({"event":"leader","token":3,"leader":"B"})",
                             R"({"event":"something_new"})",
                             R"({"event":"resigned","boot_ns":1,"candidate":"A"})");  // it only stopped waiting
  INFO(line);
  CHECK(event_from_json(line).what == happening{});
}

TEST_CASE("a line that cannot be read is refused by name", "[testing]") {
  CHECK(refusal_of("") == "this is not one JSON object");
  CHECK(refusal_of("hello") == "this is not one JSON object");
  CHECK(refusal_of("[1]") == "this is not one JSON object");
  CHECK(refusal_of(R"({"event":"elected","boot_ns":1,"token":1}{})") == "this is not one JSON object");
  CHECK(refusal_of(R"({"boot_ns":1})") == "'event' is missing");
  CHECK(refusal_of(R"({"event":5})") == "'event' is missing");
  auto const no_time = "'boot_ns' is missing or no number of nanoseconds";
  CHECK(refusal_of(R"({"event":"elected","token":1})") == no_time);
  CHECK(refusal_of(R"({"event":"elected","token":1,"boot_ns":"soon"})") == no_time);
  CHECK(refusal_of(R"({"event":"elected","token":1,"boot_ns":-1})") == no_time);
  CHECK(refusal_of(R"({"event":"elected","token":1,"boot_ns":1.5})") == no_time);
  CHECK(refusal_of(R"({"event":"elected","token":1,"boot_ns":99999999999999999999})") == no_time);
  CHECK(refusal_of(R"({"event":"valid","token":1,"boot_ns":1,"until_ns":"x"})") ==
        "'until_ns' is missing or no number of nanoseconds");
  auto const no_token = "'token' is missing or no whole number above 0";
  CHECK(refusal_of(R"({"event":"elected","boot_ns":1})") == no_token);
  CHECK(refusal_of(R"({"event":"elected","boot_ns":1,"token":0})") == no_token);
  CHECK(refusal_of(R"({"event":"elected","boot_ns":1,"token":-3})") == no_token);
  CHECK(refusal_of(R"({"event":"accepted","boot_ns":1,"token":"seven"})") == no_token);
  CHECK(refusal_of(R"({"event":"excuse","boot_ns":1,"until_ns":5})") == "accepted");
}

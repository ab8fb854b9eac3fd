// Events as lines of JSON: those that `coelect campaign --json` writes, and those of tests.
#include "base/json.hpp"
#include <array>
#include <coelect/testing/checker.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace coelect::testing {

namespace {

constexpr std::array names{
    std::pair{happening::elected, "elected"},   std::pair{happening::valid, "valid"},
    std::pair{happening::at_risk, "at_risk"},   std::pair{happening::lost, "lost"},
    std::pair{happening::resigned, "resigned"}, std::pair{happening::accepted, "accepted"},
    std::pair{happening::refused, "refused"},   std::pair{happening::granted, "granted"},
    std::pair{happening::dropped, "dropped"},   std::pair{happening::excuse, "excuse"},
};

char const* name_of(happening what) {
  for (auto const& [h, name] : names)
    if (h == what) return name;
  throw std::invalid_argument("event: no such happening");
}

happening named(std::string const& text) {
  for (auto const& [h, name] : names)
    if (text == name) return h;
  return happening{};
}

nanoseconds time_in(base::json_node const& from, char const* member) {
  auto const ns = from.integer(member);
  if (!ns || *ns < 0)
    throw std::invalid_argument(std::string("'") + member + "' is missing or no number of nanoseconds");
  return nanoseconds(*ns);
}

}  // namespace

std::string to_json(event const& one) {
  base::json_writer line;
  line.add("event", name_of(one.what));
  line.add("boot_ns", static_cast<std::int64_t>(one.at.count()));
  if (one.what == happening::valid || one.what == happening::excuse)
    line.add("until_ns", static_cast<std::int64_t>(one.until.count()));
  if (!one.election.empty()) line.add("election", one.election);
  if (!one.candidate.empty()) line.add("candidate", one.candidate);
  if (one.token != 0) line.add("token", one.token);
  if (!one.detail.empty()) line.add("reason", one.detail);
  return line.line();
}

event event_from_json(std::string const& line) {
  auto const parsed = base::json_document::parse(line);
  if (!parsed) throw std::invalid_argument("this is not one JSON object");
  auto const object = parsed->root();
  auto const name = object.text("event");
  if (!name) throw std::invalid_argument("'event' is missing");
  event e;
  e.election = object.text("election").value_or("");
  e.candidate = object.text("candidate").value_or("");
  e.token = object.natural("token").value_or(0);
  e.detail = object.text("reason").value_or("");
  e.what = named(*name);
  // A heartbeat of a candidate that may act is a sample; any other one is about somebody else's term.
  if (*name == "heartbeat" && object.flag("leads").value_or(false)) e.what = happening::valid;
  if (e.what == happening{}) return e;
  e.at = time_in(object, "boot_ns");
  e.until = object.has("until_ns") ? time_in(object, "until_ns") : e.at;
  if (e.token == 0 && e.what == happening::resigned) e.what = happening{};  // it only stopped waiting
  if (e.token == 0 && e.what != happening{} && e.what != happening::excuse)
    throw std::invalid_argument("'token' is missing or no whole number above 0");
  return e;
}

}  // namespace coelect::testing

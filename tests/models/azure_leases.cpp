// What the pretended storage account does with leases: every action in every state that a lease can have.
#include "azure_call.hpp"
#include "azure_model.hpp"
#include <charconv>
#include <cstdio>
#include <utility>

namespace coelect::test {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr seconds for_ever{-1};

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  auto const* const end = text.data() + text.size();
  auto const [rest, trouble] = std::from_chars(text.data(), end, value);
  if (trouble != std::errc() || rest != end) return std::nullopt;
  return value;
}

// Other forms, such as 32 digits, are good for the service, too; nobody here writes them.
bool guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const dash = i == 8 || i == 13 || i == 18 || i == 23;
    char const c = lower_case(text[i]);
    bool const hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

bool duration_fits(seconds s) { return s == for_ever || (s >= seconds(15) && s <= seconds(60)); }

nanoseconds end_of(seconds duration, nanoseconds from) {
  return duration == for_ever ? nanoseconds::max() : from + duration;
}

}  // namespace

azure_model::lease_state azure_model::state_at(blob const& b, nanoseconds now) {
  if (b.lease.empty()) return lease_state::available;
  if (b.broken) return lease_state::broken;
  if (now < b.until) return b.breaking ? lease_state::breaking : lease_state::leased;
  return b.breaking ? lease_state::broken : lease_state::expired;
}

bool azure_model::held_at(blob const& b, nanoseconds now) {
  auto const state = state_at(b, now);
  return state == lease_state::leased || state == lease_state::breaking;
}

std::optional<nanoseconds> azure_model::held_until(std::string_view path) const {
  auto const found = blobs.find(path);
  if (found == blobs.end() || !held_at(found->second, now_())) return std::nullopt;
  return found->second.until;
}

std::string azure_model::holder(std::string_view path) const {
  return held_until(path) ? blobs.find(path)->second.lease : std::string();
}

// Azurite compares texts here, though not when a blob is written.
bool azure_model::same_lease(std::string_view one, std::string_view other) const {
  return service() ? same_text(one, other) : one == other;
}

void azure_model::hold(call const& c, blob& b, std::string lease, seconds duration, nanoseconds until) {
  bool const held = held_at(b, c.at);
  bool const goes_on = held && same_text(b.lease, lease);
  auto const before = std::exchange(b.lease, std::move(lease));
  b.duration = duration;
  b.until = until;
  b.breaking = b.broken = false;
  if (held && !goes_on) ended(c.path, before);
  if (!goes_on && on_lease) on_lease(c.path, b.lease, true);
}

void azure_model::ended(std::string const& path, std::string const& lease) {
  if (on_lease) on_lease(path, lease, false);
}

void azure_model::break_lease(std::string const& path) {
  auto const found = blobs.find(path);
  if (found == blobs.end() || found->second.lease.empty()) return;
  bool const held = held_at(found->second, now_());
  found->second.broken = true;
  if (held) ended(path, found->second.lease);
}

// --- Requests ---------------------------------------------------------------------------------------------------------

azure_refusal const* azure_model::wrong_lease_request(call const& c) const {
  auto const missing = service() ? &azure_says::missing_header : &azure_says::bad_request;
  auto const unreadable = service() ? &azure_says::bad_header : &azure_says::bad_request;
  auto const action = c.field("x-ms-lease-action");
  auto const id = c.field("x-ms-lease-id"), proposed = c.field("x-ms-proposed-lease-id");
  auto const duration = c.field("x-ms-lease-duration"), period = c.field("x-ms-lease-break-period");
  if (action.empty()) return missing;
  bool const needs_id = action == "renew" || action == "change" || action == "release";
  if (needs_id && id.empty()) return missing;
  if (action == "change" && proposed.empty()) return missing;
  if (action == "acquire" && duration.empty()) return missing;
  if (!duration.empty() && !whole_number(duration)) return unreadable;
  if (!period.empty() && !whole_number(period)) return unreadable;
  if (!service()) return nullptr;
  if (!proposed.empty() && !guid(proposed)) return unreadable;
  if (action == "acquire" && !duration_fits(seconds(*whole_number(duration)))) return unreadable;
  bool const too_long = !period.empty() && (*whole_number(period) < 0 || *whole_number(period) > 60);
  return too_long ? unreadable : nullptr;
}

http::response azure_model::on_lease_action(call const& c) {
  if (c.what.method != "PUT") return refuse(azure_says::bad_verb, c);
  if (auto const why = wrong_lease_request(c)) return refuse(*why, c);
  auto const missing = no_blob(c);
  if (missing == &azure_says::no_container) return refuse(*missing, c);
  auto const found = missing ? nullptr : &blobs.find(c.path)->second;
  if (auto const why = condition(c, found)) return refuse(*why, c);
  if (missing) return refuse(*missing, c);
  auto const action = c.field("x-ms-lease-action");
  if (action == "acquire") return acquire(c, *found);
  if (action == "renew") return renew(c, *found);
  if (action == "change") return change(c, *found);
  if (action == "release") return release(c, *found);
  if (action == "break") return break_it(c, *found);
  return refuse(service() ? azure_says::bad_header : azure_says::bad_request, c);
}

http::response azure_model::acquire(call const& c, blob& b) {
  std::string proposed(c.field("x-ms-proposed-lease-id"));
  auto const state = state_at(b, c.at);
  bool const same = !proposed.empty() && same_lease(proposed, b.lease);
  if (state == lease_state::leased && !same) return refuse(azure_says::held, c);
  if (state == lease_state::breaking) return refuse(same ? azure_says::breaking_acquire : azure_says::held, c);
  seconds const duration(*whole_number(c.field("x-ms-lease-duration")));
  if (!duration_fits(duration)) return refuse(azure_says::bad_header, c);
  if (proposed.empty()) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "5e57ab1e-0000-4000-8000-%012llx", static_cast<unsigned long long>(++ids_));
    proposed = text.data();
  }
  hold(c, b, std::move(proposed), duration, end_of(duration, c.at));
  auto r = good(201, c, &b);
  r.fields.push_back({"x-ms-lease-id", b.lease});
  return r;
}

http::response azure_model::renew(call const& c, blob& b) {
  auto const state = state_at(b, c.at);
  bool const same = same_lease(c.field("x-ms-lease-id"), b.lease);
  // What ran out, Azurite renews for whoever asks, and answers with the id of the last holder.
  bool const anybody = !service() && state == lease_state::expired;
  if (state == lease_state::available || (!same && !anybody)) return refuse(azure_says::other_lease, c);
  if (state == lease_state::breaking || state == lease_state::broken) return refuse(azure_says::broken_renew, c);
  hold(c, b, b.lease, b.duration, end_of(b.duration, c.at));
  auto r = good(200, c, &b);
  r.fields.push_back({"x-ms-lease-id", b.lease});
  return r;
}

http::response azure_model::change(call const& c, blob& b) {
  auto const from = c.field("x-ms-lease-id"), to = c.field("x-ms-proposed-lease-id");
  auto const state = state_at(b, c.at);
  if (state == lease_state::breaking)
    return refuse(same_lease(from, b.lease) ? azure_says::breaking_change : azure_says::other_lease, c);
  if (state != lease_state::leased) return refuse(azure_says::no_lease, c);
  // Asked again after a lost answer, it is done already.
  if (!same_lease(from, b.lease) && !same_lease(to, b.lease)) return refuse(azure_says::other_lease, c);
  hold(c, b, std::string(to), b.duration, b.until);
  auto r = good(200, c, &b);
  r.fields.push_back({"x-ms-lease-id", b.lease});
  return r;
}

http::response azure_model::release(call const& c, blob& b) {
  if (b.lease.empty() || !same_lease(c.field("x-ms-lease-id"), b.lease)) return refuse(azure_says::other_lease, c);
  bool const held = held_at(b, c.at);
  auto const before = std::exchange(b.lease, {});
  b.breaking = b.broken = false;
  if (held) ended(c.path, before);
  return good(200, c, &b);
}

http::response azure_model::break_it(call const& c, blob& b) {
  auto const state = state_at(b, c.at);
  if (state == lease_state::available) return refuse(azure_says::no_lease, c);
  auto const period = whole_number(c.field("x-ms-lease-break-period"));
  bool const held = held_at(b, c.at);
  if (period && held && (*period < 0 || *period > 60)) return refuse(azure_says::bad_header, c);
  auto until = b.until;
  if (period) until = std::min(until, c.at + seconds(*period));
  bool const at_once = !held || until <= c.at || until == nanoseconds::max();
  if (at_once) {
    break_lease(c.path);
  } else {
    b.breaking = true;
    b.until = until;
  }
  auto const left = at_once ? seconds(0) : std::chrono::round<seconds>(until - c.at);
  auto r = good(202, c, &b);
  r.fields.push_back({"x-ms-lease-time", std::to_string(left.count())});
  return r;
}

}  // namespace coelect::test

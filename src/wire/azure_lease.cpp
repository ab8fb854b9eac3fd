// Builds requests to the Blob service for one blob, and reads what its answers mean.
#include "wire/azure_lease.hpp"
#include "base/base64.hpp"
#include <algorithm>
#include <charconv>
#include <limits>

namespace coelect::wire::azure {
namespace {

constexpr char const* version = "2021-12-02";

http::request put(std::string target) {
  http::request what;
  what.method = "PUT";
  what.target = std::move(target);
  return what;
}

http::request lease_request(blob_path const& where, char const* action, std::string const& lease = {}) {
  auto what = put(where.full() + "?comp=lease");
  what.fields.push_back({"x-ms-lease-action", action});
  if (!lease.empty()) what.fields.push_back({"x-ms-lease-id", lease});
  return what;
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  auto const* const end = text.data() + text.size();
  auto const [rest, trouble] = std::from_chars(text.data(), end, value);
  if (text.empty() || trouble != std::errc() || rest != end) return std::nullopt;
  return value;
}

/// What stands between <name> and </name>, without a parser: nothing in it is trusted or expanded.
std::string element(std::string_view xml, std::string const& name) {
  auto const begin = xml.find("<" + name + ">");
  if (begin == xml.npos) return {};
  auto const from = begin + name.size() + 2;
  auto const end = xml.find("</" + name + ">", from);
  return end == xml.npos ? std::string() : std::string(xml.substr(from, end - from));
}

std::string first_line(std::string const& text) { return text.substr(0, text.find_first_of("\r\n")); }

bool among(std::string const& code, std::initializer_list<char const*> list) {
  return std::any_of(list.begin(), list.end(), [&code](char const* c) { return code == c; });
}

trouble judge_conflict(std::string const& code) {
  if (among(code, {"LeaseAlreadyPresent", "LeaseIsBreakingAndCannotBeAcquired"})) return trouble::held;
  if (among(code, {"LeaseIsBrokenAndCannotBeRenewed", "LeaseIsBreakingAndCannotBeChanged"})) return trouble::breaking;
  if (among(code, {"ContainerBeingDeleted", "ContainerDisabled"})) return trouble::passing;
  return trouble::not_mine;
}

trouble judge_status(int status, std::string const& code) {
  switch (status) {
    case 304: return trouble::changed;
    case 401:
    case 403: return trouble::refused;
    case 404: return code == "ContainerNotFound" ? trouble::no_container : trouble::no_blob;
    case 409: return judge_conflict(code);
    // Without a code (HEAD), or with any of the lease codes: the lease is not ours.
    case 412: return code == "ConditionNotMet" ? trouble::changed : trouble::not_mine;
    case 408:
    case 429: return trouble::passing;
    default: return status >= 500 ? trouble::passing : trouble::wrong_request;
  }
}

errc code_for(trouble what, int status) {
  switch (what) {
    case trouble::held:
    case trouble::not_mine:
    case trouble::breaking: return errc::lease_lost;
    case trouble::changed: return errc::unreachable;
    case trouble::no_blob:
    case trouble::no_container: return errc::not_found;
    case trouble::refused: return errc::unauthorized;
    case trouble::passing: return status == 503 || status == 429 ? errc::overloaded : errc::unreachable;
    case trouble::wrong_request: return errc::bad_response;
  }
  return errc::bad_response;
}

}  // namespace

http::request create_container(blob_path const& where) { return put(where.container + "?restype=container"); }

http::request create_blob(blob_path const& where, std::uint64_t seed) {
  auto what = put(where.full());
  what.fields = {{"x-ms-blob-type", "BlockBlob"},
                 {"If-None-Match", "*"},
                 {"x-ms-meta-fresh", "yes"},
                 {"x-ms-meta-term", std::to_string(seed)}};
  return what;
}

http::request acquire(blob_path const& where, std::string const& lease, int seconds) {
  auto what = lease_request(where, "acquire");
  what.fields.push_back({"x-ms-lease-duration", std::to_string(seconds)});
  what.fields.push_back({"x-ms-proposed-lease-id", lease});
  return what;
}

http::request renew(blob_path const& where, std::string const& lease) { return lease_request(where, "renew", lease); }
http::request release(blob_path const& where, std::string const& lease) {
  return lease_request(where, "release", lease);
}

http::request break_lease(blob_path const& where, bool at_once) {
  auto what = lease_request(where, "break");
  if (at_once) what.fields.push_back({"x-ms-lease-break-period", "0"});
  return what;
}

http::request properties(blob_path const& where) {
  http::request what;
  what.method = "HEAD";
  what.target = where.full();
  return what;
}

// Names of letters only: how Azure sorts others is not how bytes sort. Set Metadata replaces the whole set.
http::request write_record(blob_path const& where, std::string const& lease, std::string const& etag,
                           leader_record const& record) {
  auto what = put(where.full() + "?comp=metadata");
  what.fields = {{"x-ms-lease-id", lease},
                 {"If-Match", etag},
                 {"x-ms-meta-candidate", base::base64(record.candidate)},
                 {"x-ms-meta-nonce", record.nonce},
                 {"x-ms-meta-since", std::to_string(record.since_ms)},
                 {"x-ms-meta-term", std::to_string(record.term)}};
  if (!record.value.empty()) what.fields.push_back({"x-ms-meta-value", base::base64(record.value)});
  return what;
}

http::request write_state(blob_path const& where, std::string const& etag, std::uint64_t term, std::string content) {
  auto what = put(where.full());
  what.fields = {{"x-ms-blob-type", "BlockBlob"}, {"x-ms-meta-term", std::to_string(term)}};
  what.fields.push_back(etag.empty() ? http::field{"If-None-Match", "*"} : http::field{"If-Match", etag});
  what.body = std::move(content);
  return what;
}

void add_common(http::request& what, std::string const& date, std::string const& request_id, int limit) {
  what.target += (what.target.find('?') == std::string::npos ? "?timeout=" : "&timeout=") + std::to_string(limit);
  what.fields.push_back({"x-ms-client-request-id", request_id});
  what.fields.push_back({"x-ms-date", date});
  what.fields.push_back({"x-ms-version", version});
}

blob_properties read_properties(http::response const& answer) {
  blob_properties seen;
  seen.leased = answer.get("x-ms-lease-state") == "leased";
  seen.breaking = answer.get("x-ms-lease-state") == "breaking";
  seen.etag = answer.get("ETag");
  auto const term = number<std::uint64_t>(answer.get("x-ms-meta-term"));
  // Numbers above this cannot come from counting; they would run over soon. (What no 64 bits can hold was never a token.)
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max() / 2;
  seen.spent = term && *term > largest;
  if (!term || seen.spent) return seen;
  leader_record record;
  record.term = *term;
  record.candidate = base::from_base64(answer.get("x-ms-meta-candidate")).value_or("");
  record.value = base::from_base64(answer.get("x-ms-meta-value")).value_or("");
  // Anybody can write there. system_clock counts nanoseconds and ends in 2262.
  constexpr std::int64_t end_of_time = 9'000'000'000'000;
  auto const since = number<std::int64_t>(answer.get("x-ms-meta-since")).value_or(0);
  record.since_ms = since >= 0 && since <= end_of_time ? since : 0;
  record.fresh = !answer.get("x-ms-meta-fresh").empty();
  record.nonce = answer.get("x-ms-meta-nonce");
  seen.record = std::move(record);
  return seen;
}

std::string error_code_of(http::response const& answer) {
  auto const field = answer.get("x-ms-error-code");
  return field.empty() ? element(answer.body, "Code") : std::string(field);
}

verdict judge(http::response const& answer) {
  auto const code = error_code_of(answer);
  verdict v{judge_status(answer.status, code), {}, {}};
  v.ec = make_error_code(code_for(v.what, answer.status));
  v.message = "HTTP status " + std::to_string(answer.status) + (code.empty() ? "" : " " + code);
  auto const said = first_line(element(answer.body, "Message"));
  auto const detail = first_line(element(answer.body, "AuthenticationErrorDetail"));
  if (!said.empty()) v.message += ": " + said;
  if (!detail.empty()) v.message += " (" + detail + ")";
  if (answer.status >= 300 && answer.status < 400 && answer.status != 304) {
    auto const to = answer.get("Location");  // its query may repeat a shared access signature
    v.message += ": redirects to " + std::string(to.substr(0, to.find('?'))) + ", which is not followed";
  }
  return v;
}

bool already_there(http::response const& answer) {
  auto const code = error_code_of(answer);
  if (answer.status == 409) return among(code, {"BlobAlreadyExists", "ContainerAlreadyExists"});
  return answer.status == 412 && among(code, {"LeaseIdMissing", "ConditionNotMet"});
}

}  // namespace coelect::wire::azure

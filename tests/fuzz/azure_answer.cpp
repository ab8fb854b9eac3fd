// What Azure and its token services answer: verdicts, metadata, dates and tokens; and that what we write reads back.
#include "fuzz.hpp"
#include "http/request_text.hpp"
#include "stores/azure/token_answer.hpp"
#include "wire/azure_date.hpp"
#include "wire/azure_lease.hpp"
#include "wire/azure_place.hpp"
#include "wire/azure_signature.hpp"
#include <algorithm>
#include <array>
#include <limits>
#include <string>

namespace coelect::fuzz {
namespace {

using namespace wire::azure;
using std::chrono::seconds;

constexpr std::string_view hidden = "s3cret-T0ken";
constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
constexpr time_point present{seconds(1'782'517'152)};  // 26 Jun 2026 23:39:12

// "Name: value" lines, an empty one, the body.
http::response response_from(int status, std::string_view text) {
  http::response got;
  got.status = status;
  while (!text.empty()) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty()) break;
    auto const colon = line.find(": ");
    if (colon == line.npos) continue;
    got.fields.push_back({std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
  }
  got.body = text;
  return got;
}

void date(std::string_view text) {
  auto const when = read_http_date(text);
  if (!when) return;
  auto const written = http_date(*when);
  must(written.size() == 29, "a date has 29 characters");
  must(read_http_date(written) == when, "a date that was read can be written and read again");
  must(written.substr(12, 4) == text.substr(12, 4) || text.ends_with("60 GMT"), "a date keeps its year");
}

void moment(std::uint64_t number) {
  // From 1970 to 2261: nanoseconds in 64 bits end the year after.
  time_point const when{seconds(number % 9'200'000'000)};
  must(read_http_date(http_date(when)) == when, "every second can be written and read");
}

void answer(http::response const& got) {
  auto const v = judge(got);
  must(static_cast<bool>(v.ec), "a failure has a code");
  must(v.what >= trouble::held && v.what <= trouble::wrong_request, "a failure is of a known kind");
  must(!v.message.empty(), "a failure has a message");
  must(v.what != trouble::held || got.status == 409, "a lease is held where the service says so");
  bool const lost = v.what == trouble::not_mine || v.what == trouble::breaking;
  must(!lost || got.status == 409 || got.status == 412, "a lease is lost where the service says so");
  must(!already_there(got) || got.status == 409 || got.status == 412, "a thing is there where the service says so");
  auto const seen = read_properties(got);
  must(!(seen.leased && seen.breaking), "a lease has one state");
  must(!(seen.record && seen.spent), "a term that cannot be counted on is none");
  if (seen.record) must(seen.record->term < largest, "a term can be counted on");
  date(got.get("Date"));
}

void record(std::uint64_t number, std::string_view candidate, std::string_view value) {
  leader_record r;
  r.term = number & (largest / 2);
  r.candidate = candidate;
  r.value = value;
  r.since_ms = static_cast<std::int64_t>(number % 9'000'000'000'000);
  r.nonce = "nonce";
  auto const request = write_record({"/leases", "leader"}, "lease", "\"1\"", r);
  http::response got;
  got.fields = request.fields;
  auto const back = read_properties(got).record;
  must(back && back->term == r.term && back->since_ms == r.since_ms, "numbers read back as written");
  must(back->candidate == candidate && back->value == value, "texts read back as written");
  must(back->nonce == "nonce" && !back->fresh, "the nonce reads back as written");
}

// The order of our own fields must not matter: the service sorts them.
void sign(std::string_view target, std::string_view value) {
  http::request what;
  what.method = "PUT";
  what.target = target;
  what.fields = {{"x-ms-meta-candidate", std::string(value)}, {"x-ms-lease-id", "id"}, {"If-Match", "\"1\""}};
  add_common(what, http_date(present), "request", 5);
  auto const one = string_to_sign(what, "acct");
  std::swap(what.fields[0], what.fields[1]);
  must(string_to_sign(what, "acct") == one, "the order of the fields does not count");
  must(one.starts_with("PUT\n") && one.find("\n/acct") != one.npos, "method and account are signed");
  must(one.find("x-ms-meta-candidate:" + std::string(value) + "\n") != one.npos, "metadata is signed");
}

http::request request_of(unsigned kind, blob_path const& where, std::uint64_t number, std::string const& text) {
  switch (kind) {
    case 0: return create_container(where);
    case 1: return create_blob(where, number);
    case 2: return acquire(where, "lease", 15);
    case 3: return renew(where, "lease");
    case 4: return release(where, "lease");
    case 5: return break_lease(where, number % 2 == 0);
    case 6: return properties(where);
    case 7: return write_record(where, "lease", "\"1\"", {number, text, text, 1, false, "nonce"});
    default: return write_state(where, number % 2 == 0 ? "" : "\"1\"", number, text);
  }
}

// Whatever a blob is called and a candidate says: nothing of it ends a line of the header.
void request(unsigned kind, std::uint64_t number, std::string_view name, std::string_view text) {
  auto what = request_of(kind, {"/acct/leases", encode_path(name)}, number, std::string(text));
  add_common(what, http_date(present), "request", 5);
  what.authorization = shared_key_authorization(what, "acct", base::secret("key"));
  auto const body = what.body;
  auto const sent = http::request_text(std::move(what), "acct.blob.core.windows.net");
  must(sent != nullptr, "a request can be sent");
  auto const& all = sent->text;
  must(all.find("\r\n\r\n") == all.size() - body.size() - 4, "the header ends where the body begins");
  must(all.find("timeout=5 HTTP/1.1\r\n") != all.npos, "the service is told how long it has");
}

void token(stores::azure::fetched const& got) {
  if (!got.how.ok()) {
    must(one_clean_line(got.how.details.message()), "a message is one clean line");
    must(got.how.details.message().find(hidden) == std::string::npos, "no token is shown");
    return;
  }
  must(got.good_for > seconds(0) && got.good_for <= std::chrono::hours(24 * 365), "a token is good for a while");
  auto const text = got.token.reveal();
  must(!text.empty() && text.size() <= 16'384 && one_clean_line(text) && is_ascii(text), "a token can be sent");
}

void refusal(http::response const& got) {
  auto const how = stores::azure::read_refusal("test", "login.example", got, "the client secret", hidden);
  must(!how.ok(), "a refusal is one");
  must(one_clean_line(how.details.message()), "a message is one clean line");
  must(how.details.message().find(hidden) == std::string::npos, "no secret is repeated");
  must(how.ec != errc::unauthorized || (got.status >= 400 && got.status < 500), "a refusal is the client's fault");
}

}  // namespace

void azure_answer(std::string_view bytes) {
  constexpr std::array statuses{200, 201, 304, 307, 400, 401, 403, 404, 409, 412, 429, 500, 503, 0, 99, 1000};
  dealer input(bytes);
  auto const kind = input.choice(10);
  switch (kind) {
    case 0:
    case 1: {
      auto const status = statuses[input.choice(statuses.size())];
      return answer(response_from(status, input.rest()));
    }
    case 2: return date(input.rest());
    case 3: return moment(input.number());
    case 4: {
      auto const number = input.number();
      auto const candidate = input.piece();
      return record(number, candidate, input.rest());
    }
    case 5: {
      auto const target = input.piece();
      return sign(target, input.rest());
    }
    case 6: return token(stores::azure::read_token_answer("test", input.rest(), present));
    case 7: return token(stores::azure::read_cli_answer("test", input.rest(), present));
    case 8: {
      auto const status = statuses[input.choice(statuses.size())];
      return refusal(response_from(status, input.rest()));
    }
    default: {
      auto const which = input.choice(9);
      auto const number = input.number();
      auto const name = input.piece();
      return request(which, number, name, input.rest());
    }
  }
}

}  // namespace coelect::fuzz

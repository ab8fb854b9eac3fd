// Reads what token services and programs answer: tokens, their lives, and refusals.
#include "stores/azure/token_answer.hpp"
#include "base/json.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <utility>

namespace coelect::stores::azure {
namespace {

using std::chrono::seconds;
using time_point = std::chrono::system_clock::time_point;

constexpr std::size_t longest_token = std::size_t{16} * 1024;
constexpr std::int64_t longest_life = std::int64_t{24} * 60 * 60 * 365;

seconds until(std::int64_t moment, time_point now) {
  auto const present = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
  auto const latest = present + longest_life;
  return seconds(std::min(std::max<std::int64_t>(moment, 0), latest) - present);
}

fetched checked(std::string_view who, std::optional<std::string> token, std::optional<seconds> life) {
  if (!token) return no_token(errc::bad_response, who, "the answer has no token in it");
  auto got = life ? check_token(who, *token, *life)
                  : no_token(errc::bad_response, who, "the answer does not tell how long the token is good");
  base::wipe(*token);
  return got;
}

// "2026-11-21 16:55:27.000000", in the time zone of this process, as az writes it.
std::optional<seconds> until_local(std::string const& text, time_point now) {
  std::tm parts{};
  auto const* const rest = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  parts.tm_isdst = -1;
  auto const moment = std::mktime(&parts);
  if (moment == -1) return std::nullopt;
  return until(moment, now);
}

// The one that is most probably wrong, by what Entra ID says.
std::string_view advice(std::string_view said, std::string_view usual) {
  struct known {
    std::string_view code, look_at;
  };
  constexpr std::array<known, 9> all{{{"AADSTS7000215", "the client secret"},
                                      {"AADSTS7000222", "the client secret, which has run out"},
                                      {"AADSTS700016", "the client id"},
                                      {"AADSTS90002", "the tenant"},
                                      {"AADSTS900023", "the tenant"},
                                      {"AADSTS700024", "the federated token file, whose token is not valid now"},
                                      {"AADSTS700211", "the issuer of the app's federated credential"},
                                      {"AADSTS700212", "the audience of the app's federated credential"},
                                      {"AADSTS700213", "the subject of the app's federated credential"}}};
  for (auto const& one : all)
    if (said.starts_with(one.code) && said.substr(one.code.size()).starts_with(':')) return one.look_at;
  return usual;
}

}  // namespace

fetched no_token(errc ec, std::string_view who, std::string const& why) {
  fetched got;
  got.how = outcome(ec, "credential: " + std::string(who) + ": " + why);
  return got;
}

std::string first_line(std::string_view text) {
  text = text.substr(0, text.find_first_of("\r\n"));
  text = text.substr(0, text.find(" Trace ID:"));
  return std::string(text.substr(0, 300));
}

fetched check_token(std::string_view who, std::string_view token, seconds good_for) {
  if (token.empty()) return no_token(errc::bad_response, who, "the token is empty");
  if (token.size() > longest_token) return no_token(errc::bad_response, who, "the token is longer than 16 KiB");
  bool const sound = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!sound) return no_token(errc::bad_response, who, "the token has characters that no token has");
  if (good_for <= seconds(0)) return no_token(errc::bad_response, who, "the token is over already");
  fetched got;
  got.token = base::secret(token);
  got.good_for = good_for;
  return got;
}

fetched read_token_answer(std::string_view who, std::string_view body, time_point now) {
  auto const parsed = base::json_document::parse(body);
  if (!parsed) return no_token(errc::bad_response, who, "the answer is no JSON object");
  auto const root = parsed->root();
  std::optional<seconds> life;
  if (auto const moment = root.integer("expires_on")) life = until(*moment, now);
  // Our clock may be wrong: what does not need it comes first.
  if (auto const span = root.integer("expires_in")) life = seconds(std::min(*span, longest_life));
  return checked(who, root.text("access_token"), life);
}

fetched read_cli_answer(std::string_view who, std::string_view text, time_point now) {
  auto const parsed = base::json_document::parse(text);
  if (!parsed) return no_token(errc::bad_response, who, "what it printed is no JSON object");
  auto const root = parsed->root();
  std::optional<seconds> life;
  if (auto const local = root.text("expiresOn")) life = until_local(*local, now);
  if (auto const moment = root.integer("expires_on")) life = until(*moment, now);
  return checked(who, root.text("accessToken"), life);
}

outcome read_refusal(std::string_view who, std::string const& service, http::response const& got,
                     std::string_view look_at, std::string_view hidden) {
  std::string said;
  std::string_view where_to_look = look_at;
  if (auto const parsed = base::json_document::parse(got.body)) {
    auto const root = parsed->root();
    auto const description = root.text("error_description").value_or(root.text("message").value_or(""));
    auto const code = root.text("error").value_or("");
    said = first_line(code);
    if (!description.empty()) said += (said.empty() ? "" : ": ") + first_line(description);
    where_to_look = advice(description, look_at);
  }
  if (!hidden.empty() && said.find(hidden) != said.npos) said = "(what it said repeats a secret)";
  bool const refused = got.status >= 400 && got.status < 500 && got.status != 429;
  auto const ec = got.status == 429 ? errc::overloaded : refused ? errc::unauthorized : errc::unreachable;
  auto message = "credential: " + std::string(who) + ": " + service + " answered " + std::to_string(got.status);
  if (!said.empty()) message += ", " + said;
  if (refused && !where_to_look.empty()) message += "; look at " + std::string(where_to_look);
  return {got.status < 400 ? make_error_code(errc::bad_response) : make_error_code(ec),
          diagnostics(std::move(message), service, {}, got.status)};
}

std::shared_ptr<void> answer_later(store_context& context, fetched got, fetched_fn done) {
  struct held {
    fetched got;
    fetched_fn done;
  };
  auto const made = std::make_shared<held>(held{std::move(got), std::move(done)});
  context.post([weak = std::weak_ptr<held>(made)] {
    auto const self = weak.lock();
    if (!self) return;
    auto const tell = std::exchange(self->done, nullptr);
    tell(std::move(self->got));
  });
  return made;
}

}  // namespace coelect::stores::azure

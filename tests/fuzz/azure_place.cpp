// Account URLs and connection strings: what is read is what was written, and no key or signature is shown.
#include "wire/azure_place.hpp"
#include "base/endpoint.hpp"
#include "fuzz.hpp"
#include <coelect/error.hpp>
#include <optional>
#include <string>

namespace coelect::fuzz {
namespace {

using namespace wire::azure;

constexpr std::string_view key = "c2VjcmV0LWtleQ==", signature = "sv=2021&sig=c2VjcmV0LXNpZw";
constexpr std::string_view hidden = "c2VjcmV0L";  // in both of them

/// What `read` gives; nothing when it refuses, in one clean line that shows no secret unless that was put elsewhere.
template <class Read>
auto refused_well(Read read, bool shows_none) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (election_error const& e) {
    std::string_view const said = e.what();
    must(e.code() == errc::bad_options, "what is wrong with an option is said to be that");
    must(one_clean_line(e.details().message()), "a message is one clean line");
    must(!shows_none || said.find(hidden) == said.npos, "no secret is shown");
    return std::nullopt;
  }
}

void check(service const& got) {
  must(!got.at.host.empty() && got.at.port != 0, "an account has a host and a port");
  must(got.base_path.empty() || got.base_path == "/" + got.account || got.base_path.starts_with('/'),
       "a base path is the account");
  auto const text = std::string(got.at.tls ? "https://" : "http://") + base::host_and_port(got.at) + got.base_path;
  auto const again = parse_service("account_url", text);
  must(again.at.tls == got.at.tls && again.at.host == got.at.host && again.at.port == got.at.port &&
           again.base_path == got.base_path,
       "an account's URL that was read can be written and read again");
}

bool is_free_of_it(std::string_view text) { return text.find(hidden) == text.npos; }

void account_url(std::string_view text, bool shows_none) {
  auto const got = refused_well([&] { return parse_service("account_url", text); }, shows_none);
  if (got) check(*got);
}

// A whole signature, pasted together with the URL as the portal shows it.
void pasted(std::string_view url, std::string_view between) {
  auto const text = std::string(url) + "?" + std::string(between) + std::string(signature);
  account_url(text, is_free_of_it(url) && is_free_of_it(between));
}

void any_string(std::string_view text) {
  auto const got = refused_well([&] { return parse_connection_string(text); }, false);
  if (!got) return;
  check(got->where);
  must(!got->account_key.empty() || !got->sas.empty(), "a connection string brings a credential");
  must(got->account_key.empty() || !got->where.account.empty(), "a key comes with its account");
}

// Good parts with anything around them.
void with_secrets(unsigned order, std::string_view before, std::string_view behind) {
  auto const one = "AccountKey=" + std::string(key), other = "SharedAccessSignature=" + std::string(signature);
  auto const name = order & 1U ? "AccountName=acct;" : "BlobEndpoint=https://acct.blob.core.windows.net/;";
  auto const& secret = order & 2U ? one : other;
  auto const text = std::string(before) + (order & 4U ? ";" : "") + name + secret + ";" + std::string(behind);
  bool const shows_none = is_free_of_it(before) && is_free_of_it(behind);
  auto const got = refused_well([&] { return parse_connection_string(text); }, shows_none);
  if (!got) return;
  check(got->where);
  if (!before.empty() || !behind.empty()) return;
  must(got->account_key.reveal() == (order & 2U ? key : ""), "the key is the key");
  must(got->sas.reveal() == (order & 2U ? "" : signature), "the signature is the signature");
}

void names(std::string_view text) {
  auto const path = encode_path(text), value = encode_value(text);
  must(one_clean_line(path) && is_ascii(path) && path.find_first_of(" ?#\"<>") == path.npos, "a path is encoded");
  must(value.find_first_of("/?&=+ ") == value.npos && is_ascii(value), "a value is encoded");
  must(path.size() >= text.size() && path.size() <= 3 * text.size(), "encoding loses nothing");
  if (what_is_wrong_with_container(text).empty())
    must(path == text && text.size() >= 3 && text.size() <= 63, "a container's name is plain");
  if (what_is_wrong_with_account(text).empty()) check(public_service(text));
}

}  // namespace

void azure_place(std::string_view bytes) {
  dealer input(bytes);
  switch (input.choice(5)) {
    case 0: return account_url(input.rest(), false);
    case 1: {
      auto const url = input.piece();
      return pasted(url, input.rest());
    }
    case 2: return any_string(input.rest());
    case 3: {
      auto const order = input.choice(8);
      auto const before = input.piece();
      return with_secrets(order, before, input.rest());
    }
    default: return names(input.rest());
  }
}

}  // namespace coelect::fuzz

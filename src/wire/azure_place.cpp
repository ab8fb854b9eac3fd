// Where blobs are: reads account URLs and connection strings.
#include "wire/azure_place.hpp"
#include "base/ascii.hpp"
#include "base/refuse.hpp"
#include <algorithm>
#include <cctype>
#include <coelect/error.hpp>
#include <map>

namespace coelect::wire::azure {
namespace {

using base::lower;
using base::refuse;

bool digit_or_small(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool digit_or_dot(char c) { return (c >= '0' && c <= '9') || c == '.'; }

bool path_style(std::string const& host) {
  bool const v6 = host.find(':') != std::string::npos;
  bool const v4 = std::all_of(host.begin(), host.end(), digit_or_dot);
  return v6 || v4 || host == "localhost" || host.find('.') == std::string::npos;
}

// "account.blob.core.windows.net", "account.z12.blob.storage.azure.net"; other hosts do not tell.
std::string account_of(std::string const& host) {
  auto const dot = host.find('.');
  auto const rest = host.substr(std::min(dot, host.size()));
  bool const known = rest.starts_with(".blob.") || rest.find(".blob.storage.azure.net") != std::string::npos;
  return known ? host.substr(0, dot) : std::string();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// Keys and signatures contain '=': only the first one separates.
std::map<std::string, std::string_view> split(std::string_view text) {
  std::map<std::string, std::string_view> parts;
  while (!text.empty()) {
    auto const pair = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (trimmed(pair).empty()) continue;
    auto const equals = pair.find('=');
    if (equals == pair.npos) refuse("connection string: a part without '='; the parts are NAME=VALUE, separated by ;");
    parts[lower(trimmed(pair.substr(0, equals)))] = trimmed(pair.substr(equals + 1));
  }
  return parts;
}

std::string encode(std::string_view text, std::string_view kept) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~' || kept.find(c) != kept.npos) result += c;
    else result.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return result;
}

}  // namespace

service parse_service(std::string_view option, std::string_view url) {
  auto const scheme_end = url.find("://");
  if (scheme_end == url.npos)
    refuse(std::string(option) + ": it does not begin with https:// or http://");  // not shown: it may be a secret
  auto const path_at = url.find('/', scheme_end + 3);
  service result;
  auto const tls = url.substr(0, scheme_end) == "https";
  result.at = base::parse_endpoint(option, url.substr(0, path_at), tls ? 443 : 80);
  auto path = path_at == url.npos ? std::string_view() : url.substr(path_at + 1);
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (!path_style(result.at.host)) {
    if (!path.empty())
      refuse(std::string(option) + ": something stands after the host; the container is a setting of its own");
    result.account = account_of(result.at.host);
    return result;
  }
  // What stands there is not shown: a signature may have been pasted with it.
  if (!what_is_wrong_with_account(path).empty())
    refuse(std::string(option) + ": after " + result.at.host +
           " the account must follow, 3 to 24 of a-z and 0-9, as in http://127.0.0.1:10000/devstoreaccount1");
  result.account = path;
  result.base_path = "/" + std::string(path);
  return result;
}

service public_service(std::string_view account) {
  auto const wrong = what_is_wrong_with_account(account);
  if (!wrong.empty()) refuse(wrong);
  service result;
  result.at = {true, std::string(account) + ".blob.core.windows.net", 443};
  result.account = account;
  return result;
}

connection_string parse_connection_string(std::string_view text) {
  auto const parts = split(text);
  auto const get = [&parts](char const* name) {
    auto const found = parts.find(name);
    return found == parts.end() ? std::string_view() : found->second;
  };
  connection_string result;
  if (lower(get("usedevelopmentstorage")) == "true") {
    result.where = parse_service("connection string", "http://127.0.0.1:10000/" + std::string(development_account));
    result.account_key = base::secret(development_key);
    return result;
  }
  auto const account = get("accountname");
  auto const endpoint = get("blobendpoint");
  if (!endpoint.empty()) {
    result.where = parse_service("connection string: BlobEndpoint", endpoint);
    if (!account.empty()) result.where.account = account;
  } else {
    if (account.empty()) refuse("connection string: AccountName (or BlobEndpoint) is missing");
    auto const wrong = what_is_wrong_with_account(account);
    if (!wrong.empty()) refuse("connection string: " + wrong);
    auto const protocol = get("defaultendpointsprotocol").empty() ? "https" : get("defaultendpointsprotocol");
    auto const suffix = get("endpointsuffix").empty() ? "core.windows.net" : get("endpointsuffix");
    result.where = parse_service("connection string",
                                 std::string(protocol) + "://" + std::string(account) + ".blob." + std::string(suffix));
    result.where.account = account;
  }
  auto sas = get("sharedaccesssignature");
  if (sas.starts_with('?')) sas.remove_prefix(1);
  result.account_key = base::secret(get("accountkey"));
  result.sas = base::secret(sas);
  if (!result.account_key.empty() && result.where.account.empty())
    refuse("connection string: AccountKey is given, but AccountName is missing and the host does not tell it");
  if (result.account_key.empty() && result.sas.empty())
    refuse("connection string: neither AccountKey nor SharedAccessSignature is in it");
  return result;
}

std::string what_is_wrong_with_container(std::string_view name) {
  bool const size = name.size() >= 3 && name.size() <= 63;
  bool const characters = std::all_of(name.begin(), name.end(), [](char c) { return digit_or_small(c) || c == '-'; });
  bool const hyphens = !name.starts_with('-') && !name.ends_with('-') && name.find("--") == name.npos;
  if (size && characters && hyphens) return {};
  return "container: '" + std::string(name.substr(0, 80)) + "' is none; 3 to 63 of a-z, 0-9 and single hyphens inside";
}

std::string what_is_wrong_with_account(std::string_view name) {
  bool const size = name.size() >= 3 && name.size() <= 24;
  if (size && std::all_of(name.begin(), name.end(), digit_or_small)) return {};
  return "account: '" + std::string(name.substr(0, 80)) + "' is none; 3 to 24 of a-z and 0-9";
}

std::string encode_path(std::string_view name) { return encode(name, "/"); }
std::string encode_value(std::string_view text) { return encode(text, ""); }

}  // namespace coelect::wire::azure

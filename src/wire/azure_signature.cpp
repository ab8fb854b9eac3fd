// Signs a request with the account's key (Shared Key, service versions from 2015-02-21 on).
#include "wire/azure_signature.hpp"
#include "base/ascii.hpp"
#include "base/base64.hpp"
#include "base/hmac.hpp"
#include <algorithm>
#include <utility>
#include <vector>

namespace coelect::wire::azure {
namespace {

using base::lower;

using named = std::vector<std::pair<std::string, std::string>>;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view field(http::request const& what, std::string_view name) {
  for (auto const& f : what.fields)
    if (same_name(f.name, name)) return f.value;
  return {};
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  auto const l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const escape = text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    result += escape ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return result;
}

// Azure sorts by a culture's rules, not by bytes; the names that we use sort alike both ways, because they
// are lower-case letters and hyphens only and no two differ in the hyphens alone.
std::string canonical_fields(http::request const& what) {
  named ours;
  for (auto const& f : what.fields)
    if (auto name = lower(f.name); name.starts_with("x-ms-")) ours.emplace_back(std::move(name), f.value);
  std::sort(ours.begin(), ours.end());
  std::string text;
  for (auto const& [name, value] : ours) text += name + ":" + value + "\n";
  return text;
}

std::string canonical_resource(std::string_view target, std::string_view account) {
  auto const mark = target.find('?');
  std::string text = "/" + std::string(account) + std::string(target.substr(0, mark));
  if (mark == target.npos) return text;
  named parameters;
  auto query = target.substr(mark + 1);
  while (!query.empty()) {
    auto const one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    auto const equals = one.find('=');
    auto value = equals == one.npos ? std::string() : decoded(one.substr(equals + 1));
    parameters.emplace_back(lower(decoded(one.substr(0, equals))), std::move(value));
  }
  std::sort(parameters.begin(), parameters.end());
  for (auto const& [name, value] : parameters) text += "\n" + name + ":" + value;
  return text;
}

}  // namespace

std::string string_to_sign(http::request const& what, std::string_view account) {
  std::string text = what.method + "\n";
  auto const add = [&text](std::string_view value) { text.append(value).append("\n"); };
  add(field(what, "Content-Encoding"));
  add(field(what, "Content-Language"));
  add(what.body.empty() ? std::string() : std::to_string(what.body.size()));  // empty when 0
  for (auto const* name : {"Content-MD5", "Content-Type", "Date", "If-Modified-Since", "If-Match", "If-None-Match",
                           "If-Unmodified-Since", "Range"})
    add(field(what, name));
  return text + canonical_fields(what) + canonical_resource(what.target, account);
}

base::secret shared_key_authorization(http::request const& what, std::string_view account, base::secret const& key) {
  auto const signature = base::base64(base::hmac_sha256(key.reveal(), string_to_sign(what, account)));
  return base::secret("SharedKey " + std::string(account) + ":" + signature);
}

}  // namespace coelect::wire::azure

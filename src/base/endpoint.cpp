// Reads "host:port" in its forms.
#include "base/endpoint.hpp"
#include <algorithm>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <charconv>
#include <coelect/error.hpp>

namespace coelect::base {
namespace {

// Behind a user name stands a password, and behind a question mark perhaps a signature: then nothing is shown.
[[noreturn]] void refuse(std::string_view option, std::string_view text, std::string const& why) {
  bool const showable = text.find_first_of("@?#") == text.npos;
  auto const what = showable ? "'" + std::string(text.substr(0, 200)) + "'" : std::string("what is given");
  throw election_error(errc::bad_options, std::string(option) + ": " + what + " " + why);
}

bool host_character(char c) {
  bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

std::uint16_t parse_port(std::string_view option, std::string_view text, std::string_view digits) {
  std::uint16_t port = 0;
  auto const* const end = digits.data() + digits.size();
  auto const [rest, trouble] = std::from_chars(digits.data(), end, port);
  bool const number = trouble == std::errc() && rest == end;
  if (!number || port == 0) refuse(option, text, "has no port from 1 to 65535 after its last colon");
  return port;
}

}  // namespace

endpoint parse_endpoint(std::string_view option, std::string_view text, std::uint16_t default_port) {
  endpoint result;
  result.port = default_port;
  auto rest = text;
  if (auto const mark = rest.find("://"); mark != rest.npos) {
    auto const scheme = rest.substr(0, mark);
    result.tls = scheme == "https";
    if (!result.tls && scheme != "http") refuse(option, text, "is neither http:// nor https://");
    rest.remove_prefix(mark + 3);
  }
  while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find_first_of("/?#") != rest.npos) refuse(option, text, "has more than a host and a port");
  if (rest.find('@') != rest.npos)
    throw election_error(errc::bad_options,
                         std::string(option) + ": a user name in an endpoint ends up in logs; give it as username");
  if (rest.starts_with('[')) {
    auto const close = rest.find(']');
    auto const inside = rest.substr(1, close == rest.npos ? rest.npos : close - 1);
    if (close == rest.npos || !boost::urls::parse_ipv6_address({inside.data(), inside.size()}))
      refuse(option, text, "has no IPv6 address in its brackets");
    result.host = inside;
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ':') refuse(option, text, "has something between host and port");
  } else {
    auto const colon = rest.find(':');
    result.host = rest.substr(0, colon);
    rest.remove_prefix(std::min(colon, rest.size()));
  }
  if (result.host.empty()) refuse(option, text, "has no host; for example http://127.0.0.1:2379");
  bool const address = result.host.find(':') != std::string::npos;
  if (!address && !std::all_of(result.host.begin(), result.host.end(), host_character))
    refuse(option, text, "has characters that no host name has");
  if (!rest.empty()) result.port = parse_port(option, text, rest.substr(1));
  return result;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    auto const comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::string host_and_port(endpoint const& where) {
  bool const v6 = where.host.find(':') != std::string::npos;
  return (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") &&
          std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); }));
}

}  // namespace coelect::base

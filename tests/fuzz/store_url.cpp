// Store URLs and endpoints: what is read is what was written, no endpoint is lost, no password is shown.
#include "base/endpoint.hpp"
#include "base/url.hpp"
#include "fuzz.hpp"
#include "still_world.hpp"
#include <coelect/error.hpp>
#include <coelect/open_store.hpp>
#include <optional>
#include <string>
#include <vector>

namespace coelect::fuzz {
namespace {

constexpr std::string_view password = "hunter2-K9";

/// What `read` gives; nothing when it refuses, in one clean line that shows no password.
template <class Read>
auto refused_well(Read read, bool with_password = false) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (election_error const& e) {
    must(e.code() == errc::bad_options, "what is wrong with an option is said to be that");
    must(one_clean_line(e.details().message()), "a message is one clean line");
    bool const shown = std::string_view(e.what()).find(password) != std::string_view::npos;
    must(!with_password || !shown, "no password is shown");
    return std::nullopt;
  }
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const escape = text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    all += escape ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return all;
}

// RFC 3986, 3: scheme ":" [ "//" authority ] path
void url(std::string_view text) {
  auto const got = refused_well([&] { return base::parse_store_url(text); });
  if (!got) return;
  must(!got->scheme.empty() && text.starts_with(got->scheme + ":"), "a URL begins with its scheme");
  auto rest = text.substr(got->scheme.size() + 1);
  std::string_view authority;
  if (rest.starts_with("//")) {
    authority = rest.substr(2, rest.find('/', 2) - 2);
    rest.remove_prefix(2 + authority.size());
  }
  must(got->authority == authority, "the authority is what stands between // and the path");
  must(got->path == decoded(rest), "the path is the rest, decoded");
  must(got->authority.find('@') == std::string::npos, "a user name is refused");
}

std::optional<base::endpoint> endpoint(std::string_view text, bool with_password = false) {
  auto const got = refused_well([&] { return base::parse_endpoint("endpoints", text, 2379); }, with_password);
  if (!got) return got;
  must(!got->host.empty() && got->port != 0, "an endpoint has a host and a port");
  auto const again = base::parse_endpoint("endpoints", base::host_and_port(*got), 1);
  must(again.host == got->host && again.port == got->port, "an endpoint that was read can be written and read again");
  return got;
}

/// Every host of the URL is reached, in its order, and no other.
void etcd_store(std::string_view hosts, std::string_view path) {
  auto const text = "etcd://" + std::string(hosts) + "/" + std::string(path);
  auto const expected = base::split_at_commas(hosts);
  std::string joined;
  for (auto const& one : expected) joined += (&one == &expected.front() ? "" : ",") + one;
  must(joined == hosts, "nothing is lost between commas");

  one_input in;
  store_settings how;
  how.env = in.env;
  auto const opened = refused_well([&] { return open_store(one_input::loop().get_executor(), text, how); });
  if (!opened) return;
  if (hosts.find_first_of("/?#") != hosts.npos) return;  // the path begins earlier
  auto const& servers = in.env->net->servers;
  must(servers.size() == expected.size(), "no endpoint is lost");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    auto const want = base::parse_endpoint("store URL", expected[i], 2379);
    must(servers[i]->where.host == want.host && servers[i]->where.port == want.port, "endpoints keep their order");
  }
}

void any_store(std::string_view text) {
  if (text.starts_with("file:")) return;  // looks at the disk
  one_input in;
  store_settings how;
  how.env = in.env;
  if (text.starts_with("az") || text.starts_with("https:"))
    how.credential = azure_credential::shared_key("acct", "a2V5");
  refused_well([&] { return open_store(one_input::loop().get_executor(), text, how); });
}

// A password where people put one, in front of a host.
void with_password(std::string_view scheme, std::string_view before, std::string_view behind) {
  for (char const c : scheme)
    if ((c < 'a' || c > 'z') && c != '+') return;
  if (before.find_first_of("/?#") != before.npos) return;
  if (before.find(password) != before.npos || behind.find(password) != behind.npos) return;
  auto const text =
      std::string(scheme) + "://" + std::string(before) + ":" + std::string(password) + "@" + std::string(behind);
  refused_well([&] { return base::parse_store_url(text); }, true);
  endpoint(text, true);
  one_input in;
  store_settings how;
  how.env = in.env;
  if (scheme != "file") refused_well([&] { return open_store(one_input::loop().get_executor(), text, how); }, true);
}

}  // namespace

void store_url(std::string_view bytes) {
  dealer input(bytes);
  switch (input.choice(6)) {
    case 0:
    case 1: return url(input.rest());
    case 2: endpoint(input.rest()); return;
    case 3: {
      auto const hosts = input.piece();
      return etcd_store(hosts, input.rest());
    }
    case 4: return any_store(input.rest());
    default: {
      auto const scheme = input.piece(), before = input.piece();
      return with_password(scheme, before, input.rest());
    }
  }
}

}  // namespace coelect::fuzz

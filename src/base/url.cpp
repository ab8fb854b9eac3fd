// Takes store URLs apart.
#include "base/url.hpp"
#include "base/refuse.hpp"
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <coelect/error.hpp>

namespace coelect::base {
namespace {

// The text itself may hold a password that does not belong there: name the scheme only.
std::string shown(std::string_view text) {
  auto const colon = text.find(':');
  if (colon == std::string_view::npos) return "'" + std::string(text.substr(0, 40)) + "'";
  return "'" + std::string(text.substr(0, colon)) + ":...'";
}

/// What stands between // and the path.
std::string_view authority_in(std::string_view text) {
  auto const colon = text.find(':');
  if (colon == text.npos || !text.substr(colon).starts_with("://")) return {};
  auto const rest = text.substr(colon + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

}  // namespace

store_url parse_store_url(std::string_view text) {
  if (text.empty()) refuse("store URL: it is empty; for example file:/var/lib/app");
  auto const hosts = authority_in(text);
  // Not left to Boost.URL, to which "[::1]@" is a host and a path.
  if (hosts.find('@') != hosts.npos)
    refuse("store URL " + shown(text) + " has a user name in it; logins are given beside the URL");
  // Boost.URL loses hosts of "h1:2379,h2:2379" and takes "h:2379:1" for a host and a path; with a plain name in
  // its place it does the rest.
  std::string const single =
      hosts.empty()
          ? std::string(text)
          : std::string(text).replace(static_cast<std::size_t>(hosts.begin() - text.begin()), hosts.size(), "h");
  auto const parsed = boost::urls::parse_uri(std::string_view(single));
  if (!parsed) refuse("store URL " + shown(text) + " is not a URL; for example file:/var/lib/app");
  auto const& url = *parsed;
  if (url.has_query() || url.has_fragment())
    refuse("store URL " + shown(text) + " has a ? or # part; settings are given beside the URL");
  store_url result;
  result.scheme.assign(url.scheme().data(), url.scheme().size());
  result.authority = hosts;
  result.path = url.path();
  return result;
}

}  // namespace coelect::base

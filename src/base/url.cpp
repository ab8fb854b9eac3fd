// Takes store URLs apart.
#include "base/url.hpp"
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <coelect/error.hpp>

namespace coelect::base {
namespace {

[[noreturn]] void refuse(std::string const& sentence) { throw election_error(errc::bad_options, sentence); }

// The text itself may hold a password that does not belong there: name the scheme only.
std::string shown(std::string_view text) {
  auto const colon = text.find(':');
  if (colon == std::string_view::npos) return "'" + std::string(text.substr(0, 40)) + "'";
  return "'" + std::string(text.substr(0, colon)) + ":...'";
}

}  // namespace

store_url parse_store_url(std::string_view text) {
  if (text.empty()) refuse("store URL: it is empty; for example file:/var/lib/app");
  auto const parsed = boost::urls::parse_uri(text);
  if (!parsed) refuse("store URL " + shown(text) + " is not a URL; for example file:/var/lib/app");
  auto const& url = *parsed;
  if (url.has_query() || url.has_fragment())
    refuse("store URL " + shown(text) + " has a ? or # part; settings are given beside the URL");
  if (url.has_userinfo())
    refuse("store URL " + shown(text) + " has a user name in it; logins are given beside the URL");
  store_url result;
  result.scheme.assign(url.scheme().data(), url.scheme().size());
  auto const authority = url.encoded_authority();
  result.authority.assign(authority.data(), authority.size());
  result.path = url.path();
  return result;
}

}  // namespace coelect::base

// How an etcd store is found and entered: by flags, and by what etcdctl's users have in their environment.
#include "cli/etcd_access.hpp"
#include "base/endpoint.hpp"
#include "base/refuse.hpp"
#include "cli/azure_access.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <coelect/error.hpp>
#include <system_error>
#include <utility>

namespace coelect::cli {
namespace {

constexpr std::uint16_t default_port = 2379;

using base::refuse;

// Where to go.

std::string url_of(std::vector<base::endpoint> const& members, bool tls) {
  std::string url = tls ? "etcds://" : "etcd://";
  for (auto const& one : members) url += (&one == &members.front() ? "" : ",") + base::host_and_port(one);
  return url;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Like etcdctl's own: without a scheme, certificates decide whether it is TLS.
std::string from_endpoints(std::string_view list, bool certificates) {
  std::vector<base::endpoint> members;
  for (auto const& text : base::split_at_commas(list)) {
    auto one = base::parse_endpoint("ETCDCTL_ENDPOINTS", trimmed(text), default_port);
    if (text.find("://") == text.npos) one.tls = certificates;
    bool const mixed = !members.empty() && members.front().tls != one.tls;
    if (mixed) refuse("ETCDCTL_ENDPOINTS: http and https are mixed");
    members.push_back(std::move(one));
  }
  return url_of(members, members.front().tls);
}

std::uint16_t port_from(std::string_view text) {
  if (text.empty()) return default_port;
  std::uint16_t port = 0;
  auto const [rest, trouble] = std::from_chars(text.data(), text.data() + text.size(), port);
  bool const number = trouble == std::errc() && rest == text.data() + text.size() && port != 0;
  if (!number) refuse("ETCD_PORT: '" + std::string(text.substr(0, 200)) + "' is not a port from 1 to 65535");
  return port;
}

std::string from_host(std::string_view text, bool certificates) {
  auto host = std::string(text);
  bool const bare_v6 = std::count(text.begin(), text.end(), ':') > 1 && text.find_first_of("[/") == text.npos;
  if (bare_v6) host = "[" + host + "]";
  auto one = base::parse_endpoint("ETCD_HOST", host, port_from(variable("ETCD_PORT")));
  if (text.find("://") == text.npos) one.tls = certificates;
  return url_of({one}, one.tls);
}

// Who goes there.

/// name, or name:password as etcdctl takes it.
std::pair<std::string_view, std::string_view> split_user(std::string_view text) {
  auto const colon = text.find(':');
  if (colon == text.npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string_view password_in_environment(etcd_access const& how) {
  for (auto const* const name : {"COELECT_PASSWORD", "ETCDCTL_PASSWORD"})
    if (auto const found = variable(name); !found.empty()) return found;
  if (how.user.name != "ETCDCTL_USER") return {};  // the other user's password is not this one's
  return split_user(variable("ETCDCTL_USER")).second;
}

std::string password_for(etcd_access const& how) {
  if (!how.password_file.text.empty()) return first_line_of(how.password_file);
  return secret_text(password_in_environment(how));
}

/// Pointers to all that only an etcd store has; the last three are for TLS.
std::array<named_text const*, 5> texts_of(etcd_access const& how) {
  return {&how.user, &how.password_file, &how.ca_file, &how.cert_file, &how.key_file};
}

std::string refusal_elsewhere(etcd_access const& how, std::string_view store_url) {
  auto const scheme = store_url.empty() ? "file" : std::string(store_url.substr(0, store_url.find(':')));
  auto const why = ": is for etcd stores, and this one is " + scheme + ":";
  for (auto const* const one : texts_of(how)) {
    bool const shared = one == &how.ca_file && is_azure(store_url);
    if (!shared && !one->text.empty()) return one->name + why;
  }
  return how.plain_values ? "--plain-values" + why : std::string();
}

std::string refusal_of_user(etcd_access const& how) {
  auto const& user = how.user;
  if (user.text.empty() && how.password_file.text.empty()) return {};
  if (user.text.empty()) return how.password_file.name + ": there is no --user to go with it";
  if (user.text.find(':') != std::string::npos)
    return user.name + ": takes a name without a colon; the password comes from --password-file or COELECT_PASSWORD";
  bool const given = !how.password_file.text.empty() || !password_in_environment(how).empty();
  return given ? std::string() : user.name + ": it has no password; give --password-file, or set COELECT_PASSWORD";
}

}  // namespace

bool is_etcd(std::string_view store_url) { return store_url.starts_with("etcd:") || store_url.starts_with("etcds:"); }

std::string etcd_in_environment(etcd_access const& how) {
  bool certificates = false;
  for (auto const* const one : {&how.ca_file, &how.cert_file, &how.key_file})
    certificates = certificates || !one->text.empty();
  for (auto const* const name : {"ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY"})
    certificates = certificates || !variable(name).empty();
  if (auto const list = variable("ETCDCTL_ENDPOINTS"); !list.empty()) return from_endpoints(list, certificates);
  // ETCD_PORT alone says nothing: Kubernetes sets it for any service of that name.
  if (auto const host = variable("ETCD_HOST"); !host.empty()) return from_host(host, certificates);
  return {};
}

void use_etcdctl_environment(etcd_access& how, std::string_view store_url) {
  if (!is_etcd(store_url)) return;
  auto const fill = [](named_text& one, char const* name, std::string_view value) {
    if (one.text.empty() && !value.empty()) one = {name, std::string(value)};
  };
  fill(how.user, "ETCDCTL_USER", split_user(variable("ETCDCTL_USER")).first);
  if (!store_url.starts_with("etcds:")) return;
  fill(how.ca_file, "ETCDCTL_CACERT", variable("ETCDCTL_CACERT"));
  fill(how.cert_file, "ETCDCTL_CERT", variable("ETCDCTL_CERT"));
  fill(how.key_file, "ETCDCTL_KEY", variable("ETCDCTL_KEY"));
}

std::string refusal_of(etcd_access const& how, std::string_view store_url) {
  if (!is_etcd(store_url)) return refusal_elsewhere(how, store_url);
  auto const texts = texts_of(how);
  bool const plain = store_url.starts_with("etcd:");
  auto const tls = std::find_if(texts.begin() + 2, texts.end(), [](auto const* one) { return !one->text.empty(); });
  if (plain && tls != texts.end()) return (*tls)->name + ": certificates are for etcds://, and this store is etcd://";
  return refusal_of_user(how);
}

void enter(etcd_access const& how, store_settings& into) {
  into.username = how.user.text;
  if (!how.user.text.empty()) into.password = password_for(how);
  into.tls.ca_file = how.ca_file.text;
  into.tls.cert_file = how.cert_file.text;
  into.tls.key_file = how.key_file.text;
  into.plain_values = how.plain_values;
}

std::vector<std::string> flags_for(etcd_access const& how) {
  std::vector<std::string> flags;
  for (auto const* const one : texts_of(how)) {
    bool const by_flag = !one->text.empty() && one->name.starts_with("--");
    if (by_flag) flags.insert(flags.end(), {one->name, one->text});
  }
  if (how.plain_values) flags.emplace_back("--plain-values");
  return flags;
}

}  // namespace coelect::cli

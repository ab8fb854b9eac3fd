// Chooses the kind of store that a URL names.
#include "base/endpoint.hpp"
#include "base/url.hpp"
#include <coelect/etcd_store.hpp>
#include <coelect/file_store.hpp>
#include <coelect/memory_store.hpp>
#include <coelect/open_store.hpp>

namespace coelect {
namespace {

[[noreturn]] void refuse(std::string const& sentence) { throw election_error(errc::bad_options, sentence); }

std::shared_ptr<store> open_file(boost::asio::any_io_executor ex, base::store_url const& url, store_settings how) {
  if (!url.authority.empty() && url.authority != "localhost")
    refuse("store URL: file:// is followed by a host, '" + url.authority + "'; write file:/directory");
  if (url.path.empty() || url.path.front() != '/')
    refuse("store URL: file: needs an absolute directory, not '" + url.path + "'");
  if (how.timing.ttl != std::chrono::milliseconds(0)) refuse("ttl: a file store has no leases and takes no ttl");
  file_store_options options;
  options.directory = url.path;
  options.allow_remote = how.allow_remote;
  options.allow_volatile = how.allow_volatile;
  options.log = std::move(how.log);
  options.env = std::move(how.env);
  return make_file_store(std::move(ex), std::move(options));
}

std::shared_ptr<store> open_memory(boost::asio::any_io_executor ex, base::store_url const& url, store_settings how) {
  if (!url.path.empty() || !url.authority.empty())
    refuse("store URL: memory: takes no name; share the store object instead");
  memory_store_options options;
  options.timing = how.timing;
  options.log = std::move(how.log);
  options.env = std::move(how.env);
  return make_memory_store(std::move(ex), std::move(options));
}

// The path as prefix: "/app" and "/app/" are the keys "app/...", "//app" the keys "/app/...".
std::string prefix_from(std::string path) {
  if (!path.empty()) path.erase(0, 1);
  if (!path.empty() && path.back() != '/') path += '/';
  return path;
}

std::shared_ptr<store> open_etcd(boost::asio::any_io_executor ex, base::store_url const& url, store_settings how) {
  std::string const scheme = url.scheme == "etcds" ? "https://" : "http://";
  etcd_store_options options;
  options.endpoints.clear();
  for (auto const& host : base::split_at_commas(url.authority)) {
    // Checked here so that a mistake is shown as it was written.
    static_cast<void>(base::parse_endpoint("store URL", host, 2379));
    options.endpoints.push_back(scheme + host);
  }
  options.prefix = prefix_from(url.path);
  options.timing = how.timing;
  options.username = std::move(how.username);
  options.password = std::move(how.password);
  options.tls = std::move(how.tls);
  options.plain_values = how.plain_values;
  options.log = std::move(how.log);
  options.env = std::move(how.env);
  return make_etcd_store(std::move(ex), std::move(options));
}

/// The first setting that only an etcd store has, or nothing.
char const* etcd_setting(store_settings const& how) {
  if (!how.username.empty() || !how.password.empty()) return "username and password are settings";
  if (!how.tls.ca_file.empty() || !how.tls.cert_file.empty() || !how.tls.key_file.empty() || !how.tls.verify)
    return "tls is a setting";
  return how.plain_values ? "plain_values is a setting" : nullptr;
}

}  // namespace

std::shared_ptr<store> open_store(boost::asio::any_io_executor ex, std::string_view url, store_settings how) {
  auto const parsed = base::parse_store_url(url);
  bool const on_files = parsed.scheme == "file";
  if (!on_files && (how.allow_remote || how.allow_volatile))
    refuse("allow_remote and allow_volatile are settings of file stores, not of " + parsed.scheme + ":");
  bool const on_etcd = parsed.scheme == "etcd" || parsed.scheme == "etcds";
  if (on_etcd) return open_etcd(std::move(ex), parsed, std::move(how));
  if (auto const* const foreign = etcd_setting(how); foreign != nullptr)
    refuse(std::string(foreign) + " of etcd stores, not of " + parsed.scheme + ":");
  if (on_files) return open_file(std::move(ex), parsed, std::move(how));
  if (parsed.scheme == "memory") return open_memory(std::move(ex), parsed, std::move(how));
  refuse("store URL: unknown scheme '" + parsed.scheme + "'; known are file:, memory:, etcd: and etcds:");
}

}  // namespace coelect

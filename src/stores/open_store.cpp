// Chooses the kind of store that a URL names.
#include "base/endpoint.hpp"
#include "base/refuse.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include <algorithm>
#include <coelect/azure_blob_store.hpp>
#include <coelect/etcd_store.hpp>
#include <coelect/file_store.hpp>
#include <coelect/memory_store.hpp>
#include <coelect/open_store.hpp>

namespace coelect {
namespace {

using base::refuse;

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
  // Copied and wiped, not moved: a short text stays in the string that it is moved from.
  options.password = how.password;
  base::wipe(how.password);
  options.tls = std::move(how.tls);
  options.plain_values = how.plain_values;
  options.log = std::move(how.log);
  options.env = std::move(how.env);
  auto made = make_etcd_store(std::move(ex), options);
  base::wipe(options.password);
  return made;
}

bool is_azure(base::store_url const& url) {
  return url.scheme == "azblob" || url.scheme == "azblob+http" || url.scheme == "azblob+https" || url.scheme == "https";
}

/// "/a/b/c" is "a" and "/b/c".
std::string take_segment(std::string& path) {
  if (path.starts_with('/')) path.erase(0, 1);
  auto const end = path.find('/');
  auto const segment = path.substr(0, end);
  path.erase(0, segment.size());
  return segment;
}

// The account stands in the host's name or, for hosts that are addresses or have no dot, first in the path.
std::string account_url(base::store_url const& url, std::string& path) {
  if (url.scheme == "azblob") {
    if (url.authority.find_first_of(".:") != std::string::npos)
      refuse(
          "store URL: azblob:// is followed by the account's name alone; another host: "
          "azblob+https://HOST/ACCOUNT/CONTAINER");
    return "https://" + url.authority + ".blob.core.windows.net";
  }
  auto const scheme = url.scheme == "azblob+http" ? std::string("http") : std::string("https");
  auto const host = base::parse_endpoint("store URL", scheme + "://" + url.authority, 443).host;
  bool const has_name =
      host.find('.') != std::string::npos && host.find_first_not_of("0123456789.") != std::string::npos;
  auto const base = scheme + "://" + url.authority;
  return has_name && host.find(':') == std::string::npos ? base : base + "/" + take_segment(path);
}

std::shared_ptr<store> open_azure(boost::asio::any_io_executor ex, base::store_url const& url, store_settings how) {
  azure_blob_store_options options;
  auto path = url.path;
  bool const by_string = !how.connection_string.empty();
  if (by_string && !url.authority.empty())
    refuse("store URL: the connection string names the account; write azblob:///CONTAINER/PREFIX");
  if (!by_string && url.authority.empty())
    refuse("store URL: azblob: needs an account, as in azblob://ACCOUNT/CONTAINER, or a connection string");
  if (!by_string) options.account_url = account_url(url, path);
  auto const container = take_segment(path);
  if (!container.empty()) options.container = container;
  options.prefix = prefix_from(path);
  options.credential = how.credential.get() || by_string ? how.credential : azure_credential::automatic();
  options.create_container = how.create_container;
  options.timing = how.timing;
  if (how.poll_min.count() != 0) options.poll_min = how.poll_min;
  if (how.poll_max.count() != 0) options.poll_max = how.poll_max;
  options.poll_max = std::max(options.poll_max, options.poll_min);
  options.tls = std::move(how.tls);
  options.log = std::move(how.log);
  options.env = std::move(how.env);
  if (by_string) {
    auto made = make_azure_blob_store(std::move(ex), how.connection_string, std::move(options));
    base::wipe(how.connection_string);
    return made;
  }
  return make_azure_blob_store(std::move(ex), std::move(options));
}

/// A setting of network stores that this kind of store does not have, or nothing.
std::string foreign_setting(base::store_url const& url, store_settings const& how) {
  bool const on_etcd = url.scheme == "etcd" || url.scheme == "etcds";
  bool const on_azure = is_azure(url);
  if (!on_etcd && (!how.username.empty() || !how.password.empty()))
    return "username and password are settings of etcd stores";
  if (!on_etcd && how.plain_values) return "plain_values is a setting of etcd stores";
  bool const tls =
      !how.tls.ca_file.empty() || !how.tls.cert_file.empty() || !how.tls.key_file.empty() || !how.tls.verify;
  if (!on_etcd && !on_azure && tls) return "tls is a setting of etcd and azblob stores";
  bool const azure = how.credential.get() || !how.connection_string.empty() || how.create_container ||
                     how.poll_min.count() != 0 || how.poll_max.count() != 0;
  if (!on_azure && azure)
    return "credential, connection_string, create_container and poll_* are settings of azblob stores";
  return {};
}

}  // namespace

std::shared_ptr<store> open_store(boost::asio::any_io_executor ex, std::string_view url, store_settings how) {
  auto const parsed = base::parse_store_url(url);
  bool const on_files = parsed.scheme == "file";
  if (!on_files && (how.allow_remote || how.allow_volatile))
    refuse("allow_remote and allow_volatile are settings of file stores, not of " + parsed.scheme + ":");
  auto const foreign = foreign_setting(parsed, how);
  if (!foreign.empty()) refuse(foreign + ", not of " + parsed.scheme + ":");
  if (is_azure(parsed)) return open_azure(std::move(ex), parsed, std::move(how));
  bool const on_etcd = parsed.scheme == "etcd" || parsed.scheme == "etcds";
  if (on_etcd) return open_etcd(std::move(ex), parsed, std::move(how));
  if (on_files) return open_file(std::move(ex), parsed, std::move(how));
  if (parsed.scheme == "memory") return open_memory(std::move(ex), parsed, std::move(how));
  refuse("store URL: unknown scheme '" + parsed.scheme + "'; known are file:, memory:, etcd:, etcds: and azblob:");
}

}  // namespace coelect

// Opens a store from a URL, so that the kind of store can be chosen at run time.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <coelect/azure_credential.hpp>
#include <coelect/store.hpp>
#include <coelect/tls_options.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace coelect {

/// What a URL does not say. A setting that the store in question does not have is refused.
struct store_settings {
  lease_timing timing{};        ///< Stores with leases; file: refused unless ttl is 0.
  bool allow_remote = false;    ///< file: accept network file systems.
  bool allow_volatile = false;  ///< file: accept tmpfs.
  std::string username{};       ///< etcd. Empty: no authentication.
  std::string password{};
  tls_options tls{};                ///< etcds, azblob.
  bool plain_values = false;        ///< etcd: etcd_store_options::plain_values.
  azure_credential credential{};    ///< azblob. Empty: azure_credential::automatic(), or the connection string's.
  std::string connection_string{};  ///< azblob: brings the account and the credential.
  bool create_container = false;    ///< azblob: azure_blob_store_options::create_container.
  std::chrono::milliseconds poll_min{0}, poll_max{0};  ///< azblob. 0: the store's defaults.
  log_fn log{};
  std::shared_ptr<environment> env{};  ///< Empty: environment::real().
};

/// file:/var/lib/app (an absolute directory), memory: (this process only), or
/// etcd://host:2379,host:2379/prefix (etcds:// with TLS): the path without its first slash is put before
/// every key, with a slash after it. azblob://ACCOUNT/CONTAINER/PREFIX, https://ACCOUNT.blob.SUFFIX/CONTAINER/PREFIX,
/// azblob+http://127.0.0.1:10000/ACCOUNT/CONTAINER/PREFIX (azblob+https:// alike, for any host whose name
/// is an address or has no dot), or azblob:///CONTAINER/PREFIX with a connection string; the container is
/// `leases` if it is left out. Throws election_error(errc::bad_options) for a URL that it does not
/// understand, and what the store throws.
std::shared_ptr<store> open_store(boost::asio::any_io_executor ex, std::string_view url, store_settings how = {});

}  // namespace coelect

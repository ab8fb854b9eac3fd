// Opens a store from a URL, so that the kind of store can be chosen at run time.
#pragma once
#include <boost/asio/any_io_executor.hpp>
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
  tls_options tls{};          ///< etcds.
  bool plain_values = false;  ///< etcd: etcd_store_options::plain_values.
  log_fn log{};
  std::shared_ptr<environment> env{};  ///< Empty: environment::real().
};

/// file:/var/lib/app (an absolute directory), memory: (this process only), or
/// etcd://host:2379,host:2379/prefix (etcds:// with TLS): the path without its first slash is put before
/// every key, with a slash after it. Throws election_error(errc::bad_options) for a URL that it does not
/// understand, and what the store throws.
std::shared_ptr<store> open_store(boost::asio::any_io_executor ex, std::string_view url, store_settings how = {});

}  // namespace coelect

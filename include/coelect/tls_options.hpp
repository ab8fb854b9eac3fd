// How the network stores make sure that they talk to the right server.
#pragma once
#include <string>

namespace coelect {

/// TLS settings. Files are PEM; they are read when the store is made, and again before a connection
/// is tried after a failed handshake, so that renewed certificates are picked up. TLS 1.2 at least.
struct tls_options {
  std::string ca_file{};    ///< Who may have signed the server's certificate. Empty: the system's trust store.
  std::string cert_file{};  ///< Client certificate, with its chain. Needs key_file.
  std::string key_file{};   ///< Its key, not encrypted. Needs cert_file.
  /// The server's certificate and its name or address are checked. Turning this off is logged as a
  /// warning: anybody on the way can then read and change everything.
  bool verify = true;
};

}  // namespace coelect

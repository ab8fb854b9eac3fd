// Reads the files of tls_options, and says in words what is wrong with certificates.
#pragma once
#include <coelect/error.hpp>
#include <coelect/tls_options.hpp>
#include <memory>
#include <optional>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace coelect::http {

/// The TLS settings of one server.
class tls_files {
public:
  /// Throws election_error(errc::bad_options) that names the option and the file.
  explicit tls_files(tls_options options);

  /// What the next connection uses. Reads the files again if doubt() was called; what cannot be read
  /// (half of a renewal is on disk, say) leaves things as they were.
  std::shared_ptr<boost::asio::ssl::context> context();
  void doubt() noexcept { doubted_ = true; }
  tls_options const& options() const noexcept { return options_; }

private:
  tls_options options_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  bool doubted_ = false;
};

/// The server refused our certificate or the lack of one. With TLS 1.3 it says so instead of the first
/// answer, not in the handshake.
std::optional<outcome> refused_by_server(error_code const& ec, tls_options const& options, std::string const& server);

/// Why a handshake failed. `verified`: OpenSSL's X509_V_... for the server's certificate.
outcome failed_handshake(error_code const& ec, long verified, tls_options const& options, std::string const& server);

}  // namespace coelect::http

// Reads the files of tls_options, and says in words what is wrong with certificates.
#include "http/tls.hpp"
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <fstream>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <utility>

namespace coelect::http {
namespace {

namespace ssl = boost::asio::ssl;

[[noreturn]] void refuse(std::string message) { throw election_error(errc::bad_options, std::move(message)); }

// OpenSSL says little about a file that is not there.
void must_be_readable(std::string const& option, std::string const& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  bool const opened = in.is_open();
  if (opened) in.peek();
  if (opened && !in.bad()) return;
  error_code const why(errno != 0 ? errno : EIO, boost::system::system_category());
  refuse("tls " + option + ": cannot read " + file + ": " + why.message());
}

void must_load(std::string const& option, std::string const& file, error_code const& ec) {
  if (ec) refuse("tls " + option + ": cannot read " + file + ": " + ec.message());
}

void load_trust(ssl::context& into, tls_options const& options) {
  into.set_verify_mode(options.verify ? ssl::verify_peer : ssl::verify_none);
  if (!options.verify) return;
  error_code ec;
  if (options.ca_file.empty()) {
    into.set_default_verify_paths(ec);
    if (ec) refuse("tls ca_file is empty, and the system's certificates cannot be used: " + ec.message());
    return;
  }
  must_be_readable("ca_file", options.ca_file);
  into.load_verify_file(options.ca_file, ec);
  must_load("ca_file", options.ca_file, ec);
}

void load_identity(ssl::context& into, tls_options const& options) {
  if (options.cert_file.empty() && options.key_file.empty()) return;
  if (options.key_file.empty()) refuse("tls cert_file is " + options.cert_file + ", but key_file is not given");
  if (options.cert_file.empty()) refuse("tls key_file is " + options.key_file + ", but cert_file is not given");

  error_code ec;
  must_be_readable("cert_file", options.cert_file);
  into.use_certificate_chain_file(options.cert_file, ec);
  must_load("cert_file", options.cert_file, ec);

  must_be_readable("key_file", options.key_file);
  // Without this OpenSSL would ask for the password on the terminal.
  auto const encrypted = std::make_shared<bool>(false);
  auto const no_password = [encrypted](std::size_t, ssl::context::password_purpose) {
    *encrypted = true;
    return std::string();
  };
  into.set_password_callback(no_password);
  into.use_private_key_file(options.key_file, ssl::context::pem, ec);
  if (ec && *encrypted) refuse("tls key_file: cannot read " + options.key_file + ": it is encrypted");
  // It also looks whether the two fit each other.
  auto const code = static_cast<unsigned long>(ec.value());
  if (ec && ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH)
    refuse("tls key_file: " + options.key_file + " is not the key of cert_file " + options.cert_file);
  must_load("key_file", options.key_file, ec);
  if (::SSL_CTX_check_private_key(into.native_handle()) != 1)
    refuse("tls key_file: " + options.key_file + " is not the key of cert_file " + options.cert_file);
}

std::shared_ptr<ssl::context> load(tls_options const& options) {
  auto made = std::make_shared<ssl::context>(ssl::context::tls_client);
  auto* const raw = made->native_handle();
  ::SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  ::SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION);
  static constexpr unsigned char only_http_1_1[] = "\x08http/1.1";
  ::SSL_CTX_set_alpn_protos(raw, only_http_1_1, sizeof only_http_1_1 - 1);
  load_trust(*made, options);
  load_identity(*made, options);
  return made;
}

bool from_openssl(error_code const& ec) noexcept {
  return ec.category() == boost::asio::error::get_ssl_category() &&
         ERR_GET_LIB(static_cast<unsigned long>(ec.value())) == ERR_LIB_SSL;
}

int reason(error_code const& ec) noexcept { return ERR_GET_REASON(static_cast<unsigned long>(ec.value())); }

bool is_about_our_certificate(error_code const& ec) noexcept {
  if (!from_openssl(ec)) return false;
  switch (reason(ec)) {
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: return true;
    default: return false;
  }
}

outcome say(errc code, std::string const& server, std::string message) {
  return {make_error_code(code), diagnostics(std::move(message), server)};
}

}  // namespace

tls_files::tls_files(tls_options options) : options_(std::move(options)), context_(load(options_)) {}

std::shared_ptr<ssl::context> tls_files::context() {
  if (std::exchange(doubted_, false)) {
    try {
      context_ = load(options_);
    } catch (boost::system::system_error const&) {
      doubted_ = true;
    }
  }
  return context_;
}

std::optional<outcome> refused_by_server(error_code const& ec, tls_options const& options, std::string const& server) {
  if (!is_about_our_certificate(ec)) return std::nullopt;
  auto const ours = options.cert_file.empty() ? "; none was given: tls cert_file is empty"
                                              : "; tls cert_file is " + options.cert_file;
  return say(errc::unauthorized, server, server + " refuses our certificate: " + ec.message() + ours);
}

outcome failed_handshake(error_code const& ec, long verified, tls_options const& options, std::string const& server) {
  if (auto refused = refused_by_server(ec, options, server)) return *refused;
  if (options.verify && from_openssl(ec) && reason(ec) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    auto const why = verified != X509_V_OK ? ::X509_verify_cert_error_string(verified) : "no reason given";
    return say(errc::tls_verify, server, "the certificate of " + server + " cannot be trusted: " + why);
  }
  std::string message = "no TLS with " + server + ": " + ec.message();
  // What a server with TLS 1.2 says that wants a certificate.
  if (options.cert_file.empty() && from_openssl(ec) && reason(ec) == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE)
    message += "; perhaps it wants a certificate: tls cert_file is empty";
  return say(errc::unreachable, server, std::move(message));
}

}  // namespace coelect::http

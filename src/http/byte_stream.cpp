// One connection, TCP or TLS: bytes go out and come in, and in a forked child nothing happens to the parent's.
#include "http/byte_stream.hpp"
#include "base/fork_guard.hpp"
#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace coelect::http {
namespace {

using boost::asio::ip::tcp;
namespace ssl = boost::asio::ssl;

void set_number(int fd, int level, int option, int value) noexcept {
  static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
}

// A server that vanished is noticed within a minute also where nothing is written, as on a stream.
void tune(int fd) noexcept {
  set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

// By OpenSSL's own check, which unlike a callback leaves a reason.
bool expect(SSL* who, std::string host) {
  auto* const param = ::SSL_get0_param(who);
  error_code not_numeric;
  auto const address = boost::asio::ip::make_address(host, not_numeric);
  if (!not_numeric && address.is_v4()) {
    auto const bytes = address.to_v4().to_bytes();
    return ::X509_VERIFY_PARAM_set1_ip(param, bytes.data(), bytes.size()) == 1;
  }
  if (!not_numeric) {
    auto const bytes = address.to_v6().to_bytes();
    return ::X509_VERIFY_PARAM_set1_ip(param, bytes.data(), bytes.size()) == 1;
  }
  if (host.ends_with('.')) host.pop_back();  // the root, which certificates leave out
  if (host.empty()) return false;            // OpenSSL would check no name at all
  ::X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return ::X509_VERIFY_PARAM_set1_host(param, host.data(), host.size()) == 1 &&
         ::SSL_ctrl(who, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

}  // namespace

struct byte_stream::parts {
  explicit parts(boost::asio::any_io_executor const& where) : socket(where) {}
  ~parts() { wipe(); }
  void wipe() noexcept { ::explicit_bzero(input.data(), std::exchange(used, 0)); }

  tcp::socket socket;
  std::shared_ptr<ssl::context> context;
  std::optional<ssl::stream<tcp::socket&>> tls;
  std::size_t used = 0;
  std::array<char, std::size_t{16} * 1024> input{};  // a TLS record's worth
};

byte_stream::byte_stream(boost::asio::any_io_executor const& where)
    : parts_(std::make_unique<parts>(where)), made_in_(base::this_process()) {}

byte_stream::~byte_stream() { drop(); }

error_code byte_stream::open(tcp::endpoint const& to) {
  // Asio would not ask for CLOEXEC.
  int const fd = ::socket(to.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return {errno, boost::system::system_category()};
  error_code ec;
  parts_->socket.assign(to.protocol(), fd, ec);
  if (ec) ::close(fd);
  else tune(fd);
  return ec;
}

void byte_stream::connect(tcp::endpoint const& to, ready done) {
  parts_->socket.async_connect(to, [self = shared_from_this(), done](error_code const& ec) { done(ec); });
}

void byte_stream::handshake(std::shared_ptr<ssl::context> context, std::string const& host, ready done) {
  parts_->context = std::move(context);
  auto& tls = parts_->tls.emplace(parts_->socket, *parts_->context);
  if (!expect(tls.native_handle(), host)) {
    error_code const ec(EINVAL, boost::system::system_category());
    boost::asio::post(parts_->socket.get_executor(), [self = shared_from_this(), done, ec] { done(ec); });
    return;
  }
  tls.async_handshake(ssl::stream_base::client, [self = shared_from_this(), done](error_code const& ec) { done(ec); });
}

long byte_stream::verified() const noexcept {
  return parts_ && parts_->tls ? ::SSL_get_verify_result(parts_->tls->native_handle()) : long{X509_V_OK};
}

// A request nearly always fits into the socket's buffer. Without a turn of the loop for its end.
bool byte_stream::write_at_once(std::shared_ptr<wiped_text const> text, ready done) {
  auto const& all = text->text;
  ssize_t sent = 0;
  if (!parts_->tls) sent = ::send(parts_->socket.native_handle(), all.data(), all.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(all.size())) return true;
  write_from(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)), std::move(text), std::move(done));
  return false;
}

void byte_stream::write_from(std::size_t sent, std::shared_ptr<wiped_text const> text, ready done) {
  auto const bytes = boost::asio::buffer(text->text) + sent;
  auto end = [self = shared_from_this(), text, done](error_code const& ec, std::size_t) mutable {
    text.reset();  // the last one wipes it
    done(ec);
  };
  if (parts_->tls) boost::asio::async_write(*parts_->tls, bytes, std::move(end));
  else boost::asio::async_write(parts_->socket, bytes, std::move(end));
}

void byte_stream::read(arrived done) {
  parts_->wipe();
  auto end = [self = shared_from_this(), done](error_code const& ec, std::size_t n) {
    if (!self->parts_) return;
    self->parts_->used = n;
    done(ec, std::string_view(self->parts_->input.data(), n));
  };
  auto const into = boost::asio::buffer(parts_->input);
  if (parts_->tls) parts_->tls->async_read_some(into, std::move(end));
  else parts_->socket.async_read_some(into, std::move(end));
}

void byte_stream::rest() noexcept {
  if (parts_) parts_->wipe();
}

bool byte_stream::still_open() noexcept {
  if (!parts_ || !parts_->socket.is_open()) return false;
  pollfd asked{parts_->socket.native_handle(), POLLIN | POLLRDHUP, 0};
  if (::poll(&asked, 1, 0) == 0) return true;
  if ((asked.revents & (POLLRDHUP | POLLERR | POLLHUP | POLLNVAL)) != 0) return false;
  // Unasked bytes belong to no request. In TLS they may be session tickets.
  return parts_->tls.has_value();
}

void byte_stream::part_with(std::shared_ptr<wiped_text const> last_words) noexcept {
  if (!parts_ || !parts_->socket.is_open() || !base::in_process(made_in_)) return close();
  try {
    write(std::move(last_words), [self = shared_from_this()](error_code const&) { self->close(); });
  } catch (std::exception const&) {  // no memory for it
    close();
  }
}

void byte_stream::close() noexcept {
  if (!parts_ || leave_to_parent()) return;
  error_code ignored;
  parts_->socket.close(ignored);  // the rest stays for what is under way, which ends on the strand
}

void byte_stream::drop() noexcept {
  if (!parts_ || leave_to_parent()) return;
  parts_.reset();
}

// A forked child shares the parent's epoll set: Asio would take the parent's connection out of it.
bool byte_stream::leave_to_parent() noexcept {
  if (base::in_process(made_in_)) return false;
  ::close(parts_->socket.native_handle());
  static_cast<void>(parts_.release());
  return true;
}

}  // namespace coelect::http

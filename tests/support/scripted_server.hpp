// A server on 127.0.0.1 that does what a test's script says, connection by connection, over TCP or TLS.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>

namespace coelect::test {

/// An acceptor on a free port that no client of this machine gets by chance.
inline boost::asio::ip::tcp::acceptor listen_somewhere(boost::asio::io_context& io, int backlog = 16) {
  std::random_device chance;
  for (int tries = 0; tries < 200; ++tries) {
    auto const port = static_cast<std::uint16_t>(20000 + chance() % 12000);
    boost::asio::ip::tcp::acceptor made(io, boost::asio::ip::tcp::v4());
    made.set_option(boost::asio::socket_base::reuse_address(true));
    boost::system::error_code ec;
    made.bind({boost::asio::ip::address_v4::loopback(), port}, ec);
    if (ec) continue;
    made.listen(backlog);
    return made;
  }
  throw std::runtime_error("no port is free");
}

/// One connection, as its script sees it. What the client or the end of the server breaks throws, and
/// that ends the script.
class scripted_peer {
public:
  scripted_peer(boost::asio::ip::tcp::socket socket, int nth, std::shared_ptr<boost::asio::ssl::context> tls)
      : number(nth), socket_(std::move(socket)), context_(std::move(tls)) {
    socket_.set_option(boost::asio::ip::tcp::no_delay(true));
    if (context_) tls_.emplace(socket_, *context_);
  }

  int const number;  ///< 1 for the server's first connection.

  void shake_hands() {
    if (tls_) tls_->handshake(boost::asio::ssl::stream_base::server);
  }

  /// The next request: header and body.
  std::string read_request() {
    while (input_.find("\r\n\r\n") == std::string::npos) input_ += read_some();
    auto const end = input_.find("\r\n\r\n") + 4;
    auto const length = input_.find("Content-Length: ");
    std::size_t const body = length < end ? std::stoul(input_.substr(length + 16)) : 0;
    while (input_.size() < end + body) input_ += read_some();
    auto request = input_.substr(0, end + body);
    input_.erase(0, end + body);
    return request;
  }

  std::string read_bytes(std::size_t n) {
    while (input_.size() < n) input_ += read_some();
    auto bytes = input_.substr(0, n);
    input_.erase(0, n);
    return bytes;
  }

  void write(std::string_view text) {
    auto const bytes = boost::asio::buffer(text);
    if (tls_) boost::asio::write(*tls_, bytes);
    else boost::asio::write(socket_, bytes);
  }

  /// Until the client has closed or broken the connection, or the server goes.
  void wait_for_end() {
    try {
      for (;;) read_some();
    } catch (boost::system::system_error const&) {
    }
  }

  void close_tls() { tls_->shutdown(); }  ///< close_notify, and waits for the client's or the end.
  void close() { end_both_ways(); }
  /// The client's next write or read fails.
  void reset() {
    std::lock_guard const lock(mutex_);
    socket_.set_option(boost::asio::socket_base::linger(true, 0));
    socket_.close();
  }
  void end_both_ways() {  // any thread
    std::lock_guard const lock(mutex_);
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
  }

private:
  std::string read_some() {
    char bytes[4096];
    auto const into = boost::asio::buffer(bytes);
    auto const n = tls_ ? tls_->read_some(into) : socket_.read_some(into);
    return {bytes, n};
  }

  std::mutex mutex_;  // who closes the socket, and who ends it from outside
  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  std::string input_;
};

class scripted_server {
public:
  using script = std::function<void(scripted_peer&)>;

  explicit scripted_server(script each, std::shared_ptr<boost::asio::ssl::context> tls = nullptr)
      : each_(std::move(each)), tls_(std::move(tls)), acceptor_(listen_somewhere(io_)) {
    port_ = acceptor_.local_endpoint().port();
    acceptor_thread_ = std::thread([this] { accept_all(); });
  }
  scripted_server(scripted_server const&) = delete;
  scripted_server& operator=(scripted_server const&) = delete;
  ~scripted_server() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);  // unlike close() it wakes who waits
    acceptor_thread_.join();
    for (auto& peer : peers_) peer.end_both_ways();
    for (auto& thread : threads_) thread.join();
  }

  std::uint16_t port() const noexcept { return port_; }
  std::string name() const { return "127.0.0.1:" + std::to_string(port_); }
  int accepted() const noexcept { return accepted_; }  ///< Connections so far.
  int ended() const noexcept { return ended_; }        ///< Scripts that have come to their end.

private:
  void accept_all() {
    for (;;) {
      boost::system::error_code ec;
      auto socket = acceptor_.accept(ec);
      if (ec) return;
      auto& peer = peers_.emplace_back(std::move(socket), ++accepted_, tls_);
      threads_.emplace_back([this, &peer] {
        try {
          peer.shake_hands();
          each_(peer);
        } catch (std::exception const&) {
        }
        ++ended_;
      });
    }
  }

  script each_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::list<scripted_peer> peers_;  // closed with the server: a script that ends keeps its connection open
  std::list<std::thread> threads_;
  std::atomic<int> accepted_{0}, ended_{0};
  std::thread acceptor_thread_;
};

}  // namespace coelect::test

// The network as the stores see it: one server to send requests to. Real sockets and simulations implement it.
#pragma once
#include "http/message.hpp"
#include <coelect/clock.hpp>
#include <coelect/error.hpp>
#include <coelect/store_context.hpp>
#include <coelect/tls_options.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace coelect::http {

/// How one exchange went.
struct exchanged {
  /// Not ok: errc::unreachable (resolve, connect, TLS, cut off), errc::timed_out (give_up passed),
  /// errc::bad_response (not HTTP, over a limit), errc::tls_verify, errc::unauthorized (the server refused
  /// our client certificate), errc::bad_options (the request would break its own header; nothing was
  /// sent). Any HTTP status is ok.
  outcome how{};
  bool sent = false;  ///< The server may have seen the request, or part of it.
  response got{};     ///< Only when how.ok().
};

/// Something under way. Destroying it gives it up: its connection is closed, nothing is called any more.
class pending {
public:
  pending() = default;
  pending(pending const&) = delete;
  pending& operator=(pending const&) = delete;
  virtual ~pending() = default;
};

/// Receives a response whose body comes line by line, for as long as it lasts. Everything is called on
/// the store's strand, never inside open_stream(); any call may destroy the stream's `pending`.
class stream_reader {
public:
  virtual void on_head(response const& head) = 0;  ///< Status and fields, no body. First, and once.
  /// One line without its end. What stands after the last newline when the body ends is a line too.
  virtual void on_line(std::string_view line) = 0;
  virtual void on_skipped() = 0;         ///< A line over the limit was thrown away instead.
  virtual void on_end(outcome how) = 0;  ///< ok: the body ended as announced. Last, and once.

protected:
  ~stream_reader() = default;
};

/// Why there is no WebSocket, or none any more.
enum class socket_end {
  no_connection = 1,  ///< The server was not reached: name, TCP, TLS.
  no_answer,          ///< Reached, but it closed the connection or let the time pass instead of an answer.
  refused,            ///< It answered with something else than the upgrade.
  broken,             ///< After on_open().
};

/// Receives what comes over a WebSocket. Everything is called on the store's strand, never inside
/// open_socket() or send(); any call may destroy the `web_socket`.
class socket_reader {
public:
  virtual void on_open() = 0;  ///< The server has agreed. At most once, before any message.
  virtual void on_message(std::string_view text) = 0;
  virtual void on_skipped() = 0;  ///< A message over the limit (transport_limits::line) was thrown away instead.
  virtual void on_drained() = 0;  ///< All that was given to send() has gone to the network.
  virtual void on_end(outcome how, socket_end kind) = 0;  ///< Never ok. Last, and once.

protected:
  ~socket_reader() = default;
};

/// A WebSocket that is being opened or is open. Destroying it closes it.
class web_socket : public pending {
public:
  /// Queues a text message. Only between on_open() and on_end().
  virtual void send(std::string message) = 0;
};

/// One server. On the store's strand; the context's end closes everything without a call.
class transport {
public:
  transport() = default;
  transport(transport const&) = delete;
  transport& operator=(transport const&) = delete;
  virtual ~transport() = default;

  /// One request and its whole response. `done` is called once, on the strand and never inside this
  /// call, by `give_up` at the latest, which covers everything from the name lookup on.
  [[nodiscard]] virtual std::unique_ptr<pending> exchange(request what, instant give_up,
                                                          std::function<void(exchanged)> done) = 0;
  /// The head of the response must have come by `head_by`; the body may take for ever.
  [[nodiscard]] virtual std::unique_ptr<pending> open_stream(request what, instant head_by, stream_reader& to) = 0;
  /// A WebSocket at `target`, open by `open_by`, which covers everything from the name lookup on. It carries
  /// no credentials. Null where the network has no such thing.
  [[nodiscard]] virtual std::unique_ptr<web_socket> open_socket(std::string const& target, instant open_by,
                                                                socket_reader& to);

  virtual std::string const& name() const noexcept = 0;  ///< "host:port", for messages.
};

inline std::unique_ptr<web_socket> transport::open_socket(std::string const&, instant, socket_reader&) {
  return nullptr;
}

/// Where a server is.
struct origin {
  bool tls = false;
  std::string host;  ///< Name or address; an IPv6 address without brackets.
  std::uint16_t port = 0;
};

struct transport_limits {
  std::size_t header = std::size_t{8} * 1024;  ///< Bytes of a response's status line and fields.
  std::size_t body = std::size_t{256} * 1024;  ///< Bytes of an exchange's body.
  std::size_t line =
      std::size_t{256} * 1024;       ///< Bytes of a stream's line or a socket's message; longer ones are skipped.
  std::size_t idle_connections = 2;  ///< Kept open for the next request; more are closed.
};

/// Where transports come from: real_network(), or a simulation's through environment::network().
class network {
public:
  network() = default;
  network(network const&) = delete;
  network& operator=(network const&) = delete;
  virtual ~network() = default;
  /// Does no I/O except reading PEM files. Throws election_error(errc::bad_options) that names the
  /// option and the file, or a host that is none.
  virtual std::shared_ptr<transport> reach(std::shared_ptr<store_context> context, origin where, tls_options const& tls,
                                           transport_limits limits) = 0;
};

/// Beast over TCP and TLS.
std::shared_ptr<network> real_network();

}  // namespace coelect::http

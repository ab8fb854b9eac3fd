// The network between simulated hosts and simulated servers: each message is late, lost, doubled or cut as the dice say.
#pragma once
#include "http/transport.hpp"
#include <coelect/testing/faults.hpp>
#include <coelect/testing/world.hpp>
#include <functional>
#include <memory>
#include <string>

namespace coelect::sim {

using std::chrono::nanoseconds;

/// Per cent of messages. All zero: everything arrives within a millisecond.
struct message_mix {
  unsigned lose_request = 0;   ///< It never reaches the server.
  unsigned lose_answer = 0;    ///< The server acts, the sender does not hear.
  unsigned cut = 0;            ///< The connection breaks; the server may have acted.
  unsigned delay = 0;          ///< By up to 2.5 s, each way.
  unsigned very_late = 0;      ///< The request reaches the server up to 20 s later, long after it was given up.
  unsigned twice = 0;          ///< The request reaches the server once more, up to 15 s later.
  unsigned stream_break = 0;   ///< A stream ends after up to 20 s.
  unsigned stream_silent = 0;  ///< A stream says nothing more after up to 20 s, and does not end.

  std::string text() const;
};

/// Where a stream's lines go, or a socket's messages. Everything arrives in the order of the calls, after the network's delays.
class stream_sink {
public:
  virtual ~stream_sink() = default;
  virtual void head(int status) = 0;
  virtual void line(std::string text) = 0;
  virtual void end(outcome how) = 0;  ///< Last.
  virtual bool open() const = 0;      ///< Somebody still listens.
};

/// A cluster or an account: what requests reach when they arrive.
class server {
public:
  using message = std::shared_ptr<http::request const>;
  using reply = std::function<void(http::response)>;
  virtual ~server() = default;
  virtual bool listens(std::size_t endpoint) const = 0;  ///< If not: connection refused.
  /// Answers now, later or never.
  virtual void arrive(std::size_t endpoint, message what, reply answer) = 0;
  virtual void subscribe(std::size_t endpoint, message what, std::shared_ptr<stream_sink> to) = 0;
  virtual bool has_sockets() const { return false; }
  /// A WebSocket is wanted; head() agrees. Then what is said on it, as requests with its target.
  virtual void welcome(std::size_t, std::shared_ptr<stream_sink>) {}
  virtual void hear(std::size_t, message, std::shared_ptr<stream_sink>) {}
  virtual char const* name_of(http::request const& what) const = 0;            ///< For traces; a literal.
  virtual std::string body_of(std::string const& text) const { return text; }  ///< Readable, for traces.
};

/// What all hosts have sent.
struct traffic {
  std::uint64_t requests = 0;
  nanoseconds arrived{0};  ///< Then the last of them will have reached the server, whatever became of its sender.
};

/// What one host reaches the server through. `mix` may change at any time; `faults` says who is cut off.
class network final : public http::network, public std::enable_shared_from_this<network> {
public:
  network(testing::host& on, testing::fault_schedule const& faults, server& to, message_mix const& mix, traffic& sent)
      : host_(on), faults_(faults), to_(to), mix_(mix), sent_(sent) {}

  /// Endpoint number N is the host name 10.0.0.N+1; others are 0.
  std::shared_ptr<http::transport> reach(std::shared_ptr<store_context> context, http::origin where, tls_options const&,
                                         http::transport_limits) override;

private:
  friend class sim_transport;
  class flight;
  class flow;
  class channel;
  testing::world& world() const { return host_.world(); }
  nanoseconds travel_time();
  void depart(std::shared_ptr<flight> const& one, std::size_t endpoint, server::message const& what);

  testing::host& host_;
  testing::fault_schedule const& faults_;
  server& to_;
  message_mix const& mix_;
  traffic& sent_;
};

}  // namespace coelect::sim

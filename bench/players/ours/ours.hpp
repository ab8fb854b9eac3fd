// What the workloads of our own player share: stores, electors, and a way of running coroutines to their end.
#pragma once
#include "players/player.hpp"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <coelect/coelect.hpp>
#include <exception>
#include <memory>

namespace bench {

namespace asio = boost::asio;

void campaigns(options const& o);     // W1
void hand_over(options const& o);     // W2
void stand(options const& o);         // W3, W8
void throughput(options const& o);    // W4
void hold_or_wait(options const& o);  // W5
void contention(options const& o);    // W6
void azure_leases(options const& o);  // W7

inline std::shared_ptr<coelect::store> etcd_store(asio::io_context& io, options const& o) {
  coelect::etcd_store_options how;
  how.endpoints = {"http://" + o.endpoint};
  how.prefix = o.prefix;
  how.timing.ttl = std::chrono::seconds(o.ttl);
  return coelect::make_etcd_store(io.get_executor(), how);
}

inline coelect::elector candidate(asio::io_context& io, std::shared_ptr<coelect::store> const& where,
                                  std::string const& election) {
  coelect::elector_options how;
  how.election = election;
  return coelect::elector(io.get_executor(), where, how);
}

/// Runs `work` and whatever it leaves behind to its end. Throws what it throws.
inline void run_to_the_end(asio::io_context& io, asio::awaitable<void> work) {
  std::exception_ptr failed;
  asio::co_spawn(io, std::move(work), [&failed](std::exception_ptr e) { failed = e; });
  io.restart();
  io.run();
  if (failed) std::rethrow_exception(failed);
}

inline asio::awaitable<void> pause(double seconds) {
  asio::any_io_executor const ex = co_await asio::this_coro::executor;
  asio::steady_timer timer(ex, std::chrono::microseconds(static_cast<long>(seconds * 1e6)));
  co_await timer.async_wait(asio::use_awaitable);
}

/// Calls `then` once a line, or the end of the input, has come from the harness; the loop goes on meanwhile.
class harness_says {
public:
  explicit harness_says(asio::io_context& io) : in_(io, ::dup(STDIN_FILENO)) {}
  template <class Then>
  void go(Then then) {
    in_.async_read_some(asio::buffer(text_), [then](boost::system::error_code const&, std::size_t) { then(); });
  }

private:
  asio::posix::stream_descriptor in_;
  char text_[64];
};

inline void say_ready() {
  std::puts("READY");
  std::fflush(stdout);
}

}  // namespace bench

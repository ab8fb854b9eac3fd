// A TCP proxy on the loopback that does to a connection what networks do, when a test says so.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace coelect::test {

/// What becomes of a connection. `fin` and `rst` end it on both sides; the client of a stalled one hears nothing more,
/// and pass() does not bring it back.
enum class ending { fin = 1, rst, stall };
/// Whose bytes.
enum class direction { request = 1, reply };

struct proxy_request {
  std::string path;  ///< "/v3/kv/txn"
  std::string body;
};
using request_test = std::function<bool(proxy_request const&)>;
inline request_test is_path(std::string path) {
  return [path = std::move(path)](proxy_request const& r) { return r.path == path; };
}

struct proxy_counters {
  std::size_t accepted = 0;                     ///< Connections in all.
  std::size_t open = 0;                         ///< Those that neither the client nor a fault has ended.
  std::size_t request_bytes = 0;                ///< Forwarded to the server.
  std::size_t reply_bytes = 0;                  ///< Forwarded to the client.
  std::size_t held = 0;                         ///< Requests kept back now.
  std::size_t lost = 0;                         ///< Answers dropped by lose_reply().
  std::size_t cut = 0;                          ///< Connections ended by a cut.
  std::map<std::string, std::size_t> requests;  ///< By path, each when its last byte has come from the client.

  std::size_t requests_to(std::string const& path) const {
    auto const found = requests.find(path);
    return found == requests.end() ? 0 : found->second;
  }
};

/// Serves on 127.0.0.1, on a port below 32768, with a thread of its own. A request goes to the server in one piece when
/// it is complete; what is not HTTP/1.1 (TLS, an upgraded connection, a chunked request) passes unseen, and the faults
/// that look at requests do not touch it. One request at a time per connection: pipelined ones are not told apart.
///
/// Any thread may call; when a call returns, what it says holds. `request_test`s run on the proxy's thread, and they
/// call nothing here.
class fault_proxy {
public:
  explicit fault_proxy(std::uint16_t target_port);
  ~fault_proxy();

  std::uint16_t port() const noexcept;
  std::string endpoint() const;  ///< "127.0.0.1:PORT"
  std::string url() const;       ///< "http://127.0.0.1:PORT"

  // --- States of the network; each adds to the others, pass() ends them all.

  /// Everything passes again, first what has been kept back. Cuts, losses and holds to come are forgotten; requests
  /// that are held stay so.
  void pass();
  /// Nobody listens: new connections are refused. The existing ones go on.
  void refuse();
  /// Connections, new and existing, stay open and nothing comes through. What a client sends, and that it has gone, is
  /// seen here and passed on by pass().
  void blackhole();
  /// The same for the connections there are now; new ones work.
  void stall();
  /// Each piece of data waits for `each`, and no direction of a connection carries more than this many bytes per second
  /// (0 = any).
  void slow(std::size_t bytes_per_second, std::chrono::milliseconds each = {});

  /// Upgrades (WebSocket) are answered with 426 instead of being passed on, as by proxies that know none.
  void refuse_upgrades();

  // --- Events.

  void reset_all();   ///< RST to all clients and on all connections to the server.
  void finish_all();  ///< FIN likewise.
  /// Ends a connection after exactly `after` bytes in that direction, counted from now over all connections: the one
  /// that carries the last of them. With 0, the next one that has something to carry, before it does.
  void cut(direction whose, std::size_t after, ending how);
  /// Ends each of the next `count` connections accepted after exactly `after` of its own bytes in that direction. A
  /// second call replaces the first one for its direction.
  void next_connection_cut(direction whose, std::size_t after, ending how, std::size_t count = 1);
  /// The next `count` requests that fit reach the server, and as soon as it has answered the answer is dropped and the
  /// connection ends so.
  void lose_reply(request_test fits, std::size_t count = 1, ending how = ending::rst);
  void lose_reply(std::string path, std::size_t count = 1, ending how = ending::rst) {
    lose_reply(is_path(std::move(path)), count, how);
  }
  /// Keeps the next `count` requests that fit until release(), and what follows them on their connections.
  void hold_request(request_test fits, std::size_t count = 1);
  void hold_request(std::string path, std::size_t count = 1) { hold_request(is_path(std::move(path)), count); }
  /// Forwards what is held, also when its client has gone: a late execution. Holds no more.
  void release();

  proxy_counters counters() const;
  /// Waits until they are so; false when they are not in time.
  bool wait_until(std::function<bool(proxy_counters const&)> const& so,
                  std::chrono::milliseconds limit = std::chrono::seconds(10)) const;

  struct impl;  // private, but the .cpp has more than this class

private:
  std::unique_ptr<impl> impl_;
};

}  // namespace coelect::test

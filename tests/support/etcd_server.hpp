// Real etcd servers for tests: one member or a cluster, run as child processes, and a small blocking client for them.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace coelect::test {

using std::chrono::milliseconds;

/// Full path of the program; throws with the name of the package to install when there is none.
std::string etcd_program();
std::string etcdctl_program();

/// A loopback port from 15000 to 32000 that nothing listens on now and that this process has not handed out yet: below
/// Linux's ephemeral range, so that no outgoing connection sits on it when a member is started again.
std::uint16_t free_port();

std::string base64_encode(std::string_view bytes);
std::string base64_decode(std::string_view text);

// --- A client for tests -----------------------------------------------------------------------------------------------

/// What went wrong below HTTP. Anything that etcd answered is an etcd_answer, never this.
struct etcd_unreachable : std::runtime_error {
  enum class reason { refused = 1, reset, closed, timed_out };
  etcd_unreachable(reason r, std::string const& what) : std::runtime_error(what), why(r) {}
  reason why;
};

struct etcd_answer {
  int status = 0;
  nlohmann::json body;  ///< Discarded (`is_discarded()`) when the text is no JSON.
  std::string text;
};

/// POST http://127.0.0.1:`port`/v3/`path` on a connection of its own. Throws etcd_unreachable; `limit` is for all of it.
etcd_answer rpc(std::uint16_t port, std::string const& path, nlohmann::json const& body,
                milliseconds limit = std::chrono::seconds(10), std::string const& authorization = {});
/// GET of a plain page: "/health", "/version", "/metrics".
etcd_answer http_get(std::uint16_t port, std::string const& page, milliseconds limit = std::chrono::seconds(10));

struct etcd_key {
  std::string key, value;
  std::int64_t create_revision = 0, mod_revision = 0, version = 0, lease = 0;
};

/// The calls tests need most. Each throws std::runtime_error with etcd's text when the answer is not 200.
class etcd_client {
public:
  explicit etcd_client(std::uint16_t port, std::string token = {}) : port_(port), token_(std::move(token)) {}

  nlohmann::json call(std::string const& path, nlohmann::json const& body) const;
  std::int64_t revision() const;                                                                 ///< Of the store, now.
  std::int64_t put(std::string_view key, std::string_view value, std::int64_t lease = 0) const;  ///< Its revision.
  std::optional<etcd_key> get(std::string_view key) const;
  std::vector<etcd_key> list(std::string_view prefix) const;  ///< Oldest first; `prefix` must not be empty.
  std::int64_t del(std::string_view key) const;               ///< How many keys there were: 0 or 1.
  nlohmann::json txn(nlohmann::json const& body) const { return call("kv/txn", body); }
  std::int64_t grant(std::int64_t seconds, std::int64_t id = 0) const;
  void revoke(std::int64_t lease) const;
  std::int64_t time_to_live(std::int64_t lease) const;  ///< Seconds; -1 when the lease is gone.
  std::vector<std::int64_t> leases() const;
  void compact(std::int64_t revision) const;
  std::string authenticate(std::string const& user, std::string const& password) const;  ///< A token.

  milliseconds limit = std::chrono::seconds(10);

private:
  std::uint16_t port_;
  std::string token_;
};

// --- Servers ----------------------------------------------------------------------------------------------------------

struct etcd_tls {
  std::filesystem::path certificate, key, client_ca;
  bool client_cert_auth = false;
};

struct etcd_options {
  std::string name = "m0";         ///< A cluster numbers its members itself: m0, m1, ...
  std::vector<std::string> flags;  ///< Come last, so they win: {"--auth-token-ttl", "6"}.
  std::optional<etcd_tls> tls;     ///< For clients; peers talk plainly.
  bool quick = false;              ///< Heartbeat 50 ms, election time-out 500 ms.
  /// A cluster's members tell each other this port instead of the one that `member` listens on for its peers: that of a
  /// proxy, which the function makes.
  std::function<std::uint16_t(std::size_t member, std::uint16_t peer_port)> peers_through{};
};

/// One member. Its process dies with the thread that started it (PR_SET_PDEATHSIG), and at the latest with this object;
/// its data is on tmpfs and goes with it. Not for use from several threads at once.
class etcd_server {
public:
  /// Starts it and waits until it serves.
  explicit etcd_server(etcd_options options = {});
  etcd_server(etcd_server const&) = delete;
  etcd_server& operator=(etcd_server const&) = delete;
  ~etcd_server();

  void signal(int number) const;
  void stop();       ///< SIGSTOP. The kernel still accepts connections for it.
  void cont();       ///< SIGCONT.
  void kill();       ///< SIGKILL, and waits for the end.
  void terminate();  ///< SIGTERM, and waits for the end; throws after 20 s.
  /// Starts it again on the same ports and data, after kill() or terminate(). With `wait` false it returns at once: a
  /// member without a quorum never gets ready.
  void start(bool wait = true);
  void restart();  ///< kill(), if it lives, and start().
  /// Until it serves and knows a leader; throws with the end of its log. For TLS and for servers with users, too.
  void wait_until_ready(milliseconds limit = std::chrono::seconds(15));

  bool running() const;  ///< Neither ended nor stopped.
  pid_t pid() const noexcept { return pid_; }
  std::uint16_t client_port() const noexcept { return client_port_; }
  /// Plain HTTP for /health and /metrics, also when clients need TLS.
  std::uint16_t metrics_port() const noexcept { return options_.tls ? metrics_port_ : client_port_; }
  std::string endpoint() const;  ///< "127.0.0.1:PORT"
  std::string url() const;       ///< "http://127.0.0.1:PORT" or "https://..."
  etcd_client client(std::string token = {}) const { return etcd_client(client_port_, std::move(token)); }
  std::filesystem::path const& directory() const noexcept { return directory_; }
  std::string log() const;  ///< All that it has written so far.

private:
  friend class etcd_cluster;
  struct in_cluster {};
  etcd_server(etcd_options options, in_cluster);
  std::string peer_url() const;
  std::string advertised_peer_url() const;
  void pick_ports();
  void launch();
  bool ready() const;
  bool port_was_taken() const;
  void collect(int flags) const;

  etcd_options options_;
  std::filesystem::path directory_;
  std::string members_;  // --initial-cluster
  std::uint16_t client_port_ = 0, peer_port_ = 0, metrics_port_ = 0;
  std::uint16_t advertised_peer_port_ = 0;  // 0: peer_port_
  mutable pid_t pid_ = -1;
  bool stopped_ = false;
};

/// Several members on one host. A fault proxy in front of a member is the test's own affair.
class etcd_cluster {
public:
  /// Starts them and waits until all serve and name the same leader.
  explicit etcd_cluster(std::size_t members, etcd_options options = {});

  etcd_server& member(std::size_t i) { return *members_.at(i); }
  std::size_t size() const noexcept { return members_.size(); }
  std::vector<std::string> endpoints() const;  ///< Their URLs.
  /// The raft leader among the members that run; none while they disagree. With users, newer servers want a `token`.
  std::optional<std::size_t> leader(std::string const& token = {}) const;
  /// Throws when there is none in time.
  std::size_t wait_for_leader(milliseconds limit = std::chrono::seconds(15), std::string const& token = {}) const;

private:
  std::vector<std::unique_ptr<etcd_server>> members_;
};

/// Runs a program to its end and returns its output; throws with that output when it fails.
std::string run_program(std::vector<std::string> command, milliseconds limit = std::chrono::seconds(20));
/// The same for etcdctl with the v3 interface.
std::string etcdctl(std::vector<std::string> arguments, milliseconds limit = std::chrono::seconds(20));
/// Full path of a program in PATH, or what the environment variable names; empty when there is none.
std::string find_program(std::string const& name, char const* variable = nullptr);

}  // namespace coelect::test

// A pretended etcd cluster on virtual time: it does what etcd does, until a rule of the test says otherwise.
#pragma once
#include "http/transport.hpp"
#include "models/etcd_model.hpp"
#include "support/catch.hpp"
#include "support/one_host.hpp"
#include "support/virtual_world.hpp"
#include <coelect/etcd_store.hpp>
#include <cstdlib>
#include <list>
#include <vector>

namespace coelect::test {

using std::chrono::milliseconds;

/// One request as it came, and what becomes of it. Rules see it before it is carried out.
struct fake_call {
  std::size_t endpoint = 0;
  std::string path;  ///< "/v3/kv/txn"
  std::string raw_body;
  json body;
  std::string token;
  nanoseconds at{};  ///< World time when it was sent.

  milliseconds delay{1};            ///< From sending to the answer.
  bool execute = true;              ///< Carried out at once; a test can do it later.
  bool answered = true;             ///< If not: silence until the client gives up.
  bool cut = false;                 ///< The connection breaks instead of an answer.
  std::function<void(json&)> edit;  ///< Changes the true answer.
  std::optional<std::string> text;  ///< Stands in for the true answer; a watch's lines.
  int status = 200;                 ///< With `text`.
  bool mute = false;                ///< A watch that begins and tells nothing after that.
};

using call_test = std::function<bool(fake_call const&)>;

using fake_event = etcd_change;

/// The cluster. One raft, several endpoints. Leases run out only when a test says so.
class fake_etcd : public etcd_model, public http::network, public std::enable_shared_from_this<fake_etcd> {
public:
  explicit fake_etcd(virtual_world& world) : world_(world) {
    on_commit = [this](std::vector<etcd_change> const& events) { tell_all(events); };
  }

  std::vector<fake_call> calls;  ///< All of them, oldest first.
  /// Endpoints have WebSockets. Then each upgrade is a call to "/v3/watch upgrade", and what is said on a socket is one
  /// to "/v3/watch" (a watch begins), "/v3/watch cancel" or "/v3/watch progress". A `cut` of those breaks the socket.
  bool sockets = std::getenv("COELECT_ETCD_SOCKETS") != nullptr;

  /// The next `count` calls that fit are treated so. The latest rule that fits counts.
  void when(call_test fits, std::function<void(fake_call&)> act, std::size_t count = 1) {
    rules_.push_front({std::move(fits), std::move(act), count});
  }
  void always(call_test fits, std::function<void(fake_call&)> act) {
    when(std::move(fits), std::move(act), std::size_t(-1));
  }
  void no_rules() { rules_.clear(); }

  void end_streams(outcome how = {});
  std::size_t streams() const;  ///< Open ones; on sockets, watches.
  std::size_t open_sockets() const;
  void mute_sockets();                ///< Those that are open say nothing more.
  void say(std::string const& line);  ///< On all open streams; on sockets, to each watch.
  std::vector<fake_call> calls_to(std::string const& path) const;

  std::shared_ptr<http::transport> reach(std::shared_ptr<store_context> context, http::origin where, tls_options const&,
                                         http::transport_limits) override;

private:
  friend class fake_transport;
  struct rule {
    call_test fits;
    std::function<void(fake_call&)> act;
    std::size_t left;
  };
  struct flow;
  class channel;

  std::unique_ptr<http::web_socket> open_socket(std::size_t endpoint, std::shared_ptr<store_context> context,
                                                instant open_by, http::socket_reader& to);
  fake_call arrive(std::size_t endpoint, http::request const& what);
  void tell_all(std::vector<etcd_change> const& events);
  void tell_sockets(std::vector<etcd_change> const& events);
  void end_sockets(outcome const& how);
  void say_on_sockets(std::string const& line);
  std::size_t socket_watches() const;
  static void tell(fake_etcd& of, flow& to, std::vector<etcd_change> const& events);

  virtual_world& world_;
  std::list<rule> rules_;
  std::vector<std::weak_ptr<flow>> flows_;
  std::vector<std::weak_ptr<channel>> channels_;
};

// --- Tests on calls ---------------------------------------------------------------------------------------------------

inline call_test to_path(std::string path) {
  return [path = std::move(path)](fake_call const& c) { return c.path == path; };
}
/// A transaction with a put of a key that ends so; "anchor", "generation".
bool puts_key(fake_call const& c, std::string const& ending);
/// A transaction that deletes a key that nobody makes, in order to go through raft (R9).
bool writes_nothing(fake_call const& c);
/// With "create_revision" of a key compared to 0: somebody stands.
bool is_campaign(fake_call const& c);
/// The anchor put of a renewal: nothing compared, one put.
bool is_anchor_put(fake_call const& c);
/// The verifying transaction of a candidate whose turn it may be (R9).
bool is_verification(fake_call const& c);
/// A leader's question whether its key is still there (R8).
bool is_own_key_question(fake_call const& c);
/// A search for the predecessor.
bool is_search(fake_call const& c);
bool is_void(fake_call const& c);  ///< The generation key put alone (R14).

// --- The scene ----------------------------------------------------------------------------------------------------------

/// A host's environment whose network is the pretended cluster.
class fake_environment final : public environment {
public:
  fake_environment(std::shared_ptr<virtual_host> host, std::shared_ptr<fake_etcd> etcd)
      : host_(std::move(host)), etcd_(std::move(etcd)) {}
  instant now() const noexcept override { return host_->now(); }
  std::chrono::system_clock::time_point wall_clock() const override { return host_->wall_clock(); }
  std::uint64_t random() override { return host_->random(); }
  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) override { return host_->make_alarm(where); }
  std::shared_ptr<http::network> network() override { return etcd_; }

private:
  std::shared_ptr<virtual_host> host_;
  std::shared_ptr<fake_etcd> etcd_;
};

/// One host, one cluster. ttl 10 s unless said otherwise: V = 8 s, renewed every 3.2 s, 1.6 s a request.
struct etcd_scene {
  explicit etcd_scene(std::size_t endpoints = 1, std::string prefix = {})
      : world(7), host(world.add_host()), etcd(std::make_shared<fake_etcd>(world)) {
    how.endpoints.clear();
    for (std::size_t i = 0; i < endpoints; ++i) how.endpoints.push_back("http://10.0.0." + std::to_string(i + 1));
    how.prefix = std::move(prefix);
    how.timing.ttl = std::chrono::seconds(10);
    how.env = std::make_shared<fake_environment>(host, etcd);
    how.log = [this](severity, std::string_view line) { lines.emplace_back(line); };
  }

  std::shared_ptr<store> make_store() { return make_etcd_store(host->io.get_executor(), how); }
  elector make_elector(std::string candidate, std::shared_ptr<store> where = {}, std::string election = "leader") {
    elector_options o;
    o.election = std::move(election);
    o.candidate = std::move(candidate);
    return elector(host->io.get_executor(), where ? std::move(where) : make_store(), o);
  }

  bool until(std::function<bool()> const& done, nanoseconds limit = std::chrono::seconds(30)) {
    return world.run_until(done, limit);
  }
  void run(nanoseconds span) { world.run_for(span); }

  leadership win(elector& e) {
    catcher<leadership> won;
    e.campaign(won.handler());
    REQUIRE(until([&] { return won.done(); }));
    CHECK(*won.ec == error_code());
    return std::move(won.result);
  }

  /// The key of the oldest candidate, and of the youngest one.
  std::string oldest(std::string const& election = "leader") const;
  std::size_t standing(std::string const& election = "leader") const {
    return etcd->list(how.prefix + election + "/").size();
  }
  std::int64_t lease_of(std::string const& key) const { return etcd->keys.at(key).lease; }

  bool logged(std::string_view part) const {
    for (auto const& line : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }

  std::vector<std::string> lines;
  etcd_store_options how;
  virtual_world world;
  std::shared_ptr<virtual_host> host;
  std::shared_ptr<fake_etcd> etcd;
};

}  // namespace coelect::test

// Elections in etcd v3, through its JSON gateway.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <coelect/store.hpp>
#include <coelect/tls_options.hpp>
#include <memory>
#include <string>
#include <vector>

namespace coelect {

/// Settings of an etcd store.
struct etcd_store_options {
  /// http://host:port or https://host:port; the port may be left out (2379). One at least; all of one cluster.
  /// They are asked one at a time; when one fails, the next one is. As long as none has answered, an
  /// endpoint that a person has to put right (a bad certificate, no gateway) ends campaigns.
  std::vector<std::string> endpoints{"http://127.0.0.1:2379"};
  /// Put before every key, as it is; end it with a slash. With one, a single watch serves all elections
  /// of the store; without, each candidate opens its own. Up to 256 bytes.
  std::string prefix{};
  /// ttl: whole seconds, 1 s to 24 h, default 15 s, shared by all elections of the store. store_slack: not
  /// below the cluster's --election-timeout, default 1 s. etcd shows that only roughly (by the least ttl it
  /// grants); at the first campaign a slack that is surely too short is refused with errc::bad_options.
  lease_timing timing{};
  std::string username{};  ///< Empty: no authentication, and all watches share one WebSocket.
  std::string password{};
  tls_options tls{};  ///< For https endpoints.
  /// The key holds the value alone (or the candidate's name, if there is none), as other clients'
  /// candidates write it. Else it holds a JSON record of candidate, value and time.
  bool plain_values = false;
  log_fn log{};
  std::shared_ptr<environment> env{};  ///< Empty: environment::real().
};

/// A store in etcd 3.4 or newer with its gateway on. A candidate is a key PREFIX ELECTION/LEASE under the
/// store's lease, the oldest one leads: the layout of etcd's own election package, so etcdctl elect, Go
/// and other clients stand in the same elections. Candidates are served in the order of their arrival.
/// The fencing token is the create revision of the leader's key. Election names must not nest.
///
/// A renewal counts only if a write through raft confirms it, and the holder watches its own key. What no
/// client can see is a store that takes a live lease away (etcd#15247, until 3.4.31 and 3.5.13): the
/// watch ends the term within milliseconds, the token covers what lies between. Nothing between us and
/// etcd may repeat requests on its own (a proxy that retries POSTs): a campaign that is carried out again
/// after its term would keep the seat for as long as the store lives.
///
/// After the last term and candidacy connections for watches stay open for up to 0.2 s: so long an io_context that has
/// nothing else to do runs on while the store exists.
///
/// Does no network I/O before it is used; reads PEM files. Throws election_error(errc::bad_options) that
/// names the option. Source: https://etcd.io/docs/latest/dev-guide/api_grpc_gateway
std::shared_ptr<store> make_etcd_store(boost::asio::any_io_executor ex, etcd_store_options how);

}  // namespace coelect

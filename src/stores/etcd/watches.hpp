// All watches of one store: one for everything under its prefix, or one for each key when it has none; and how they travel.
#pragma once
#include "stores/etcd/watch_handle.hpp"
#include "stores/etcd/watch_stream.hpp"
#include <deque>
#include <map>
#include <memory>

namespace coelect::stores::etcd {

class watch_socket;

/// Without a user name all watches share one WebSocket, which cannot carry a token. With one, and where a server
/// has no WebSocket, each has a POST stream of its own.
///
/// On the store's strand. Its listeners are called from handlers of their own, never inside subscribe().
class watches {
public:
  /// `prefix`: when not empty, one watch on everything under it serves all subscribers. For the server that is one
  /// watch instead of thousands; what else happens under the prefix is of the same application.
  watches(etcd_client& client, rules::timings const& times, std::string const& prefix);
  watches(watches const&) = delete;
  watches& operator=(watches const&) = delete;
  ~watches();

  /// Every event on `what` with a mod_revision from `from` on is delivered, or on_gap() is. With
  /// `deletes_only`, puts need not be.
  [[nodiscard]] std::unique_ptr<watch_handle> subscribe(wire::etcd::key_range what, std::int64_t from,
                                                        bool deletes_only, watch_listener& to);

private:
  class shared_stream;
  class own_stream;

  std::unique_ptr<watch_handle> open(wire::etcd::key_range what, std::int64_t from, bool deletes_only,
                                     std::chrono::milliseconds span, watch_listener& to);

  etcd_client& client_;
  rules::timings times_;
  std::string prefix_;
  std::unique_ptr<watch_socket> socket_;  // null with a user name
  std::shared_ptr<shared_stream> shared_;
};

}  // namespace coelect::stores::etcd

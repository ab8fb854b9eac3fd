// All watches of one store: one stream for everything under its prefix, or one for each when it has none.
#pragma once
#include "stores/etcd/watch_stream.hpp"
#include <deque>
#include <map>
#include <memory>

namespace coelect::stores::etcd {

class watches;

/// One subscription. Destroying it ends it. On the store's strand.
class watch_handle {
public:
  virtual ~watch_handle() = default;
  virtual std::optional<instant> blind_since() const noexcept = 0;
  virtual void expect(std::int64_t revision) = 0;  ///< watch_stream::expect
};

/// On the store's strand. Its listeners are called from handlers of their own, never inside subscribe().
class watches {
public:
  /// `prefix`: when not empty, one stream watches everything under it for all subscribers.
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

  etcd_client& client_;
  rules::timings times_;
  std::string prefix_;
  std::shared_ptr<shared_stream> shared_;
};

}  // namespace coelect::stores::etcd

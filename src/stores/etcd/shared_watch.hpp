// One watch on everything under a prefix, handed out to many subscribers.
#pragma once
#include "stores/etcd/watches.hpp"
#include <unordered_map>
#include <vector>

namespace coelect::stores::etcd {

/// Open while it has subscribers, and for watch_linger after the last one. On the store's strand.
class watches::shared_stream final : public std::enable_shared_from_this<shared_stream>, private watch_listener {
public:
  shared_stream(watches& all, wire::etcd::key_range everything);

  /// `what`: one key, or everything under a prefix that ends in '/'.
  std::unique_ptr<watch_handle> subscribe(wire::etcd::key_range what, std::int64_t from, watch_listener& to);

private:
  struct subscriber {
    wire::etcd::key_range what{};
    watch_listener* to = nullptr;  // null once the subscription is over
  };
  class subscription;
  using subscriber_ptr = std::shared_ptr<subscriber>;
  using index = std::unordered_multimap<std::string_view, subscriber_ptr>;  // by their own key

  index& index_for(subscriber const& s) noexcept { return s.what.end.empty() ? by_key_ : by_prefix_; }
  void remove(subscriber_ptr const& s) noexcept;
  void catch_up(subscriber const& s, std::int64_t from);
  std::vector<subscriber_ptr> interested_in(std::string_view key) const;
  std::vector<subscriber_ptr> everybody() const;
  void remember(wire::etcd::watch_event const& what);

  void on_event(wire::etcd::watch_event const& what) override;
  void on_gap() override;
  void on_refused(outcome const& how) override;

  watches& all_;
  wire::etcd::key_range everything_;
  std::unique_ptr<watch_handle> stream_;
  timer linger_;
  index by_key_, by_prefix_;
  std::deque<wire::etcd::watch_event> past_;  // the latest events, for those whose start lies just behind; no values
  std::int64_t past_from_ = 0;                // from this revision on, past_ has everything up to
  std::int64_t delivered_ = 0;                // the highest revision that was handed out
};

}  // namespace coelect::stores::etcd

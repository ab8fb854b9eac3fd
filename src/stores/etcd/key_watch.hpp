// Watches one key for its deletion, on behalf of a candidate.
#pragma once
#include "stores/etcd/etcd_contender.hpp"

namespace coelect::stores::etcd {

/// Small: a process may have many thousands. Whoever is told may destroy it.
class etcd_contender::key_watch final : private watch_listener {
public:
  enum class role { own = 1, predecessor };

  key_watch(etcd_contender& of, role which, std::string const& key, std::int64_t from) : of_(of), role_(which) {
    watch_listener& hears = *this;
    handle_ = of.shared_.watch.subscribe(wire::etcd::key_range::one(key), from, true, hears);
  }

  std::optional<instant> blind_since() const noexcept { return handle_->blind_since(); }

private:
  void on_event(wire::etcd::watch_event const& what) override {
    if (!what.deleted) return;
    of_.safely([&] { role_ == role::own ? of_.own_key_deleted(what.kv.mod_revision) : of_.turn({}); });
  }
  void on_gap() override {
    of_.safely([this] { role_ == role::own ? of_.own_key_in_doubt() : of_.find_predecessor(); });
  }
  void on_refused(outcome const& how) override { of_.turn(how); }

  etcd_contender& of_;
  role role_;
  std::unique_ptr<watch_handle> handle_;
};

}  // namespace coelect::stores::etcd

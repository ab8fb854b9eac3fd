// Watches one key for its deletion, on behalf of a candidate.
#pragma once
#include "stores/etcd/etcd_contender.hpp"

namespace coelect::stores::etcd {

class etcd_contender::key_watch final : private watch_listener {
public:
  struct hooks {
    std::function<void(std::int64_t revision)> deleted;
    std::function<void()> unsure;  ///< Something may have been missed: look.
    std::function<void(outcome const&)> refused;
  };

  key_watch(watches& all, std::string const& key, std::int64_t from, hooks call) : key_(key), call_(std::move(call)) {
    watch_listener& hears = *this;
    handle_ = all.subscribe(wire::etcd::key_range::one(key), from, true, hears);
  }

  std::string const& key() const noexcept { return key_; }
  std::optional<instant> blind_since() const noexcept { return handle_->blind_since(); }

private:
  // Copies: whoever is called may destroy this watch.
  void on_event(wire::etcd::watch_event const& what) override {
    auto const call = call_.deleted;
    if (what.deleted) call(what.kv.mod_revision);
  }
  void on_gap() override {
    auto const call = call_.unsure;
    call();
  }
  void on_refused(outcome const& how) override {
    auto const call = call_.refused;
    call(how);
  }

  std::string key_;
  hooks call_;
  std::unique_ptr<watch_handle> handle_;
};

}  // namespace coelect::stores::etcd

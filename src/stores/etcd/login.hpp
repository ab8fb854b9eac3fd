// Keeps the token of one etcd member: tokens are good only where they were issued.
#pragma once
#include "http/transport.hpp"
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coelect::stores::etcd {

struct credentials {
  std::string username;
  base::secret password;
};

/// On the store's strand.
class login_at {
public:
  using done_fn = std::function<void(outcome const&)>;

  login_at(std::shared_ptr<store_context> context, std::shared_ptr<http::transport> way,
           std::shared_ptr<credentials const> who)
      : context_(std::move(context)), way_(std::move(way)), who_(std::move(who)) {}

  bool needed() const noexcept { return who_ && token_.empty(); }
  base::secret token() const { return token_.copy(); }
  /// Counts the tokens: whoever was refused with an older one need not log in again.
  std::uint64_t issue() const noexcept { return issue_; }

  /// Calls `done` when there is a token or none can be had. Requests made meanwhile share one login, and those of the half
  /// second after a refusal share that.
  /// Dropping the returned handle: not called any more.
  [[nodiscard]] std::shared_ptr<void> go(instant give_up, done_fn done);
  void forget() noexcept { token_ = {}; }

private:
  void on_answer(http::exchanged answer);
  void tell_all(outcome const& how);

  std::shared_ptr<store_context> context_;
  std::shared_ptr<http::transport> way_;
  std::shared_ptr<credentials const> who_;
  base::secret token_;
  std::uint64_t issue_ = 0;
  outcome refusal_;  // the last one
  instant refused_until_{};
  std::unique_ptr<http::pending> under_way_;
  std::vector<std::weak_ptr<done_fn>> waiting_;
};

}  // namespace coelect::stores::etcd

// Where bearer tokens come from: what every source of them does.
#pragma once
#include "base/secret.hpp"
#include <chrono>
#include <coelect/clock.hpp>
#include <coelect/error.hpp>
#include <functional>
#include <memory>
#include <string>

namespace coelect::stores::azure {

/// How one attempt to get a token went.
struct fetched {
  outcome how{};
  bool absent = false;  ///< Only when !how.ok(): this source is not set up here, another one may be.
  base::secret token{};
  std::chrono::seconds good_for{};
};
using fetched_fn = std::function<void(fetched)>;

/// On the store's strand.
class token_source {
public:
  token_source() = default;
  token_source(token_source const&) = delete;
  token_source& operator=(token_source const&) = delete;
  virtual ~token_source() = default;

  /// For messages: "managed identity".
  virtual std::string const& name() const noexcept = 0;
  /// Answers once, by `give_up`, never inside this call. Dropping the returned handle, which must not
  /// outlive the source: not called any more. One at a time.
  [[nodiscard]] virtual std::shared_ptr<void> fetch(instant give_up, fetched_fn done) = 0;
  /// What has gone wrong so far in the attempt that is under way; empty: nothing.
  virtual std::string trouble() const { return {}; }
};

}  // namespace coelect::stores::azure

// Decides when a bearer token is fetched: early, in the background, and anew when one was refused.
#pragma once
#include "stores/azure/authorizer.hpp"
#include "stores/azure/token_source.hpp"
#include <chrono>
#include <memory>

namespace coelect::stores::azure {

/// How long a token is used before another one is looked for, in the background: half of its life if that
/// is more than two hours, else all but the last five minutes, and half of it at least.
constexpr std::chrono::nanoseconds refresh_after(std::chrono::nanoseconds life) {
  using namespace std::chrono_literals;
  return life > 2h ? life / 2 : life - std::min<std::chrono::nanoseconds>(5min, life / 2);
}

/// Requests wait for a token only while there is none. A fetch has a time limit of its own and goes on when
/// whoever waited for it has given up: the next one finds it done. A token is used until it really ends,
/// whatever becomes of the attempts to replace it.
class bearer final : public authorizer {
public:
  bearer(std::shared_ptr<store_context> context, std::unique_ptr<token_source> from);
  ~bearer() override;  ///< Any thread.

  bool ready() override;
  [[nodiscard]] std::shared_ptr<void> prepare(instant give_up, reply<outcome> done) override;
  void authorize(http::request& what) override;
  /// Drops the token, but not within ten seconds of the last time: requests that were sent with the token
  /// before this one are refused late.
  bool refused() override;

private:
  class cache;
  std::shared_ptr<cache> cache_;
};

}  // namespace coelect::stores::azure

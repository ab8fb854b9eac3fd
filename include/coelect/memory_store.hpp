// Elections inside one process, with faults on demand: what unit tests are written with.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <coelect/store.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace coelect {

/// The requests that a memory store sends to its hub.
enum class memory_request { acquire = 1, renew, publish, release, wait, look, watch, depose };

/// What happens to one request on its way. All zero: it arrives and is answered at once.
struct memory_fate {
  std::chrono::nanoseconds request_delay{0};  ///< Until the hub sees it. It is seen even if the sender gave up.
  std::chrono::nanoseconds reply_delay{0};    ///< Until the sender sees the answer.
  bool lose_request = false;                  ///< The hub never sees it; the sender runs into its time limit.
  bool lose_reply = false;                    ///< The hub acts on it, the sender does not hear.
  std::optional<std::chrono::nanoseconds> duplicate_after{};  ///< The hub sees it once more, this much later.
};

/// The "server" that several memory stores share, with a clock of its own. Any thread.
class memory_hub {
public:
  virtual ~memory_hub() = default;
  /// Drops the hold on `election` as if its lease had run out, whoever has it.
  virtual void expire(std::string election) = 0;
  /// Drops the hold and forgets the token counter, as a store that was restored or recreated.
  virtual void reset(std::string election) = 0;

protected:
  memory_hub() = default;
};

struct memory_hub_options {
  /// Renewing a lease that has run out but was not taken says OK and revives it, as Azure does.
  bool revive_expired = false;
  /// Renewing a lease that is gone says OK and does nothing, as some etcd versions do (etcd#14758).
  bool ack_dead_renewals = false;
  std::shared_ptr<environment> env{};  ///< The hub's clock; empty: environment::real().
};

/// A hub whose timers run on `ex`.
std::shared_ptr<memory_hub> make_memory_hub(boost::asio::any_io_executor ex, memory_hub_options how = {});

struct memory_store_options {
  std::shared_ptr<memory_hub> hub{};                    ///< Empty: one of its own, on the same executor.
  lease_timing timing{};                                ///< ttl 10 ms to 24 h, default 15 s; store_slack default 0.
  std::function<memory_fate(memory_request)> faults{};  ///< Asked for every request, on the store's strand.
  log_fn log{};
  std::shared_ptr<environment> env{};  ///< Empty: environment::real().
};

/// A store in memory with leases: the holder's elector renews, a silent one loses its hold after ttl.
/// Candidates are not queued. Throws election_error(errc::bad_options). Does no I/O.
std::shared_ptr<store> make_memory_store(boost::asio::any_io_executor ex, memory_store_options how = {});

}  // namespace coelect

// The server side of a simulated election: one kind of store, its troubles, and what must be left of it at the end.
#pragma once
#include "sim/network.hpp"
#include <coelect/coelect.hpp>
#include <coelect/testing/checker.hpp>
#include <coelect/testing/faults.hpp>
#include <coelect/testing/world.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace coelect::sim {

/// What every stage is given.
struct surroundings {
  testing::world& world;
  testing::fault_schedule& faults;
  testing::checker& judge;    ///< Of valid() and of an outside resource.
  testing::checker& guarded;  ///< Of the writes that the store itself guards.
};

class stage {
public:
  virtual ~stage() = default;
  virtual std::string text() const = 0;  ///< What this seed has drawn, in one line.
  virtual std::shared_ptr<store> make_store(testing::host& on) = 0;
  virtual void disturb() = 0;  ///< Something happens to the servers, or an operator does something.
  virtual void heal() = 0;
  virtual nanoseconds ttl() const = 0;
  /// After all is well again somebody leads within this time.
  virtual nanoseconds liveness_bound() const = 0;
  virtual bool guards_writes() const { return false; }
  traffic sent{};  ///< Of stores that talk HTTP.
  /// What is still held when everybody has stopped and a ttl has passed; empty: nothing, as it must be.
  virtual std::string leftovers() const { return {}; }
  nanoseconds excused_until{-1};  ///< Until then a term may outlive its hold: an operator took it.
  /// Whether the store itself says that `token` leads now.
  virtual bool holds(std::uint64_t token) const { return token != 0; }
  /// Whether a candidate of that name is in the queue and kept there, for stores that have one.
  virtual bool queues(std::string const& candidate) const { return candidate.empty(); }
  /// On which host that token is valid; null: nowhere. Set by who knows.
  std::function<testing::host const*(std::uint64_t token)> valid_on{};
};

std::unique_ptr<stage> make_memory_stage(surroundings in);
std::unique_ptr<stage> make_etcd_stage(surroundings in, bool sockets);
std::unique_ptr<stage> make_azure_stage(surroundings in);

/// What a store logs, into the trace; empty while nobody reads one.
log_fn trace_log(testing::host& on);

message_mix draw_messages(testing::world& dice);

/// Host clocks run at 0.91 to 1.09 of the world's: slewed to the limit against a store that is not.
testing::host_clock draw_clock(testing::world& world);

}  // namespace coelect::sim

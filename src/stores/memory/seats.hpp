// Decides what the memory hub answers: leases, tokens and waiting observers of all elections. No I/O.
#pragma once
#include <chrono>
#include <coelect/store.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace coelect::stores::memory {

using std::chrono::nanoseconds;

/// Who holds an election.
struct holder {
  std::uint64_t id = 0;  ///< Of the candidacy; 0: the seat is empty.
  leader_info leader;
  nanoseconds expires{};
};

/// Called once when an observer's seat looks different from what it has seen. Expired: forgotten.
using notify = std::function<void()>;

/// All elections of one hub. `now` is the hub's clock; every call first lets expired holds go.
class seats {
public:
  seats(bool revive_expired, bool ack_dead_renewals)
      : revive_expired_(revive_expired), ack_dead_renewals_(ack_dead_renewals) {}

  /// Token of the hold if `who` has it now, else 0. Idempotent for the holder, and extends its hold.
  std::uint64_t acquire(std::string const& election, std::uint64_t id, leader_info who, nanoseconds ttl,
                        nanoseconds now);
  bool renew(std::string const& election, std::uint64_t id, nanoseconds ttl, nanoseconds now);
  bool publish(std::string const& election, std::uint64_t id, std::string value, nanoseconds now);
  void release(std::string const& election, std::uint64_t id, nanoseconds now);
  sighting look(std::string const& election, nanoseconds now);
  /// False: no leader with that token. The holder's observer finds deposed().
  bool ask_to_resign(std::string const& election, std::uint64_t token, nanoseconds now);
  bool deposed(std::string const& election, std::uint64_t id) const;
  bool holds(std::string const& election, std::uint64_t id, nanoseconds now);
  void expire(std::string const& election, nanoseconds now);
  void reset(std::string const& election);

  /// `what` is called at the next change of this seat, unless it has expired by then.
  void observe(std::string const& election, std::weak_ptr<notify> what);

  /// Lets expired holds go and says when to call again; nanoseconds::max(): no need.
  nanoseconds sweep(nanoseconds now);

private:
  struct seat {
    holder held;
    std::uint64_t last_token = 0;
    std::uint64_t deposed_token = 0;
    std::vector<std::weak_ptr<notify>> observers;
  };

  seat& fresh(std::string const& election, nanoseconds now);
  static void vacate(seat& s);
  static void changed(seat& s);

  bool revive_expired_;
  bool ack_dead_renewals_;
  std::map<std::string, seat> seats_;
};

}  // namespace coelect::stores::memory

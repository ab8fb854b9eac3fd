// A process that stands in the simulated election again and again, and writes while it leads.
#pragma once
#include "sim/stage.hpp"
#include <boost/asio/awaitable.hpp>
#include <optional>

namespace coelect::sim {

/// The outside resource that a leader writes to: it refuses tokens below the newest it has seen.
class resource {
public:
  explicit resource(surroundings in) : in_(in) {}
  void write(std::uint64_t token);

private:
  surroundings in_;
  std::uint64_t newest_ = 0;
};

class candidate {
public:
  candidate(surroundings in, stage& servers, resource& outside, std::shared_ptr<testing::host> on);
  candidate(candidate const&) = delete;
  candidate& operator=(candidate const&) = delete;

  bool stands() const noexcept;
  void start();        ///< A new process: store, elector, and it stands.
  void stand_again();  ///< After it stood back.
  void crash();        ///< What it was is destroyed; host::crash() has been called.
  void stop();         ///< It resigns for good.

  /// Its user does something: resigns, drops the term, proclaims, asks the leader to go, stands back for a while.
  void fidget();
  void write();  ///< If it may act.
  void heal() noexcept { healed_ = true; }

  std::uint64_t valid_token() const { return signal_ ? signal_->fencing_token() : 0; }
  /// Looks at what must hold at any moment; the judge hears of it.
  void look();
  testing::host& host() const noexcept { return *host_; }
  std::uint64_t acknowledged() const noexcept { return acknowledged_; }

private:
  struct process;  // destroyed by a crash, with all that waits in it
  static boost::asio::awaitable<void> stand(std::shared_ptr<process> self, unsigned stint);
  void stand_still_at_the_worst_moment();
  void keep_others();
  void stand_back();
  void look_for_ghost(std::shared_ptr<process> const& self, unsigned stint, bool seen_before);
  void guarded_write(std::shared_ptr<leadership> const& term);

  surroundings in_;
  stage& servers_;
  resource& outside_;
  std::shared_ptr<testing::host> host_;
  std::string name_;
  std::shared_ptr<process> now_;
  std::optional<leadership_signal> signal_;
  nanoseconds silent_since_{-1};
  std::uint64_t acknowledged_ = 0;
  unsigned lives_ = 0;
  bool keeps_others_, stands_back_, wicked_, healed_ = false;
};

}  // namespace coelect::sim

// A place where elections are held, and one candidate in it: what a new store implements.
#pragma once
#include <chrono>
#include <coelect/clock.hpp>
#include <coelect/error.hpp>
#include <coelect/guarded_writes.hpp>
#include <coelect/store_context.hpp>
#include <coelect/timing.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coelect {

/// Who leads, as last seen in the store. For display and routing: it may be stale on arrival.
class leader_info {
public:
  leader_info() = default;
  leader_info(std::string candidate, std::string value, std::uint64_t token,
              std::chrono::system_clock::time_point since)
      : candidate_(std::move(candidate)), value_(std::move(value)), token_(token), since_(since) {}

  std::string const& candidate() const noexcept { return candidate_; }
  std::string const& value() const noexcept { return value_; }  ///< As last proclaimed.
  std::uint64_t fencing_token() const noexcept { return token_; }
  /// By the leader's wall clock; for display only.
  std::chrono::system_clock::time_point since() const noexcept { return since_; }

private:
  std::string candidate_, value_;
  std::uint64_t token_ = 0;
  std::chrono::system_clock::time_point since_{};
};

/// What an observer saw: nothing yet, an empty seat, or a leader. A value.
class sighting {
public:
  sighting() = default;  ///< Nothing seen yet.
  static sighting empty_seat() {
    sighting s;
    s.seen_ = true;
    return s;
  }
  explicit sighting(leader_info leader) : seen_(true), leader_(std::move(leader)) {}

  bool seen() const noexcept { return seen_; }
  bool empty() const noexcept { return !leader_.has_value(); }
  leader_info const* operator->() const noexcept { return &*leader_; }  ///< Only when !empty().
  leader_info const& operator*() const noexcept { return *leader_; }    ///< Only when !empty().
  std::uint64_t fencing_token() const noexcept { return leader_ ? leader_->fencing_token() : 0; }
  explicit operator bool() const noexcept { return !empty(); }

  /// True when nothing that an observer cares about has changed: same token, same value.
  bool same_as(sighting const& other) const noexcept;

private:
  bool seen_ = false;
  std::optional<leader_info> leader_;
};

/// Limits a store imposes; electors check their options against them at construction.
struct store_limits {
  std::size_t value_max = 65'536;  ///< Bytes of a published value. etcd 16 KiB, Azure 4 KiB, else 64 KiB.
  std::size_t writes_max = 0;      ///< Writes in one guarded transaction; 0: the store has none. etcd 100.
  std::size_t writes_bytes = 0;    ///< And bytes of their names and contents together. etcd 1,000,000.
  bool queue = false;              ///< Candidates are served in arrival order.
  bool expires = false;            ///< A silent holder loses its hold after the ttl (file: no, only on close or death).
  std::chrono::milliseconds request_timeout{2'500};  ///< Limit of one request, from lease_timing.
  std::chrono::milliseconds retry_min{200};          ///< Back-off of candidates, from lease_timing.
  std::chrono::milliseconds retry_max{5'000};
};

/// A confirmed hold on an election.
struct grant {
  std::uint64_t fencing_token{};  ///< Larger than in every earlier hold of this election.
  /// Counted from before the request that last extended the hold was sent, never from its answer.
  instant valid_until{};  ///< instant::never() for a store without leases.
};

/// Answer of one try: `how` failed, or `held` is set, or neither: somebody else holds it.
struct attempt {
  outcome how{};
  std::optional<grant> held{};
};

/// An answer from a store: called once, on the store's strand, never inside the call that asked,
/// and not at all after the object that was asked is destroyed. Whoever is called may destroy the
/// object that was asked.
template <class... Results>
using reply = std::function<void(Results...)>;

/// What a hold tells the elector while it lasts: after the reply of the try_acquire that won, never
/// before it, and nothing after lost(). All on the store's strand. It may call the contender back.
class hold_listener {
public:
  virtual void extended(instant valid_until) = 0;             ///< A renewal was confirmed. Only grows.
  virtual void at_risk() = 0;                                 ///< The deadline is near and no renewal came through.
  virtual void all_clear() = 0;                               ///< One came through after all.
  virtual void asked_to_resign() = 0;                         ///< Somebody asked the leader to step down.
  virtual void lost(error_code why, std::string detail) = 0;  ///< Over: cond::lost, errc::store_reset or errc::stopped.

protected:
  ~hold_listener() = default;
};

/// One candidate in one election, with an identity of its own: a new term takes a new contender.
/// Owned by the elector and used on the store's strand. Nothing throws for store trouble.
/// Renewing what is held is the contender's own business; it reports through hold_listener.
class contender {
public:
  contender() = default;
  contender(contender const&) = delete;
  contender& operator=(contender const&) = delete;
  /// Lets go without a word to the store: no reply is called any more, descriptors are closed.
  virtual ~contender() = default;

  /// One try. Idempotent: after an ambiguous failure it is simply called again.
  virtual void try_acquire(instant give_up, reply<attempt> done) = 0;
  /// Answers when another try is worthwhile. May wait for ever; needs little memory while it does.
  virtual void wait_turn(reply<outcome> done) = 0;
  /// Replaces the published value, guarded by the fencing token. Only while held.
  virtual void publish(std::string value, instant give_up, reply<outcome> done) = 0;
  /// Carries `what` out if, and only if, this hold is not over; errc::not_leader if it is. Only while
  /// held, and only in stores whose limits allow for it. After a failure it may have been carried out,
  /// and may yet be for as long as the hold lasts.
  virtual void write(guarded_writes what, instant give_up, reply<outcome> done);
  /// Gives up the hold or the place in the queue. Whatever else is under way is abandoned: its
  /// reply is not called any more.
  virtual void leave(instant give_up, reply<outcome> done) = 0;
  /// A descriptor whose open state *is* the hold: a child process that inherits a copy keeps the
  /// hold alive until it exits. -1 when the store has no such thing.
  virtual int lock_descriptor() const noexcept { return -1; }
};

/// An observer that is waiting. Destroying it ends the wait without an answer.
class observation {
public:
  observation() = default;
  observation(observation const&) = delete;
  observation& operator=(observation const&) = delete;
  virtual ~observation() = default;
};

/// What a contender is made from. The elector owns it and keeps it, unchanged, for longer than the contender lives.
struct candidacy {
  std::string election{};
  std::string candidate{};
  std::string value{};
};

enum class depose_how {
  ask = 1,  ///< The leader is asked to resign and obeys when it hears of it.
  /// The hold is taken away. Between that and the leader's noticing it two may act; the token then
  /// is the only protection. Not every store can.
  force,
};

/// A place where elections are held. Shared by its electors, which keep it alive. To add a kind of
/// store, implement this and contender. Public members may be called from any thread, the other
/// ones run on the store's strand.
class store {
public:
  store(store const&) = delete;
  store& operator=(store const&) = delete;
  virtual ~store() = default;

  virtual store_limits limits() const noexcept = 0;
  /// For logs and messages, without secrets: "file:/var/lib/app".
  virtual std::string describe() const = 0;
  std::shared_ptr<store_context> const& context() const noexcept { return context_; }

  /// A new contender. It may keep references to `who` and `hears`: both outlive it.
  virtual std::unique_ptr<contender> enter(candidacy const& who, hold_listener& hears) = 0;
  /// Who leads right now? The reply may come after the store's user has lost interest.
  virtual void look(std::string const& election, instant give_up, reply<outcome, sighting> done) = 0;
  /// Answers once, when what is seen differs from `seen`. Nothing is missed for ever, but what
  /// changes twice in between may be skipped.
  virtual std::unique_ptr<observation> watch(std::string const& election, sighting const& seen,
                                             reply<outcome, sighting> done) = 0;
  /// The leader with `token` is asked, or made, to go. A leader with another token is left alone.
  virtual void depose(std::string const& election, std::uint64_t token, depose_how how, instant give_up,
                      reply<outcome> done) = 0;

protected:
  explicit store(std::shared_ptr<store_context> context) : context_(std::move(context)) {}

private:
  std::shared_ptr<store_context> context_;
};

}  // namespace coelect

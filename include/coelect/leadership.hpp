// One term of leadership: ask it, wait on it, give it up.
#pragma once
#include <coelect/clock.hpp>
#include <coelect/detail/initiate.hpp>
#include <coelect/error.hpp>
#include <coelect/guarded_writes.hpp>
#include <coelect/term_end.hpp>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

namespace coelect {

namespace detail {
class term_state;
}

/// One term of leadership. Move-only. Own it for exactly as long as you act as leader.
///
/// Every member may be called from any thread; a single object must not be moved or destroyed while
/// another thread uses it. Destruction ends the term at once (valid() is false for everybody) and
/// releases it in the background; it never blocks and never throws. resign() waits for the release.
class leadership {
public:
  using executor_type = boost::asio::any_io_executor;

  leadership() noexcept;  ///< Owns no term: valid() is false, tokens are 0, waits complete at once.
  leadership(leadership&&) noexcept;
  leadership& operator=(leadership&&) noexcept;  ///< Ends the term held so far, like destruction.
  ~leadership();

  executor_type get_executor() const noexcept;  ///< The elector's; empty when no term is owned.
  explicit operator bool() const noexcept { return static_cast<bool>(state_); }  ///< Owns a term.

  /// True while this process may act as leader: the term has not ended and its deadline has not
  /// passed on either clock. Reads the clocks each time; no lock, no allocation, no I/O; false in a
  /// forked child. Ask right before each side effect and pass fencing_token() along: time alone
  /// cannot stop a write that is already on its way.
  bool valid() const noexcept;
  /// True while valid() and at least `needed` is left before the deadline.
  bool valid_for(std::chrono::nanoseconds needed) const noexcept;
  /// Until valid() turns false unless a renewal is confirmed first; 0 when over; max() when the
  /// store has no leases.
  std::chrono::nanoseconds remaining() const noexcept;
  clock::time_point valid_until() const noexcept;  ///< now + remaining(), or time_point::max().

  /// Strictly larger than in every earlier term of the election, never 0 for a real term. Stays the
  /// same after the end. etcd: create revision of our key; Azure: counter in the blob's metadata;
  /// file: counter in the lock file.
  std::uint64_t fencing_token() const noexcept;
  std::string const& election() const noexcept;
  std::string const& candidate() const noexcept;

  /// Requested when at_risk() completes, and at the latest when the term ends. Its callbacks run on the
  /// elector's executor (where the end is noticed, once that executor's context is gone). It is not
  /// taken back if a renewal comes through after all.
  std::stop_token stop_token() const noexcept;
  term_end ended() const;  ///< How the term ended, or end_of_term::running.

  /// The open file description that is the hold (file store), or -1. A child process that inherits a
  /// duplicate keeps others out until it exits, as with flock(1). Duplicate it; never unlock it.
  int lock_descriptor() const noexcept;

  /// Completes when the term should be wound down, at once if it should already. Signature
  /// void(error_code, risk). The code is set only when this wait is cancelled (operation_aborted).
  /// Level-triggered; any number of waiters. Cancellation: terminal, partial, total.
  template <boost::asio::completion_token_for<void(error_code, risk)> Token = boost::asio::deferred_t>
  auto at_risk(Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<detail::term_state> s) { start_at_risk(std::move(s), std::move(h)); };
    return detail::initiate<void(error_code, risk)>(get_executor(), go, std::forward<Token>(token), state_);
  }

  /// Completes when the term has ended, at once if it has already. Signature
  /// void(error_code, term_end). The code is set only when this wait is cancelled.
  /// Level-triggered; any number of waiters. Cancellation: terminal, partial, total.
  template <boost::asio::completion_token_for<void(error_code, term_end)> Token = boost::asio::deferred_t>
  auto lost(Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<detail::term_state> s) { start_lost(std::move(s), std::move(h)); };
    return detail::initiate<void(error_code, term_end)>(get_executor(), go, std::forward<Token>(token), state_);
  }

  /// Publishes a new value for observers without a new election. Signature void(error_code).
  /// Errors: errc::not_leader, errc::bad_options (longer than store_limits::value_max),
  /// cond::transient, cond::fatal. After a transient error it may or may not have been stored.
  /// Cancellation: terminal, with the same doubt.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto proclaim(std::string value, Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<detail::term_state> s, std::string v) {
      start_proclaim(std::move(s), std::move(v), std::move(h));
    };
    return detail::initiate<void(error_code)>(get_executor(), go, std::forward<Token>(token), state_, std::move(value));
  }

  /// Writes into the store itself, guarded by this term: the store carries it out only if the term is
  /// not over *there*, so a leader that was paused and has been replaced writes nothing. Stores without
  /// such writes (file, memory): errc::unsupported. Azure: `name` is a blob beside the election's; one that
  /// is erased stays, empty, with the term that keeps earlier leaders out. etcd: `name` is a key and used as it is; it must not
  /// lie among the election's candidates. Signature void(error_code). Errors: errc::not_leader when the
  /// term is over here or there, errc::bad_options (no name, or over store_limits::writes_bytes),
  /// cond::transient, cond::fatal. After a transient error, or not_leader because the term ended
  /// meanwhile, it may have been carried out, or may yet be while the term lasts in the store.
  /// Cancellation: terminal, with the same doubt.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto guarded_put(std::string name, std::string content, Token&& token = Token()) {
    guarded_writes one;
    one.put(std::move(name), std::move(content));
    return guarded_txn(std::move(one), std::forward<Token>(token));
  }

  /// Up to store_limits::writes_max writes, all or none of them; else like guarded_put().
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto guarded_txn(guarded_writes what, Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<detail::term_state> s, guarded_writes w) {
      start_write(std::move(s), std::move(w), std::move(h));
    };
    return detail::initiate<void(error_code)>(get_executor(), go, std::forward<Token>(token), state_, std::move(what));
  }

  /// Ends the term, then releases it. valid() is false from the initiation on. Signature
  /// void(error_code). Errors: cond::transient when the release was not confirmed within
  /// elector_options::release_timeout (the hold then runs out by itself); errc::not_leader when the
  /// term had ended before. Cancellation: terminal; only the confirmation is given up.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto resign(Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<detail::term_state> s) { start_resign(std::move(s), std::move(h)); };
    return detail::initiate<void(error_code)>(get_executor(), go, std::forward<Token>(token), state_);
  }

private:
  friend class detail::term_state;
  explicit leadership(std::shared_ptr<detail::term_state> state) noexcept;
  using state_ptr = std::shared_ptr<detail::term_state>;
  static void start_at_risk(state_ptr, detail::handler<void(error_code, risk)>);
  static void start_lost(state_ptr, detail::handler<void(error_code, term_end)>);
  static void start_proclaim(state_ptr, std::string, detail::handler<void(error_code)>);
  static void start_write(state_ptr, guarded_writes, detail::handler<void(error_code)>);
  static void start_resign(state_ptr, detail::handler<void(error_code)>);

  state_ptr state_;
};

}  // namespace coelect

// Takes part in one election on behalf of one candidate.
#pragma once
#include <coelect/detail/abi.hpp>
#include <coelect/leadership.hpp>
#include <coelect/leadership_signal.hpp>
#include <coelect/log.hpp>
#include <coelect/store.hpp>

namespace coelect {

/// Settings of one elector. Lease timings belong to the store (lease_timing).
struct elector_options {
  std::string election;     ///< Required: 1 to 128 of [A-Za-z0-9._/-], no empty segment. Same for all candidates.
  std::string candidate{};  ///< Unique per process, up to 255 characters. Empty: host.pid.random.
  std::string value{};      ///< Published on winning, replaced by proclaim(). Up to store_limits::value_max bytes.
  /// How long resign(), stop() and a cancelled campaign wait for the store to confirm the release.
  /// 0: at most 1 s and the store's request_timeout. 1 ms to 60 s.
  std::chrono::milliseconds release_timeout{0};
  /// lead() only: how long a body that was asked to end is waited for before the term is released under
  /// it. 0: as long as it takes. It is awaited afterwards all the same.
  std::chrono::milliseconds drain_timeout{0};
  log_fn log{};  ///< Empty: what happens in this election goes to the store's log.
};

/// Takes part in one election on behalf of one candidate.
///
/// Calls may come from any thread. The work runs on the store's strand; completion handlers run on
/// their associated executor, by default on the executor given here. In a forked child an elector of
/// the parent's does nothing and its calls end with errc::stopped; a child makes its own.
class elector {
public:
  using executor_type = boost::asio::any_io_executor;

  /// Throws election_error(errc::bad_options) that names the option. Does no I/O.
  elector(executor_type ex, std::shared_ptr<store> where, elector_options how)
      : elector(std::move(ex), std::move(where), std::move(how), detail::same_boost()) {}
  elector(elector&&) noexcept;
  elector& operator=(elector&&) noexcept;
  ~elector();  ///< Like stop() without waiting.

  executor_type get_executor() const noexcept;
  std::string const& election() const noexcept;
  std::string const& candidate() const noexcept;
  std::shared_ptr<store> const& where() const noexcept;

  /// A copyable view of "do we lead now?" across all terms of this elector.
  leadership_signal signal() const noexcept;

  /// Waits, as long as it takes, until this candidate leads; the hold is renewed from then on.
  /// Transient trouble is logged and retried for ever. Signature void(error_code, leadership).
  /// Errors: errc::busy, errc::stopped, cond::fatal, operation_aborted when the caller cancelled. On
  /// any error this candidate has left the queue, or what it may hold is running out.
  /// Cancellation: terminal, partial, total; takes at most release_timeout. Until it completes the
  /// elector must live, or it completes with errc::stopped.
  template <boost::asio::completion_token_for<void(error_code, leadership)> Token = boost::asio::deferred_t>
  auto campaign(Token&& token = Token()) {
    auto go = [](auto h, state_ptr s) { start_campaign(std::move(s), false, std::move(h)); };
    return detail::initiate<void(error_code, leadership)>(get_executor(), go, std::forward<Token>(token), state_);
  }

  /// One attempt. Signature void(error_code, leadership). Without an error and with a leadership
  /// that converts to false: somebody else leads. Otherwise like campaign(), but a transient error
  /// completes it too.
  template <boost::asio::completion_token_for<void(error_code, leadership)> Token = boost::asio::deferred_t>
  auto try_campaign(Token&& token = Token()) {
    auto go = [](auto h, state_ptr s) { start_campaign(std::move(s), true, std::move(h)); };
    return detail::initiate<void(error_code, leadership)>(get_executor(), go, std::forward<Token>(token), state_);
  }

  /// Who leads now? Signature void(error_code, sighting). Works without campaigning.
  /// Cancellation: terminal, partial, total.
  template <boost::asio::completion_token_for<void(error_code, sighting)> Token = boost::asio::deferred_t>
  auto leader(Token&& token = Token()) {
    auto go = [](auto h, state_ptr s) { start_look(std::move(s), std::move(h)); };
    return detail::initiate<void(error_code, sighting)>(get_executor(), go, std::forward<Token>(token), state_);
  }

  /// Completes when what is to be seen differs from `seen`: `seen = co_await e.watch(seen)` in a loop
  /// follows the election; sighting{} reports what is there at once. Signature
  /// void(error_code, sighting). Transient trouble is retried. Works without campaigning. Any number
  /// at a time. Cancellation: terminal, partial, total.
  template <boost::asio::completion_token_for<void(error_code, sighting)> Token = boost::asio::deferred_t>
  auto watch(sighting const& seen, Token&& token = Token()) {
    auto go = [](auto h, state_ptr s, sighting last) { start_watch(std::move(s), std::move(last), std::move(h)); };
    return detail::initiate<void(error_code, sighting)>(get_executor(), go, std::forward<Token>(token), state_,
                                                        sighting(seen));
  }

  /// Ends everything for good: withdraws the candidacy or ends and releases the term, then completes.
  /// A body under lead() is cancelled and awaited first. Signature void(error_code): cond::transient
  /// when the release was not confirmed within release_timeout. Cancellation: terminal; only the
  /// confirmation is given up.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto stop(Token&& token = Token()) {
    auto go = [](auto h, state_ptr s) { start_stop(std::move(s), std::move(h)); };
    return detail::initiate<void(error_code)>(get_executor(), go, std::forward<Token>(token), state_);
  }

  /// Asks, or makes, the leader with fencing token `token` go; another leader is left alone.
  /// Signature void(error_code). Clear with depose_how::ask: the request is stored; watch() tells when
  /// it was obeyed. Errors: errc::not_leader (no such leader), errc::unsupported, cond::transient.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto depose(std::uint64_t token_of_leader, depose_how how, Token&& token = Token()) {
    auto go = [](auto h, state_ptr s, std::uint64_t t, depose_how d) {
      start_depose(std::move(s), t, d, std::move(h));
    };
    return detail::initiate<void(error_code)>(get_executor(), go, std::forward<Token>(token), state_, token_of_leader,
                                              how);
  }

  /// What the store said last about a failure, for messages and readiness probes. Any thread.
  diagnostics last_answer() const;

private:
  using state_ptr = std::shared_ptr<detail::candidate_state>;
  elector(executor_type, std::shared_ptr<store>, elector_options, int boost_version);
  static void start_campaign(state_ptr, bool once, detail::handler<void(error_code, leadership)>);
  static void start_look(state_ptr, detail::handler<void(error_code, sighting)>);
  static void start_watch(state_ptr, sighting seen, detail::handler<void(error_code, sighting)>);
  static void start_stop(state_ptr, detail::handler<void(error_code)>);
  static void start_depose(state_ptr, std::uint64_t, depose_how, detail::handler<void(error_code)>);

  state_ptr state_;
};

}  // namespace coelect

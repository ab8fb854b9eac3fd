// The leadership signal: "do we lead now?" for everybody who does not own the term.
#pragma once
#include <coelect/clock.hpp>
#include <coelect/detail/initiate.hpp>
#include <coelect/error.hpp>
#include <cstdint>
#include <memory>

namespace coelect {

namespace detail {
class candidate_state;
}

/// Copyable and cheap; give one to request handlers and worker threads. Usable across terms and
/// after the elector is gone. Every member may be called from any thread.
class leadership_signal {
public:
  using executor_type = boost::asio::any_io_executor;

  bool is_leader() const noexcept;               ///< The current term's valid(); lock-free.
  std::uint64_t fencing_token() const noexcept;  ///< 0 while not leading.
  /// When is_leader() turns false unless a renewal is confirmed; time_point{} while not leading.
  clock::time_point valid_until() const noexcept;
  executor_type get_executor() const noexcept;

  /// Completes when we begin to lead, at once if we do. Signature void(error_code): clear,
  /// operation_aborted (this wait was cancelled) or errc::stopped (we never will again).
  /// Cancellation: terminal, partial, total.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto gained(Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<detail::candidate_state> s) { start_gained(std::move(s), std::move(h)); };
    return detail::initiate<void(error_code)>(get_executor(), go, std::forward<Token>(token), state_);
  }

  /// Completes when we no longer lead, at once if we do not. Signature void(error_code): clear or
  /// operation_aborted. Cancellation: terminal, partial, total.
  template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
  auto lost(Token&& token = Token()) {
    auto go = [](auto h, std::shared_ptr<detail::candidate_state> s) { start_lost(std::move(s), std::move(h)); };
    return detail::initiate<void(error_code)>(get_executor(), go, std::forward<Token>(token), state_);
  }

private:
  friend class elector;
  explicit leadership_signal(std::shared_ptr<detail::candidate_state> s) noexcept : state_(std::move(s)) {}
  using state_ptr = std::shared_ptr<detail::candidate_state>;
  static void start_gained(state_ptr, detail::handler<void(error_code)>);
  static void start_lost(state_ptr, detail::handler<void(error_code)>);

  state_ptr state_;
};

}  // namespace coelect

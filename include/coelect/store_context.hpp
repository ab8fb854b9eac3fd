// What a store and everything that runs in it stand on: one strand, its timers, the environment, the log.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <coelect/environment.hpp>
#include <coelect/log.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace coelect {

class store_context;

/// A pending call made by store_context::at(). Destroying or clearing it means: not called any more.
/// Move-only. Once it is cleared elsewhere than on the strand, a call that had begun may still run.
class timer {
public:
  timer() noexcept = default;
  timer(timer&& other) noexcept;
  timer& operator=(timer&& other) noexcept;
  ~timer() { clear(); }
  void clear() noexcept;

private:
  friend class store_context;
  explicit timer(std::shared_ptr<void> entry) noexcept;
  std::shared_ptr<void> entry_;
};

/// Something that must let go of Asio objects before their execution context dies.
class closable {
public:
  /// Called once, when the context is being destroyed: end what is pending with errc::stopped and
  /// destroy every I/O object and executor of that context. No thread runs the context any more.
  virtual void context_gone() noexcept = 0;

protected:
  ~closable() = default;
};

/// One per store, made from the executor the store was given. Leases, candidates and timers of the
/// store run on its strand; only users' completion handlers run elsewhere. So a store constructed on
/// a context with a thread of its own keeps renewing while the server's own loop is blocked.
/// Outliving the execution context is safe: post() then refuses.
class store_context : public std::enable_shared_from_this<store_context> {
public:
  static std::shared_ptr<store_context> make(boost::asio::any_io_executor where, std::shared_ptr<environment> env,
                                             log_fn log);
  store_context(store_context const&) = delete;
  store_context& operator=(store_context const&) = delete;
  ~store_context();

  /// Runs `work` on the strand, later. False, without running it, when the execution context is
  /// gone or this is a forked child. Any thread.
  bool post(std::function<void()> work);

  /// Runs `work` on the strand at `when` or soon after. One alarm serves all timers of a store. Never, once the
  /// execution context is gone. Strand only.
  [[nodiscard]] timer at(instant when, std::function<void()> work);
  [[nodiscard]] timer after(std::chrono::nanoseconds wait, std::function<void()> work);

  instant now() const noexcept { return env_->now(); }  ///< Any thread.
  environment& env() const noexcept { return *env_; }   ///< Any thread.
  std::shared_ptr<environment> shared_env() const noexcept { return env_; }

  /// The strand, for I/O objects. Empty when the execution context is gone. Any thread.
  boost::asio::any_io_executor executor() const;

  /// Strand only, except that a store may log from its constructor.
  void log(severity level, std::string_view line) const;
  bool logs() const noexcept { return static_cast<bool>(log_); }

  /// `who` hears when the execution context goes. Any thread.
  void tell_when_gone(std::weak_ptr<closable> who);

private:
  store_context(std::shared_ptr<environment> env, log_fn log);
  void gone() noexcept;

  std::shared_ptr<environment> env_;
  log_fn log_;
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace coelect

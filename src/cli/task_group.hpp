// Owns the coroutines that run beside each other for one command.
#pragma once
#include "cli/bell.hpp"
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <list>

namespace coelect::cli {

/// Its coroutines run on one thread. Must not be destroyed before end() has completed.
class task_group {
public:
  explicit task_group(boost::asio::any_io_executor ex) : executor_(ex), bell_(ex) {}

  /// A main task: first_end() completes when it ends.
  void add(boost::asio::awaitable<void> work) { start(std::move(work), true); }
  /// A task that may end early without consequence, unless it throws.
  void add_side(boost::asio::awaitable<void> work) { start(std::move(work), false); }

  /// Until a main task has ended or any task has thrown.
  boost::asio::awaitable<void> first_end();

  /// Cancels what still runs and waits for it. Throws what the first failed task threw.
  boost::asio::awaitable<void> end();

private:
  void start(boost::asio::awaitable<void> work, bool main);

  boost::asio::any_io_executor executor_;
  bell bell_;
  std::list<boost::asio::cancellation_signal> running_;
  std::exception_ptr failure_;
  bool ended_ = false;
};

}  // namespace coelect::cli

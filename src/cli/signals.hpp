// Hears the signals and the ENTER key that ask this process to do something.
#pragma once
#include "cli/bell.hpp"
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace coelect::cli {

/// Calls back for every signal of a set, until destroyed.
class signal_listener {
public:
  signal_listener(boost::asio::any_io_executor ex, std::initializer_list<int> which, std::function<void(int)> hear);

private:
  void listen();

  boost::asio::signal_set set_;
  std::function<void(int)> hear_;
};

/// Calls back with what is typed on the terminal that standard input is; does nothing when it is none.
class terminal_listener {
public:
  terminal_listener(boost::asio::any_io_executor ex, std::function<void(std::string_view)> hear);
  bool on_terminal() const noexcept { return terminal_.is_open(); }

private:
  void listen();
  void read();

  boost::asio::posix::stream_descriptor terminal_;
  boost::asio::steady_timer pause_;
  std::function<void(std::string_view)> hear_;
};

enum class stop_keys { none = 1, enter };

/// SIGINT, SIGTERM, SIGHUP and, if wanted, ENTER. The second SIGINT leaves the program at once.
class stop_requests {
public:
  stop_requests(boost::asio::any_io_executor ex, stop_keys which);

  boost::asio::awaitable<void> first();  ///< Until the first request.
  bool by_enter() const noexcept { return enter_ && enter_->on_terminal(); }

private:
  void ask();

  bell bell_;
  bool asked_ = false;
  signal_listener signals_;
  std::optional<terminal_listener> enter_;
};

}  // namespace coelect::cli

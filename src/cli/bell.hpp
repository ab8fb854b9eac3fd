// Lets one coroutine sleep until another part of the program has news for it.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace coelect::cli {

/// One listener. A ring is never missed and never counted: whoever wakes looks at what changed.
class bell {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit bell(boost::asio::any_io_executor const& ex) : timer_(ex) {}

  void ring() {
    rung_ = true;
    timer_.cancel();
  }

  /// Until it rings, or until `latest`.
  boost::asio::awaitable<void> wait(time_point latest = time_point::max()) {
    if (!rung_) {
      timer_.expires_at(latest);
      boost::system::error_code ignored;
      co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    rung_ = false;
  }

private:
  boost::asio::steady_timer timer_;
  bool rung_ = false;
};

}  // namespace coelect::cli

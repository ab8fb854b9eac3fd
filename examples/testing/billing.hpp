// A billing service of which several copies run: whoever leads books one invoice after the other.
#pragma once
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <coelect/coelect.hpp>
#include <functional>
#include <memory>
#include <string>

namespace billing {

/// Where invoices are booked. Each booking carries the token of the term under which it was sent.
class ledger {
public:
  virtual ~ledger() = default;
  virtual void book(std::uint64_t token, int invoice) = 0;
};

/// The service's only way to let time pass, so that a test can put its own time here.
using wait_fn = std::function<boost::asio::awaitable<void>(std::chrono::nanoseconds)>;

/// Waits on a boost::asio::steady_timer: what the real server gives to its service.
boost::asio::awaitable<void> wait_on_a_timer(std::chrono::nanoseconds span);

/// One copy of the service: stands from start() on, for as long as it lives. `books` must live longer.
class service {
public:
  service(boost::asio::any_io_executor executor, std::shared_ptr<coelect::store> where, std::string name, ledger& books,
          wait_fn wait);

  void start(std::function<void()> done = [] {});  ///< `done` is called after stop().
  void stop();
  coelect::leadership_signal signal() const { return elector_.signal(); }

private:
  boost::asio::awaitable<void> book_invoices(coelect::leadership& term);

  coelect::elector elector_;
  ledger& books_;
  wait_fn wait_;
  std::function<boost::asio::awaitable<void>(coelect::leadership&)> body_;  // lead() wants it by name
  int booked_ = 0;
};

}  // namespace billing

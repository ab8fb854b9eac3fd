// An io_context on real time: runs until something has happened, with a bound.
#pragma once
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace coelect::test {

/// Runs handlers until `done` holds; false when `limit` has passed first.
inline bool run_until(boost::asio::io_context& io, std::function<bool()> const& done,
                      std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  auto const end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (io.stopped()) io.restart();
    if (std::chrono::steady_clock::now() > end) return false;
    io.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

/// A context with threads of its own, joined at the end.
class threaded_context {
public:
  explicit threaded_context(unsigned threads = 1) : work_(boost::asio::make_work_guard(io)) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { io.run(); });
  }
  ~threaded_context() {
    work_.reset();
    io.stop();
    for (auto& t : threads_) t.join();
  }
  boost::asio::io_context io;

private:
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
};

}  // namespace coelect::test

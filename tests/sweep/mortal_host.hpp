// A process on virtual time whose event loop can be stopped, and destroyed before the world it lives in.
#pragma once
#include "support/virtual_world.hpp"
#include <memory>

namespace coelect::test {

/// Takes clock, chance and timers from a host of the world; the loop is its own. The world keeps timers that nobody
/// waits for any more, and with them executors: so those are the host's, and never this loop's.
class mortal_host final : public environment {
public:
  mortal_host(std::shared_ptr<virtual_host> ground, std::shared_ptr<http::network> net)
      : ground_(std::move(ground)), net_(std::move(net)), loop_(std::make_unique<boost::asio::io_context>(1)) {}

  instant now() const noexcept override { return ground_->now(); }
  std::chrono::system_clock::time_point wall_clock() const override { return ground_->wall_clock(); }
  std::uint64_t random() override { return ground_->random(); }
  std::unique_ptr<alarm> make_alarm(boost::asio::any_io_executor where) override;
  std::shared_ptr<http::network> network() override { return net_; }

  boost::asio::any_io_executor executor() const { return loop_->get_executor(); }
  bool run_one();
  void halt();
  void resume() { halted_ = false; }
  void destroy_loop() { loop_.reset(); }

private:
  std::shared_ptr<virtual_host> ground_;
  std::shared_ptr<http::network> net_;
  std::unique_ptr<boost::asio::io_context> loop_;
  bool halted_ = false;
};

}  // namespace coelect::test

// Owns the coroutines that run beside each other for one command.
#include "cli/task_group.hpp"
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace coelect::cli {
namespace {

namespace asio = boost::asio;

bool is_cancellation(std::exception_ptr const& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (boost::system::system_error const& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

void task_group::start(asio::awaitable<void> work, bool main) {
  auto const place = running_.emplace(running_.end());
  auto over = [this, place, main](std::exception_ptr thrown) {
    running_.erase(place);
    bool const failed = thrown && !is_cancellation(thrown);
    if (failed && !failure_) failure_ = thrown;
    if (main || failed) ended_ = true;
    bell_.ring();
  };
  auto slot = place->slot();
  asio::co_spawn(executor_, std::move(work), asio::bind_cancellation_slot(slot, std::move(over)));
}

asio::awaitable<void> task_group::first_end() {
  while (!ended_) {
    co_await bell_.wait();
  }
}

asio::awaitable<void> task_group::end() {
  std::list<asio::cancellation_signal*> all;
  for (auto& signal : running_) all.push_back(&signal);
  for (auto* signal : all) signal->emit(asio::cancellation_type::terminal);
  while (!running_.empty()) {
    co_await bell_.wait();
  }
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace coelect::cli

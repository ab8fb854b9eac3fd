// Runs blocking file calls on a thread of the store's own, one after another.
#pragma once
#include "base/fork_guard.hpp"
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/system_error.hpp>
#include <functional>
#include <memory>

namespace coelect::stores::file {

/// A disk that hangs must not hang the server's loop. The thread starts with the first job; destruction
/// waits for the job that is running and drops the others.
class disk_thread {
public:
  disk_thread() = default;
  disk_thread(disk_thread const&) = delete;
  disk_thread& operator=(disk_thread const&) = delete;
  ~disk_thread() {
    if (!pool_) return;
    if (base::in_process(made_in_)) pool_->stop();
    else static_cast<void>(pool_.release());  // a forked child has no such thread to wait for
  }

  /// On the store's strand. False: no thread can be started now, and the job is dropped.
  [[nodiscard]] bool run(std::function<void()> job) {
    try {
      if (!pool_) pool_ = std::make_unique<boost::asio::thread_pool>(1);
    } catch (boost::system::system_error const&) {
      return false;
    }
    boost::asio::post(*pool_, std::move(job));
    return true;
  }

private:
  std::unique_ptr<boost::asio::thread_pool> pool_;
  unsigned const made_in_ = base::this_process();
};

}  // namespace coelect::stores::file

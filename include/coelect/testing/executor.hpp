// The executor of a simulated host: what is posted to it runs one at a time, in an order drawn by lot.
#pragma once
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace coelect::testing {

/// What waits to be run on one host. Used from the world's thread.
class ready_queue {
public:
  /// One handler, once.
  class task {
  public:
    task() = default;
    task(task const&) = delete;
    task& operator=(task const&) = delete;
    virtual ~task() = default;
    virtual void run() = 0;
  };

  explicit ready_queue(boost::asio::execution_context& context) : context_(context) {}
  ready_queue(ready_queue const&) = delete;
  ready_queue& operator=(ready_queue const&) = delete;

  std::size_t size() const noexcept { return ready_.size(); }
  void push(std::unique_ptr<task> one);           ///< Drops it when the world has ended.
  std::unique_ptr<task> take(std::size_t which);  ///< `which` < size().
  void close();  ///< Drops everything, also what comes later: a destroyed handler may post.
  boost::asio::execution_context& context() const noexcept { return context_; }

private:
  boost::asio::execution_context& context_;
  std::vector<std::unique_ptr<task>> ready_;
  bool closed_ = false;
};

/// An Asio executor; converts to any_io_executor. Never runs anything inside execute(). Copyable, and
/// may outlive the world: what is given to it then is dropped.
class host_executor {
public:
  explicit host_executor(std::shared_ptr<ready_queue> queue) noexcept : queue_(std::move(queue)) {}

  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept { return queue_->context(); }
  static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }
  host_executor require(boost::asio::execution::blocking_t::never_t) const { return *this; }

  template <class Work>
  void execute(Work&& work) const {
    queue_->push(std::make_unique<task_of<std::decay_t<Work>>>(std::forward<Work>(work)));
  }

  friend bool operator==(host_executor const&, host_executor const&) noexcept = default;

private:
  template <class Work>
  class task_of final : public ready_queue::task {
  public:
    template <class From>
    explicit task_of(From&& work) : work_(std::forward<From>(work)) {}
    void run() override { std::move(work_)(); }

  private:
    Work work_;
  };

  std::shared_ptr<ready_queue> queue_;
};

}  // namespace coelect::testing

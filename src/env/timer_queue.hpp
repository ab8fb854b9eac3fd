// Keeps all timers of a store and sets one alarm for the first of them.
#pragma once
#include <coelect/environment.hpp>
#include <functional>
#include <map>
#include <mutex>

namespace coelect::env {

/// Adding and ringing happen on the store's strand; a timer may be cleared from anywhere, because
/// destructors run anywhere.
class timer_queue : public std::enable_shared_from_this<timer_queue> {
public:
  class entry;
  using by_time = std::multimap<std::chrono::nanoseconds, std::shared_ptr<entry>>;

  class entry {
  public:
    entry(instant when, std::function<void()> work, std::weak_ptr<timer_queue> queue)
        : when_(when), work_(std::move(work)), queue_(std::move(queue)) {}
    void clear() noexcept;

  private:
    friend class timer_queue;
    instant when_;
    std::function<void()> work_;  // empty: cleared or done; guarded by the queue's mutex
    std::weak_ptr<timer_queue> queue_;
    by_time::iterator place_{};
    bool queued_ = false;
  };

  timer_queue(std::shared_ptr<environment> env, std::unique_ptr<alarm> bell);

  std::shared_ptr<entry> add(instant when, std::function<void()> work);
  /// Called when the last timer was cleared; has to get settle() called on the strand.
  void when_empty(std::function<void()> tell) { tell_empty_ = std::move(tell); }
  void settle();          ///< Sets or clears the alarm as the timers are now. Strand only.
  void close() noexcept;  ///< The execution context is going away.

private:
  void place(std::shared_ptr<entry> e, instant now);  // with the mutex held
  void ring();
  std::function<void()> take_due(instant now);

  std::shared_ptr<environment> env_;
  std::unique_ptr<alarm> bell_;
  std::function<void()> tell_empty_;
  std::mutex mutex_;
  by_time pending_;
  std::chrono::nanoseconds set_for_{};  // what the alarm is set for; 0: it is not
};

}  // namespace coelect::env

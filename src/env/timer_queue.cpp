// Keeps all timers of a store and sets one alarm for the first of them.
#include "env/timer_queue.hpp"
#include <algorithm>
#include <list>
#include <utility>

namespace coelect::env {
namespace {

// A deadline stands on two clocks and a kernel timer on one. If the other clock runs faster (a slew of
// 10 % at most), what is left of the wait is measured again after seven eighths of it, so that the ring
// is late by no more than a tenth of the last stretch.
instant wake_for(instant when, instant now) {
  auto const left = when.left(now);
  return left < std::chrono::milliseconds(50) ? when : now + (left - left / 8);
}

}  // namespace

timer_queue::timer_queue(std::shared_ptr<environment> env, std::unique_ptr<alarm> bell)
    : env_(std::move(env)), bell_(std::move(bell)) {}

std::shared_ptr<timer_queue::entry> timer_queue::add(instant when, std::function<void()> work) {
  auto e = std::make_shared<entry>(when, std::move(work), weak_from_this());
  {
    std::lock_guard const lock(mutex_);
    place(e, env_->now());
  }
  try {
    settle();
  } catch (...) {  // whoever asked has no handle to clear it with, and the alarm may have been the others'
    e->clear();
    settle();
    throw;
  }
  return e;
}

void timer_queue::place(std::shared_ptr<entry> e, instant now) {
  auto& kept = *e;
  auto const rings = std::max(wake_for(kept.when_, now).boot, std::chrono::nanoseconds(1));  // at 0 settle() sees none
  kept.place_ = pending_.emplace(rings, std::move(e));
  kept.queued_ = true;
}

void timer_queue::entry::clear() noexcept {
  auto const queue = queue_.lock();
  if (!queue) return;
  std::function<void()> dropped;  // destroyed outside the lock: it may own anything
  std::shared_ptr<entry> self;
  bool now_empty = false;
  {
    std::lock_guard const lock(queue->mutex_);
    dropped = std::exchange(work_, nullptr);
    if (!std::exchange(queued_, false)) return;
    self = std::move(place_->second);
    queue->pending_.erase(place_);
    now_empty = queue->pending_.empty();
  }
  if (now_empty && queue->tell_empty_) queue->tell_empty_();
}

void timer_queue::settle() {
  std::chrono::nanoseconds first{};
  {
    std::lock_guard const lock(mutex_);
    if (!pending_.empty()) first = pending_.begin()->first;
  }
  if (!bell_ || first == set_for_) return;
  // One that rings too early finds nothing due and is set anew: cheaper than with each request that ends in time.
  bool const early = set_for_ != std::chrono::nanoseconds(0) && set_for_ < first;
  if (early) return;
  set_for_ = {};  // as long as that may fail
  if (first == std::chrono::nanoseconds(0)) {
    bell_->clear();
    return;
  }
  auto const now = env_->now();
  bell_->set(now + (first - now.boot), [weak = weak_from_this()] {
    if (auto const self = weak.lock()) self->ring();
  });
  set_for_ = first;
}

void timer_queue::ring() {
  set_for_ = {};
  // What a timer calls may throw: the others stay, and the alarm is set for them.
  struct settle_at_end {
    timer_queue& queue;
    ~settle_at_end() { queue.settle(); }
  } const guard{*this};
  auto const now = env_->now();
  for (auto work = take_due(now); work; work = take_due(now)) work();
}

std::function<void()> timer_queue::take_due(instant now) {
  std::lock_guard const lock(mutex_);
  while (!pending_.empty() && pending_.begin()->first <= now.boot) {
    auto e = std::move(pending_.begin()->second);
    pending_.erase(pending_.begin());
    e->queued_ = false;
    if (e->when_.reached(now)) return std::exchange(e->work_, nullptr);
    place(std::move(e), now);
  }
  return nullptr;
}

void timer_queue::close() noexcept {
  std::list<std::function<void()>> dropped;  // destroyed outside the lock: they may own anything
  {
    std::lock_guard const lock(mutex_);
    for (auto& [when, e] : pending_) {
      e->queued_ = false;
      dropped.push_back(std::exchange(e->work_, nullptr));
    }
    pending_.clear();
  }
  bell_.reset();
}

}  // namespace coelect::env

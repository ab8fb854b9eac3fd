// Owns the descriptor whose open file description is the lock; a forked child loses its copy.
#include "stores/file/lock_descriptor.hpp"
#include <fcntl.h>
#include <mutex>
#include <pthread.h>
#include <unistd.h>

namespace coelect::stores::file {

// All open lock descriptors of the process. Never destroyed: descriptors may outlive statics.
struct lock_descriptor_registry {
  std::mutex mutex;
  lock_descriptor* first = nullptr;

  static lock_descriptor_registry& get() {
    static auto* const all = make();
    return *all;
  }

  void add(lock_descriptor& d) {
    d.next_ = first;
    if (first) first->previous_ = &d;
    first = &d;
  }
  void remove(lock_descriptor& d) {
    if (d.previous_) d.previous_->next_ = d.next_;
    else if (first == &d) first = d.next_;
    if (d.next_) d.next_->previous_ = d.previous_;
    d.next_ = d.previous_ = nullptr;
  }

private:
  static lock_descriptor_registry* make() {
    auto* const all = new lock_descriptor_registry;
    ::pthread_atfork([] { get().mutex.lock(); }, [] { get().mutex.unlock(); }, [] { get().in_child(); });
    return all;
  }
  void in_child() {
    while (auto* const d = first) {
      ::close(d->fd_);
      d->fd_ = -1;
      remove(*d);
    }
    mutex.unlock();
  }
};

bool lock_descriptor::open(char const* path, int flags, unsigned mode) noexcept {
  reset();
  auto& all = lock_descriptor_registry::get();
  std::lock_guard const lock(all.mutex);
  fd_ = ::open(path, flags, mode);
  if (fd_ < 0) return false;
  all.add(*this);
  return true;
}

void lock_descriptor::reset() noexcept {
  auto& all = lock_descriptor_registry::get();
  std::lock_guard const lock(all.mutex);
  if (fd_ < 0) return;
  ::close(fd_);
  fd_ = -1;
  all.remove(*this);
}

}  // namespace coelect::stores::file

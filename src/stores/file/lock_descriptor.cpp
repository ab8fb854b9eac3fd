// Owns the descriptor whose open file description is the lock; a forked child loses its copy.
#include "stores/file/lock_descriptor.hpp"
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
    for (auto* d = first; d; d = d->next_) {
      ::close(d->fd_);
      d->fd_ = -1;
    }
    mutex.unlock();
  }
};

lock_descriptor::lock_descriptor(int fd) { reset(fd); }

void lock_descriptor::reset(int fd) {
  auto& all = lock_descriptor_registry::get();
  std::lock_guard const lock(all.mutex);
  if (fd_ >= 0) {
    ::close(fd_);
    all.remove(*this);
  }
  fd_ = fd;
  if (fd_ >= 0) all.add(*this);
}

}  // namespace coelect::stores::file

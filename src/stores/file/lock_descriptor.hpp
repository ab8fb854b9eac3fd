// Owns the descriptor whose open file description is the lock; a forked child loses its copy.
#pragma once
namespace coelect::stores::file {

/// The kernel frees the lock when the last copy of the descriptor is closed, so a forked child that
/// lives on must not keep one: all of them are closed in the child of fork(). Never unlocked by
/// F_UNLCK, which would take the lock from every copy.
class lock_descriptor {
public:
  lock_descriptor() = default;
  lock_descriptor(lock_descriptor const&) = delete;
  lock_descriptor& operator=(lock_descriptor const&) = delete;
  ~lock_descriptor() { reset(); }

  /// open(2), with no fork() in between. False with errno set.
  bool open(char const* path, int flags, unsigned mode) noexcept;
  void reset() noexcept;
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  friend struct lock_descriptor_registry;
  int fd_ = -1;
  lock_descriptor* next_ = nullptr;
  lock_descriptor* previous_ = nullptr;
};

}  // namespace coelect::stores::file

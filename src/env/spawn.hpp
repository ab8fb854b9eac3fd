// Starts another program: its output and errors come through pipes, and it gets nothing else of ours.
#pragma once
#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace coelect::env {

/// Closed when it is left.
class descriptor {
public:
  explicit descriptor(int fd = -1) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_;
};

struct spawned {
  pid_t pid = -1;                 ///< Of the program and of its process group.
  descriptor output{}, errors{};  ///< What it writes; reading does not block.
};

/// Finds command[0] in PATH. Standard input is /dev/null, signals are as usual. errno, or 0.
int spawn(std::vector<std::string> command, spawned& made);

}  // namespace coelect::env

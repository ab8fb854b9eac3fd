// Starts another program: its output and errors come through pipes, and it gets nothing else of ours.
#include "env/spawn.hpp"
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>

namespace coelect::env {
namespace {

constexpr int lowest_own = 3;

struct pipe_ends {
  descriptor ours, theirs;
};

// Above the standard ones, which the child replaces.
descriptor high(descriptor fd) {
  if (fd.get() >= lowest_own) return fd;
  return descriptor(::fcntl(fd.get(), F_DUPFD_CLOEXEC, lowest_own));
}

int make_pipe(pipe_ends& made) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
  made.ours = high(descriptor(ends[0]));
  made.theirs = high(descriptor(ends[1]));
  if (made.ours.get() < 0 || made.theirs.get() < 0) return errno;
  return ::fcntl(made.ours.get(), F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

/// What posix_spawn wants to know.
class spawn_plan {
public:
  spawn_plan(int output, int errors) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&how_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, errors, STDERR_FILENO);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    // A copy of a lock's descriptor would keep the lock.
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, lowest_own);
#endif
#endif
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&how_, &all);
    ::posix_spawnattr_setsigmask(&how_, &none);
    ::posix_spawnattr_setpgroup(&how_, 0);
    ::posix_spawnattr_setflags(&how_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  spawn_plan(spawn_plan const&) = delete;
  spawn_plan& operator=(spawn_plan const&) = delete;
  ~spawn_plan() {
    ::posix_spawnattr_destroy(&how_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }

  int start(pid_t& pid, std::vector<std::string>& command) const {
    std::vector<char*> words;
    for (auto& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    return ::posix_spawnp(&pid, words[0], &actions_, &how_, words.data(), environ);
  }

private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t how_{};
};

}  // namespace

int spawn(std::vector<std::string> command, spawned& made) {
  pipe_ends output, errors;
  if (int const trouble = make_pipe(output)) return trouble;
  if (int const trouble = make_pipe(errors)) return trouble;
  spawn_plan const plan(output.theirs.get(), errors.theirs.get());
  if (int const trouble = plan.start(made.pid, command)) return trouble;
  made.output = std::move(output.ours);
  made.errors = std::move(errors.ours);
  return 0;
}

}  // namespace coelect::env

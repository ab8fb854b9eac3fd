// A program that a test starts, reads line by line with a bound, and ends by pid whatever happens.
#pragma once
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace coelect::test {

class child {
public:
  explicit child(std::vector<std::string> command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    std::vector<char*> argv;
    for (auto& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(ends[1], 1);
      ::dup2(ends[1], 2);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    from_ = ends[0];
  }
  child(child const&) = delete;
  child& operator=(child const&) = delete;
  ~child() {
    if (!ended_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(from_);
  }

  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }

  /// The next line that contains `part`; throws with all output so far when it does not come in time.
  std::string line_with(std::string const& part, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    auto const end = std::chrono::steady_clock::now() + limit;
    for (;;) {
      auto const stop = unread_.find('\n');
      if (stop != std::string::npos) {
        auto line = unread_.substr(0, stop);
        unread_.erase(0, stop + 1);
        if (line.find(part) != std::string::npos) return line;
        continue;
      }
      auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      if (left.count() <= 0 || !read_more(static_cast<int>(left.count())))
        throw std::runtime_error("no line with '" + part + "' came; all there was:\n" + all_);
    }
  }

  /// Exit code, or 128 + signal. Throws when it does not end in time.
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    auto const end = std::chrono::steady_clock::now() + limit;
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("it does not end; all there was:\n" + all_);
      if (!read_more(10)) std::this_thread::yield();
    }
    ended_ = true;
    while (read_more(0)) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string const& output() const noexcept { return all_; }

private:
  bool read_more(int wait_ms) {
    pollfd p{from_, POLLIN, 0};
    if (::poll(&p, 1, wait_ms) != 1) return false;
    char buffer[4096];
    auto const n = ::read(from_, buffer, sizeof buffer);
    if (n <= 0) return false;
    all_.append(buffer, static_cast<std::size_t>(n));
    unread_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  pid_t pid_ = -1;
  int from_ = -1;
  bool ended_ = false;
  std::string all_, unread_;
};

}  // namespace coelect::test

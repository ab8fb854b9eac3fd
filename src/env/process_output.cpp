// Runs another program for what it prints, with a deadline, and leaves nothing of it behind.
#include "env/process_output.hpp"
#include "base/fork_guard.hpp"
#include "base/secret.hpp"
#include "env/spawn.hpp"
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <coelect/error.hpp>
#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace coelect::env {
namespace {

using boost::asio::posix::stream_descriptor;
using namespace std::chrono_literals;

constexpr std::size_t most_output = std::size_t{64} * 1024;
constexpr auto look_again = 50ms;  // where the kernel cannot tell us

int open_pidfd([[maybe_unused]] pid_t pid) {
#ifdef SYS_pidfd_open
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));  // close-on-exec always; Linux 5.3
#else
  return -1;
#endif
}

/// The program, from its start until it is collected.
class running final : public closable, public std::enable_shared_from_this<running> {
public:
  running(std::shared_ptr<store_context> context, std::function<void(process_end)> done)
      : context_(std::move(context)), done_(std::move(done)) {
    end_.output.reserve(most_output);  // a string that grows leaves copies behind
  }
  ~running() {
    context_gone();
    base::wipe(end_.output);
  }

  /// errno, or 0.
  int start(std::vector<std::string> command, instant give_up, bool by_pidfd) {
    auto const where = context_->executor();
    if (!where || !base::in_process(made_in_)) return ECANCELED;
    spawned child;
    if (int const trouble = spawn(std::move(command), child)) return trouble;
    pid_ = child.pid;
    output_ = std::make_unique<stream_descriptor>(where, child.output.release());
    errors_ = std::make_unique<stream_descriptor>(where, child.errors.release());
    int const pidfd = by_pidfd ? open_pidfd(pid_) : -1;
    if (pidfd >= 0) ending_ = std::make_unique<stream_descriptor>(where, pidfd);
    context_->tell_when_gone(weak_from_this());
    read(output_, true);
    read(errors_, false);
    await_end();
    deadline_ = context_->at(give_up, [weak = weak_from_this()] {
      if (auto const self = weak.lock()) self->too_late();
    });
    return 0;
  }

  void fail(int trouble) {
    end_.trouble = trouble;
    context_->post([weak = weak_from_this()] {
      if (auto const self = weak.lock()) self->finish();
    });
  }

  void abandon() noexcept {
    done_ = nullptr;
    stop();
  }

  void context_gone() noexcept override {
    deadline_.clear();
    look_.clear();
    if (!base::in_process(made_in_)) {
      // A forked child shares the parent's epoll set: Asio would take the parent's descriptors out of it.
      for (auto* const held : {&output_, &errors_, &ending_})
        if (auto* const fd = held->release()) ::close(fd->native_handle());
      return;
    }
    kill_all();
    collect();
    output_.reset();
    errors_.reset();
    ending_.reset();
  }

private:
  using own = std::unique_ptr<stream_descriptor>;

  void read(own& from, bool is_output) {
    from->async_wait(stream_descriptor::wait_read, [weak = weak_from_this(), is_output](error_code const& ec) {
      auto const self = weak.lock();
      if (!self || ec) return;
      auto& source = is_output ? self->output_ : self->errors_;
      if (!source) return;
      self->drain(source, is_output ? self->end_.output : self->end_.errors, is_output);
      if (source) self->read(source, is_output);
    });
  }

  // Takes what is there; lets go of the pipe at its end.
  void drain(own& from, std::string& to, bool is_output) {
    std::array<char, 4096> bytes{};
    while (from) {
      auto const n = ::read(from->native_handle(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) break;
      if (n <= 0) {
        from.reset();
        break;
      }
      auto const size = static_cast<std::size_t>(n);
      auto const room = most_output - to.size();
      to.append(bytes.data(), std::min(size, room));
      if (size > room && is_output) {
        end_.too_long = true;
        ::explicit_bzero(bytes.data(), bytes.size());
        stop();
        return finish();
      }
    }
    ::explicit_bzero(bytes.data(), bytes.size());
  }

  // Holds us until the program is collected, also when nobody wants to know any more.
  void await_end() {
    auto ended = [self = shared_from_this()](error_code const& ec) {
      if (!ec) self->ended();
    };
    if (ending_) return ending_->async_wait(stream_descriptor::wait_read, std::move(ended));
    look_ = context_->after(look_again, [weak = weak_from_this()] {
      auto const self = weak.lock();
      if (!self) return;
      if (self->is_over()) self->ended();
      else self->await_end();
    });
  }

  bool is_over() const noexcept {
    siginfo_t info{};
    int const failed = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return failed != 0 || info.si_pid != 0;
  }

  void ended() {
    kill_all();  // its own children; while it is not collected, its number is nobody else's
    collect();
    ending_.reset();
    if (output_) drain(output_, end_.output, true);
    if (errors_) drain(errors_, end_.errors, false);
    finish();
  }

  void too_late() {
    end_.late = true;
    stop();
    finish();
  }

  void stop() noexcept {
    deadline_.clear();
    if (!base::in_process(made_in_)) return;
    output_.reset();
    errors_.reset();
    kill_all();
    if (ending_) return;  // await_end() collects it
    look_.clear();
    collect();
  }

  // Not when somebody else has collected it: the number may be another group's by now.
  void kill_all() const noexcept {
    siginfo_t info{};
    if (pid_ > 0 && ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0)
      ::kill(-pid_, SIGKILL);
  }

  // It is dead, or about to be.
  void collect() noexcept {
    if (pid_ <= 0) return;
    int status = 0;
    pid_t got = 0;
    do {
      got = ::waitpid(pid_, &status, 0);
    } while (got < 0 && errno == EINTR);
    if (got == pid_) end_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    pid_ = -1;
  }

  void finish() {
    deadline_.clear();
    if (auto const done = std::exchange(done_, nullptr)) done(std::move(end_));
  }

  std::shared_ptr<store_context> context_;
  std::function<void(process_end)> done_;
  unsigned const made_in_ = base::this_process();
  pid_t pid_ = -1;  // not collected yet
  own output_, errors_, ending_;
  timer deadline_, look_;
  process_end end_;
};

/// Dropped: it is over.
class handle {
public:
  explicit handle(std::shared_ptr<running> held) : held_(std::move(held)) {}
  handle(handle const&) = delete;
  handle& operator=(handle const&) = delete;
  ~handle() { held_->abandon(); }

private:
  std::shared_ptr<running> held_;
};

}  // namespace

std::shared_ptr<void> run_program(std::shared_ptr<store_context> context, std::vector<std::string> command,
                                  instant give_up, std::function<void(process_end)> done, bool by_pidfd) {
  auto const made = std::make_shared<running>(std::move(context), std::move(done));
  int const trouble = made->start(std::move(command), give_up, by_pidfd);
  if (trouble != 0) made->fail(trouble);
  return std::make_shared<handle>(made);
}

}  // namespace coelect::env

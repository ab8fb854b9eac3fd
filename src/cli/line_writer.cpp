// Writes whole lines to a descriptor without ever making the caller wait.
#include "cli/line_writer.hpp"
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

namespace coelect::cli {
namespace {

// Lines that nobody reads must not fill the memory; older ones are worth less.
constexpr std::size_t most_lines_kept = 10'000;

bool write_all(int descriptor, std::string const& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    auto const count = ::write(descriptor, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

struct line_writer::shared {
  int descriptor = -1;
  bool stop_when_unread = false;
  std::mutex mutex;
  std::condition_variable news, drained;
  std::deque<std::string> lines;
  bool writing = false, closing = false;
  bool failed = false;  // the thread's own

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      news.wait(lock, [this] { return closing || !lines.empty(); });
      if (lines.empty()) return;
      auto const next = std::move(lines.front());
      lines.pop_front();
      writing = true;
      lock.unlock();
      bool const lost = !failed && !write_all(descriptor, next);
      if (lost && stop_when_unread) ::kill(::getpid(), SIGTERM);
      if (lost) failed = true;
      lock.lock();
      writing = false;
      if (lines.empty()) drained.notify_all();
    }
  }
};

line_writer::line_writer(int descriptor, unread then) : shared_(std::make_shared<shared>()) {
  shared_->descriptor = descriptor;
  shared_->stop_when_unread = then == unread::stop;
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the main thread's business
  std::thread([s = shared_] { s->run(); }).detach();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Detached, because a thread inside write(2) to a paused terminal cannot be joined.
line_writer::~line_writer() {
  std::unique_lock lock(shared_->mutex);
  auto const out = [this] { return shared_->lines.empty() && !shared_->writing; };
  shared_->drained.wait_for(lock, std::chrono::seconds(1), out);
  shared_->closing = true;
  shared_->news.notify_all();
}

void line_writer::write(std::string text) {
  std::lock_guard const lock(shared_->mutex);
  if (shared_->lines.size() >= most_lines_kept) shared_->lines.pop_front();
  shared_->lines.push_back(std::move(text));
  shared_->news.notify_one();
}

}  // namespace coelect::cli

// Shares the terminal between the shell that started us and a child in a process group of its own.
#include "cli/job_control.hpp"
#include <pthread.h>
#include <unistd.h>
#include <utility>

namespace coelect::cli {
namespace {

// A background process that gives the terminal away is stopped with SIGTTOU, unless it blocks that.
void give_foreground_to(pid_t group) {
  sigset_t only;
  sigset_t before;
  ::sigemptyset(&only);
  ::sigaddset(&only, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &only, &before);
  ::tcsetpgrp(STDIN_FILENO, group);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// As if Ctrl-Z had reached the job that we belong to. First the rest of a pipeline, then this process
// through its own thread: a signal to the group might be taken by another thread, and we would run on.
void stop_own_job() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction before {};
  ::sigaction(SIGTSTP, &ignore, &before);
  ::kill(0, SIGTSTP);
  ::sigaction(SIGTSTP, &before, nullptr);
  ::raise(SIGTSTP);
}

bool wants_terminal(int signal) { return signal == SIGTTIN || signal == SIGTTOU; }

}  // namespace

bool have_foreground() { return ::isatty(STDIN_FILENO) == 1 && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

bool job_control::lend() {
  stopped_by_ = 0;
  lent_ = have_foreground();
  return lent_;
}

void job_control::child_stopped(child_process const& child, int by) {
  child.stop_seen();
  bool const by_terminal = by == SIGTSTP || wants_terminal(by);
  if (!by_terminal || ::isatty(STDIN_FILENO) != 1) return;  // whoever stopped it lets it go on
  stopped_by_ = by;
  take_back();
  stop_own_job();
}

// In the background, who was stopped for want of the terminal would only be stopped again.
void job_control::go_on(child_process const& child) {
  if (stopped_by_ == 0) return;
  bool const foreground = have_foreground();
  if (wants_terminal(stopped_by_) && !foreground) return;
  stopped_by_ = 0;
  lent_ = foreground;
  if (lent_) give_foreground_to(child.pid());
  child.signal_group(SIGCONT);
}

void job_control::take_back() {
  if (std::exchange(lent_, false)) give_foreground_to(::getpgrp());
}

}  // namespace coelect::cli

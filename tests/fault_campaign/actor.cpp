// A candidate process of the campaign: started, killed, stopped and continued, with a new name each time it starts.
#include "actor.hpp"
#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>

namespace coelect::test {

actor::~actor() { kill(); }

void actor::start() {
  drop_half_line(notes());
  {
    std::lock_guard const lock(mutex_);
    name_ = stage_ + ".P" + std::to_string(number_) + "." + std::to_string(++incarnation_);
  }
  // All that needs memory comes before the fork: other threads may hold the allocator's locks.
  std::vector<std::string> words{in_.candidate_program, "name=" + name(), "journal=" + notes().string(),
                                 "resource=" + in_.resource};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  auto const said = file(".log").string();
  auto const parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  int const out = ::open(said.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::close_range(3, ~0U, 0);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

void actor::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void actor::stop() const {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGSTOP);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT);
}

void actor::cont() const {
  if (pid_ > 0) ::kill(pid_, SIGCONT);
}

bool actor::stop_before_write(milliseconds limit) const {
  if (pid_ <= 0) return false;
  ::kill(pid_, SIGUSR1);
  for (auto const end = boot_now() + limit; boot_now() < end; std::this_thread::sleep_for(milliseconds(2))) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT | WNOHANG) != 0) return false;
    if (info.si_pid == pid_) return info.si_code == CLD_STOPPED;
  }
  ::kill(pid_, SIGUSR2);
  std::this_thread::sleep_for(milliseconds(20));  // it may be about to, all the same
  cont();
  return false;
}

bool actor::running() const {
  siginfo_t info{};
  if (pid_ <= 0 || ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | WNOHANG) != 0) return false;
  return info.si_pid != pid_;
}

}  // namespace coelect::test

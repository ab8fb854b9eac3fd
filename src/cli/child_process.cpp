// Starts one process in a group of its own, ends it, and collects what it leaves behind.
#include "cli/child_process.hpp"
#include "cli/options.hpp"
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coelect::cli {
namespace {

// execvp(3) may allocate, which a child of a process with threads must not: the search is done before.
struct program_search {
  std::string path;
  int trouble = ENOENT;
};

program_search find_program(std::string const& name) {
  if (name.find('/') != name.npos) return {name, 0};
  auto const* const given = std::getenv("PATH");
  std::string_view rest = given != nullptr ? given : "/usr/local/bin:/usr/bin:/bin";
  program_search result;
  while (!name.empty()) {
    auto const colon = rest.find(':');
    auto const directory = std::string(rest.substr(0, colon));
    auto const path = (directory.empty() ? "." : directory) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) return {path, 0};
    if (errno != ENOENT && errno != ENOTDIR) result.trouble = errno;
    if (colon == rest.npos) break;
    rest.remove_prefix(colon + 1);
  }
  return result;
}

std::string_view name_of(std::string_view variable) { return variable.substr(0, variable.find('=')); }

std::vector<std::string> whole_environment(std::vector<std::string> const& own) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool replaced = false;
    for (auto const& variable : own)
      if (name_of(variable) == name_of(*entry)) replaced = true;
    if (!replaced) all.emplace_back(*entry);
  }
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

/// All that the child needs, made before fork(): between fork and exec it may only call what
/// signal-safety(7) lists.
struct child_start {
  child_start(child_plan const& with, std::string program)
      : plan(with),
        path(std::move(program)),
        words(with.command),
        script_words(with.command),
        variables(whole_environment(with.environment)),
        parent(::getpid()) {
    script_words.front() = path;
    script_words.insert(script_words.begin(), "/bin/sh");
    argv = pointers(words);
    script_argv = pointers(script_words);
    envp = pointers(variables);
  }
  child_start(child_start const&) = delete;
  child_start& operator=(child_start const&) = delete;

  child_plan const& plan;
  std::string path;
  std::vector<std::string> words, script_words, variables;
  std::vector<char*> argv, script_argv, envp;
  pid_t parent;
  int report = -1;
};

void reset_signals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) {
    bool const nohup = number == SIGHUP;  // ignored from outside stays ignored
    struct sigaction now {};
    if (nohup && ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;
    ::sigaction(number, &usual, nullptr);  // fails for SIGKILL, SIGSTOP and the C library's own
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// In the child. Never returns.
[[noreturn]] void become(child_start const& start) {
  auto const& plan = start.plan;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.parent) ::_exit(exit_code::by_signal + SIGKILL);  // it died before prctl
  ::setpgid(0, 0);
  if (plan.foreground) ::tcsetpgrp(STDIN_FILENO, ::getpid());  // SIGTTOU is blocked
  if (plan.standard_input >= 0) ::dup2(plan.standard_input, STDIN_FILENO);
  if (plan.standard_output >= 0) ::dup2(plan.standard_output, STDOUT_FILENO);
  reset_signals();
  ::execve(start.path.c_str(), start.argv.data(), start.envp.data());
  if (errno == ENOEXEC)  // a script without #!
    ::execve("/bin/sh", start.script_argv.data(), start.envp.data());
  int const trouble = errno;
  [[maybe_unused]] auto const told = ::write(start.report, &trouble, sizeof trouble);
  ::_exit(exit_code::not_found);
}

/// Blocks all signals while it lives, so that no handler of ours runs in the child.
class signals_blocked {
public:
  signals_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  signals_blocked(signals_blocked const&) = delete;
  signals_blocked& operator=(signals_blocked const&) = delete;
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};

void close_if_open(int descriptor) {
  if (descriptor >= 0) ::close(descriptor);
}

// The child's errno when exec failed; 0 when the pipe closed because it went well.
int read_report(int pipe) {
  int trouble = 0;
  ssize_t count = 0;
  do {
    count = ::read(pipe, &trouble, sizeof trouble);
  } while (count < 0 && errno == EINTR);
  return count == sizeof trouble ? trouble : 0;
}

void wait_for(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

std::optional<child_process> child_process::start(child_plan const& plan, int& trouble) {
  auto const program = find_program(plan.command.front());
  trouble = program.trouble;
  if (trouble != 0) return std::nullopt;
  // Descriptors of lock files are closed in forked children by the store; a duplicate is not.
  int const kept = plan.keep_open >= 0 ? ::fcntl(plan.keep_open, F_DUPFD, 3) : -1;
  std::array<int, 2> report{-1, -1};
  bool const ready = (plan.keep_open < 0 || kept >= 0) && ::pipe2(report.data(), O_CLOEXEC) == 0;
  if (!ready) {
    trouble = errno;
    close_if_open(kept);
    return std::nullopt;
  }
  child_start start(plan, program.path);
  start.report = report[1];
  pid_t pid = -1;
  {
    signals_blocked const blocked;
    pid = ::fork();
    if (pid == 0) become(start);
    if (pid < 0) trouble = errno;
  }
  close_if_open(kept);
  ::close(report[1]);
  if (pid > 0) {
    ::setpgid(pid, pid);  // whoever of us two comes first
    trouble = read_report(report[0]);
    if (trouble != 0) wait_for(pid);
  }
  ::close(report[0]);
  if (trouble != 0) return std::nullopt;
  return child_process(pid);
}

child_status child_process::look() const {
  siginfo_t info{};
  int const how = WEXITED | WSTOPPED | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, how) != 0 || info.si_pid == 0) return {};
  using kind = child_status::kind;
  if (info.si_code == CLD_STOPPED) return {kind::stopped, info.si_status};
  bool const by_itself = info.si_code == CLD_EXITED;
  return {kind::ended, by_itself ? info.si_status : exit_code::by_signal + info.si_status};
}

void child_process::stop_seen() const {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOHANG);
}

bool child_process::collect() const {
  signal_group(SIGKILL);
  for (;;) {
    siginfo_t info{};
    auto const result = ::waitid(P_PGID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
    if (result != 0 && errno == EINTR) continue;
    if (result != 0) return true;  // ECHILD: nobody is left
    if (info.si_pid == 0) return false;
  }
}

void child_process::finish() const {
  signal_group(SIGKILL);
  wait_for(pid_);
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void collect_strays() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

int code_for_exec_error(int trouble) {
  return trouble == ENOENT || trouble == ENOTDIR ? exit_code::not_found : exit_code::not_executable;
}

}  // namespace coelect::cli

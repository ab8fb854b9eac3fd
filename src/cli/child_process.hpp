// Starts one process in a group of its own, ends it, and collects what it leaves behind.
#pragma once
#include <csignal>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace coelect::cli {

/// What a child is started with.
struct child_plan {
  std::vector<std::string> command;      ///< Program, looked for in PATH, and arguments.
  std::vector<std::string> environment;  ///< NAME=value, beside our own.
  int keep_open = -1;                    ///< This descriptor of ours is duplicated into the child.
  int standard_input = -1;               ///< Replaces ours.
  int standard_output = -1;              ///< Replaces ours.
  bool foreground = false;               ///< Gets the terminal, if we have it.
};

/// Where a child is.
struct child_status {
  enum class kind { running = 1, stopped, ended };
  kind now = kind::running;
  int code = 0;  ///< ended: the exit code, or 128 + the signal. stopped: the signal.
};

/// A child that is killed when this process dies (PR_SET_PDEATHSIG), with all of its process group.
/// Everything is by the pid and group that were started here. Start and use it on the main thread:
/// the kernel watches the thread that started the child.
class child_process {
public:
  /// Nothing, with errno in `trouble`, when the program could not be executed.
  static std::optional<child_process> start(child_plan const& plan, int& trouble);

  pid_t pid() const noexcept { return pid_; }

  /// Does not collect it: its number cannot be taken by another process before collect().
  child_status look() const;
  /// Forgets that it was seen to be stopped, so that look() tells the next stop.
  void stop_seen() const;
  void signal(int number) const { ::kill(pid_, number); }
  void signal_group(int number) const { ::kill(-pid_, number); }

  /// Kills what is left of the group and collects whatever has ended. True when nothing is left.
  /// Only after the child itself has ended. adopt_orphans() makes the rest of the group ours.
  bool collect() const;
  /// Kills the group and waits until the child itself is gone.
  void finish() const;

private:
  explicit child_process(pid_t pid) noexcept : pid_(pid) {}
  pid_t pid_;
};

/// Descendants whose parent has died become children of this process.
void adopt_orphans();
/// Collects adopted ones that have ended. Only while there is no child_process.
void collect_strays();

/// The exit code for a program that could not be executed.
int code_for_exec_error(int trouble);

}  // namespace coelect::cli

// Runs another program for what it prints, with a deadline, and leaves nothing of it behind.
#pragma once
#include <coelect/store_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coelect::env {

/// How a program ended, and what it printed.
struct process_end {
  static constexpr int unknown = -1;

  int trouble = 0;        ///< Not 0: it was not started; errno, ENOENT when it is not in PATH.
  bool late = false;      ///< It was killed at the deadline.
  bool too_long = false;  ///< It was killed because its output was more than 64 KiB.
  int status = unknown;   ///< Its exit code, or 128 + signal; unknown when somebody else collected it (SIGCHLD).
  std::string output{};
  std::string errors{};  ///< Its standard error's first 64 KiB.
};

/// Finds `command` in PATH and runs it in a process group of its own, with nothing to read, without our
/// descriptors. The whole group is killed when the program has ended, at `give_up`, and when the returned
/// handle is dropped; the program is always collected. `done` is called once, on the strand and never inside
/// this call; not after the handle was dropped. `by_pidfd`: off only where tests play an old kernel.
/// On the strand.
[[nodiscard]] std::shared_ptr<void> run_program(std::shared_ptr<store_context> context,
                                                std::vector<std::string> command, instant give_up,
                                                std::function<void(process_end)> done, bool by_pidfd = true);

}  // namespace coelect::env

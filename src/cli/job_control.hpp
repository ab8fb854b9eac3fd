// Shares the terminal between the shell that started us and a child in a process group of its own.
#pragma once
#include "cli/child_process.hpp"

namespace coelect::cli {

/// We are the foreground job of the terminal that standard input is.
bool have_foreground();

/// Ctrl-C, Ctrl-Z and input belong to the child while it runs; a stop of the child stops us, so that
/// the shell gets its terminal back, and with us the child goes on.
class job_control {
public:
  /// The child that is about to start will take the foreground (child_plan::foreground).
  bool lend();
  /// The child was stopped by this signal. Returns when the shell has let us go on.
  void child_stopped(child_process const& child, int by);
  /// Lets a stopped child go on, if the shell wants it to. Only while it may work.
  void go_on(child_process const& child);
  void take_back();  ///< The child has ended.

private:
  bool lent_ = false;
  int stopped_by_ = 0;
};

}  // namespace coelect::cli

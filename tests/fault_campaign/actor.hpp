// A candidate process of the campaign: started, killed, stopped and continued, with a new name each time it starts.
#pragma once
#include "run.hpp"
#include <sys/types.h>

namespace coelect::test {

/// For one thread at a time, but for name(), which any may call. Its process dies with the thread that started it.
class actor {
public:
  /// `arguments` are those of fault-candidate that say where it stands. `number` tells the actors of a stage apart.
  actor(run& in, std::string stage, int number, std::vector<std::string> arguments)
      : in_(in), stage_(std::move(stage)), number_(number), arguments_(std::move(arguments)) {}
  actor(actor const&) = delete;
  actor& operator=(actor const&) = delete;
  ~actor();

  void start();
  void kill();        ///< SIGKILL, and waits for the end.
  void stop() const;  ///< SIGSTOP, and waits until all threads are stopped.
  void cont() const;
  /// Asks it to stop itself before its next write; false when it has not, as it leads nothing, and will not.
  bool stop_before_write(milliseconds limit) const;
  bool running() const;  ///< False when it has ended by itself.

  std::string name() const {  ///< Of this incarnation: "etcd.P1.17".
    std::lock_guard const lock(mutex_);
    return name_;
  }
  std::string const& stage() const noexcept { return stage_; }
  std::filesystem::path notes() const { return file(".jsonl"); }
  /// Held by who makes trouble for this actor: its own lane, or the one that splits the network.
  std::mutex trouble;

private:
  std::filesystem::path file(char const* end) const {
    return in_.report / (stage_ + ".P" + std::to_string(number_) + end);
  }

  run& in_;
  std::string stage_;
  int number_;
  std::vector<std::string> arguments_;
  mutable std::mutex mutex_;
  std::string name_;
  int incarnation_ = 0;
  pid_t pid_ = -1;
};

}  // namespace coelect::test

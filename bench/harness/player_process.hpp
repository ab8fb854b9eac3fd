// A player while it plays: a child process that is told to go on, read line by line with a bound, and ended by pid.
#pragma once
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/types.h>
#include <vector>

namespace bench {

class player_process {
public:
  explicit player_process(std::vector<std::string> command);
  player_process(player_process const&) = delete;
  player_process& operator=(player_process const&) = delete;
  ~player_process();  ///< Kills it, if it still runs.

  pid_t pid() const noexcept { return pid_; }
  double started_at() const noexcept { return started_at_; }  ///< CLOCK_MONOTONIC in seconds, before the fork.

  /// Each throws with what the player has written to stderr when it does not come in time.
  void until_ready(std::chrono::milliseconds limit);
  nlohmann::json answer(std::chrono::milliseconds limit);

  void go_on();        ///< Writes a line to it.
  void close_input();  ///< Tells it that the harness has seen enough.
  void kill();         ///< SIGKILL, and waits for the end.

private:
  std::string line(std::chrono::milliseconds limit);
  std::string complaint() const;

  std::vector<std::string> command_;
  pid_t pid_ = -1;
  double started_at_ = 0;
  int to_ = -1, from_ = -1, errors_ = -1;
  std::string unread_;
};

}  // namespace bench

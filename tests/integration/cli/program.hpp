// Runs programs as people do, and waits for what they say and how they end, never for time to pass.
#pragma once
#include "base/json.hpp"
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace coelect::test {

using words = std::vector<std::string>;

/// One coelect process. Killed, if it still runs, when this is destroyed.
class program {
public:
  struct setting {
    words environment{};    ///< NAME=value; everything else is inherited.
    bool terminal = false;  ///< Standard input and output are a terminal of its own.
    words wrapper{};        ///< What runs it, such as a shell; empty: nothing.
  };
  explicit program(words arguments) : program(std::move(arguments), setting{}) {}
  program(words arguments, setting how);
  program(program const&) = delete;
  program& operator=(program const&) = delete;
  ~program();

  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;
  void type(std::string const& keys) const;  ///< On its terminal.
  void close_output();                       ///< Nobody reads any more.

  /// The next line on stdout, or on stderr, that contains `part`. Throws when it does not come in time.
  std::string line_with(std::string const& part);
  std::string error_line_with(std::string const& part);
  /// The next JSON line on stdout whose event is this one.
  base::json_reader event(std::string const& name);
  base::json_reader error_event(std::string const& name);

  /// Its exit code, or 128 + signal. Reads the rest of its output.
  int exit_code();
  std::string const& output() const noexcept { return out_.all; }  ///< All so far.
  std::string const& errors() const noexcept { return err_.all; }

private:
  using deadline = std::chrono::steady_clock::time_point;
  struct stream {
    int descriptor = -1;
    std::string all;
    std::size_t read = 0;
  };
  std::string find_line(stream& s, std::function<bool(std::string const&)> const& wanted, std::string const& what);
  std::optional<std::string> next_line(stream& s);
  bool read_more(deadline end);
  bool take(stream& s);

  pid_t pid_ = -1;
  std::optional<int> code_;
  stream out_, err_;
};

struct finished {
  int code;
  std::string output, errors;
};
/// Runs it to its end.
finished run_program(words arguments, program::setting how = {});

/// Waits until a process that is not our child is gone.
void wait_until_gone(pid_t pid);
bool alive(pid_t pid);

std::string read_file(std::filesystem::path const& path);

}  // namespace coelect::test

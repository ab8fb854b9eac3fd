// What the command line asks for.
#pragma once
#include "cli/azure_access.hpp"
#include "cli/etcd_access.hpp"
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coelect::cli {

enum class command { campaign = 1, run, leader, watch, depose, demo, simulate, check };

struct settings {
  command what{};
  std::string store;  ///< A store URL; empty: the default of open_session.
  std::string election;
  std::string id;  ///< Empty: a unique one.
  std::string value;
  std::chrono::milliseconds ttl{0};  ///< 0: the store's default.
  std::string ttl_flag{"--ttl"};     ///< As it was written.
  bool json = false;
  bool verbose = false;
  bool allow_tmpfs = false;
  bool allow_remote = false;
  etcd_access etcd{};
  azure_access azure{};
  std::chrono::milliseconds heartbeat{10'000};  ///< 0: no heartbeat lines.

  // run
  std::vector<std::string> child;  ///< The command and its arguments.
  std::chrono::milliseconds grace{5'000};
  bool once = false;

  // depose
  std::chrono::milliseconds wait{10'000};
  bool force = false;

  // demo, simulate
  std::string svg;

  // simulate
  std::size_t nodes = 0;  ///< 0: three, or one with an id.
  std::chrono::milliseconds duration{30'000};
  std::optional<std::uint64_t> seed;

  // check
  std::vector<std::string> files;  ///< "-" is standard input; none: that.
};

namespace exit_code {
inline constexpr int done = 0;
inline constexpr int unexpected = 1;
inline constexpr int usage = 2;
inline constexpr int empty_seat = 3;
inline constexpr int lost = 4;
inline constexpr int not_executable = 126;
inline constexpr int not_found = 127;
inline constexpr int by_signal = 128;  ///< Plus the signal's number.
}  // namespace exit_code

/// What main is to do: go on with `how`, or leave with `exit`; help or the mistake was printed then.
struct parsed {
  settings how;
  std::optional<int> exit;
};

parsed parse_command_line(std::vector<std::string> words);

}  // namespace coelect::cli

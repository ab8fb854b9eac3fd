// What the command line of the harness says.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

struct settings {
  std::vector<std::string> workloads;     ///< Empty: all.
  std::vector<std::string> participants;  ///< Empty: all that are installed.
  int rounds = 3;
  bool smoke = false;             ///< Ours and the floor, in seconds; fails on what cannot be, not on what is slow.
  bool fifty = false;             ///< W5 with 50,000 too, ours only.
  std::string store;              ///< etcd://host:port or an account's URL: somebody's own server instead of ours.
  std::string results;            ///< A Markdown file whose measured part is written anew.
  std::filesystem::path out;      ///< Where JSON and pictures go.
  std::filesystem::path players;  ///< Where the C++ players are.
  std::filesystem::path peers;    ///< Where `./dev bench setup` has put the others.
  std::filesystem::path sources;  ///< bench/ of the tree.
  bool help = false;

  bool plays(std::string const& workload) const;
};

/// Throws std::runtime_error that says what is wrong.
settings read_settings(int argc, char** argv);
char const* help_text();

}  // namespace bench

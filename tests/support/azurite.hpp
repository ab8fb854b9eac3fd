// Azurite, the emulator of Azure Storage, started by the tests on free loopback ports.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace coelect::test {

/// How Azurite is started; throws with what to install when node or Azurite is missing.
std::vector<std::string> azurite_command();

struct azurite_options {
  std::filesystem::path certificate{}, key{};  ///< Set: https.
  bool oauth = false;  ///< Accepts bearer tokens, whose signature it does not check. Needs https.
};

/// In memory, on a port below 32768. Ended by pid when destroyed.
class azurite {
public:
  explicit azurite(azurite_options how = {});
  azurite(azurite const&) = delete;
  azurite& operator=(azurite const&) = delete;
  ~azurite();

  std::uint16_t port() const noexcept { return port_; }
  std::string url() const;  ///< "http://127.0.0.1:PORT/devstoreaccount1"
  std::string connection_string() const;
  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;

private:
  azurite_options how_;
  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace coelect::test

// An Azurite for elections, and the command lines that use it.
#pragma once
#include "program.hpp"
#include "support/azurite.hpp"
#include "support/catch.hpp"
#include "support/scratch_directory.hpp"
#include "wire/azure_place.hpp"
#include <fstream>

namespace coelect::test {

/// A container of its own in the Azurite that all tests share.
class azure_site {
public:
  azure_site() : container_("t" + std::to_string(++count()) + "-leases") {}

  std::string account() const { return "azblob+http://127.0.0.1:" + std::to_string(server().port()) + "/" + name(); }
  std::string url() const { return account() + "/" + container_; }
  std::string const& container() const noexcept { return container_; }
  std::string connection_string() const { return server().connection_string(); }
  static std::string name() { return std::string(wire::azure::development_account); }
  static std::string key() { return std::string(wire::azure::development_key); }

  /// A file whose first line is this.
  std::string file_with(std::string const& text) const {
    auto const path = directory_.path() / ("secret" + std::to_string(++count()));
    std::ofstream(path) << text << "\nthe second line is not looked at\n";
    return path.string();
  }

  /// `coelect COMMAND ... --store here`.
  words on(words command) const {
    command.insert(command.begin() + 1, {"--store", url()});
    return command;
  }
  /// Waits in short polls; the shortest lease there is.
  words candidate(std::string const& id, words flags = {}) const {
    flags.insert(flags.begin(), {"campaign", "--node-id", id, "--lease-duration", "15", "--poll", "0.3"});
    flags.emplace_back("--create-container");
    return on(std::move(flags));
  }
  words json_candidate(std::string const& id) const { return candidate(id, {"--json"}); }

  static program::setting with_key() { return {.environment = {"AZURE_STORAGE_KEY=" + key()}}; }

private:
  static azurite& server() {
    static azurite shared;
    return shared;
  }
  static int& count() {
    static int number = 0;
    return number;
  }

  std::string container_;
  scratch_directory directory_;
};

/// Nothing secret may ever be seen.
inline void shows_no(std::string const& secret, std::string const& text) {
  CHECK(text.find(secret) == std::string::npos);
}

/// Exits with `code`, says all of `parts` on stderr, and never the well-known key.
inline void refused_with(int code, words arguments, words const& parts, words environment = {}) {
  auto const end = run_program(std::move(arguments), {.environment = std::move(environment)});
  CAPTURE(end.output, end.errors);
  CHECK(end.code == code);
  for (auto const& part : parts) CHECK_THAT(end.errors, ContainsSubstring(part));
  shows_no(azure_site::key(), end.output + end.errors);
}

}  // namespace coelect::test

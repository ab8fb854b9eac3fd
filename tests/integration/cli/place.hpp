// A directory for elections, and the command lines that use it.
#pragma once
#include "program.hpp"
#include "support/scratch_directory.hpp"

namespace coelect::test {

class place {
public:
  std::filesystem::path path() const { return directory_.path(); }
  std::filesystem::path lock_file() const { return path() / "leader.lock"; }
  std::string url() const { return "file:" + path().string(); }

  /// `coelect COMMAND ... --store here`.
  words on(words command) const {
    command.insert(command.begin() + 1, {"--store", url()});
    return command;
  }
  words candidate(std::string const& id) const { return on({"campaign", id}); }
  words json_candidate(std::string const& id) const { return on({"campaign", id, "--json"}); }

private:
  scratch_directory directory_;
};

}  // namespace coelect::test

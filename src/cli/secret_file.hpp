// Settings that know where they came from, and secrets from files and variables, in buffers that leave no copies behind.
#pragma once
#include <string>
#include <string_view>

namespace coelect::cli {

/// A setting and where it came from, for messages.
struct named_text {
  std::string name;  ///< The flag, or the variable that stands in for it.
  std::string text{};
};

/// Of the environment. Empty variables count as not set.
std::string_view variable(char const* name);

/// A copy that can be wiped: it has room of its own from the start. The caller hands it on to what wipes it.
std::string secret_text(std::string_view text);

/// The first line of the file that `from` names, likewise. Throws election_error that names the flag and the file.
std::string first_line_of(named_text const& from);

}  // namespace coelect::cli

// Fills in what the command line leaves to the environment, and finds what contradicts itself.
#pragma once
#include "cli/options.hpp"
#include <string>

namespace coelect::cli {

/// Afterwards `how` says where to go; or the sentence that says what is wrong. `election_named`: by --election.
std::string complete(settings& how, bool election_named);

}  // namespace coelect::cli

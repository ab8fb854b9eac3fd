// `coelect check`: the one command that talks to no store.
#pragma once
#include "cli/options.hpp"

namespace coelect::cli {

/// Reads how.files, prints the verdict, and answers with the exit code: done, unexpected (something that
/// must not be was found) or usage (a file cannot be read, or a line is not of --json).
int check(settings const& how);

}  // namespace coelect::cli

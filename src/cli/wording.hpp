// Says in the words of the command line what the library says in its own.
#pragma once
#include "cli/options.hpp"
#include <coelect/error.hpp>
#include <string>

namespace coelect::cli {

/// For people: what went wrong, with flags and variables instead of the library's options.
std::string sentence_for(election_error const& e, settings const& how);

}  // namespace coelect::cli

// Decides whether a directory can hold lock files.
#pragma once
#include <coelect/file_store.hpp>

namespace coelect::stores::file {

/// Throws election_error that names the directory and the cure.
void check_directory(file_store_options const& options);

}  // namespace coelect::stores::file

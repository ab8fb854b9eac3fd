// Decides whether a directory can hold lock files.
#pragma once
#include <coelect/file_store.hpp>
#include <string>

namespace coelect::stores::file {

/// Empty when lock files can be on a file system of `type` (statfs(2)); else what is wrong, and the cure.
std::string what_is_wrong_with_file_system(unsigned long type, file_store_options const& options);

/// Throws election_error that names the directory and the cure.
void check_directory(file_store_options const& options);

}  // namespace coelect::stores::file

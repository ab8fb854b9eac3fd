// Small wrappers over the system calls of the file store: whole reads and writes, errors with a cure.
#pragma once
#include <coelect/error.hpp>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace coelect::stores::file {

/// What an errno means for an election, in words that name the file and what would help.
outcome from_errno(int error, char const* doing, std::filesystem::path const& path);

bool is_regular(int fd) noexcept;
/// False with errno set.
bool write_all(int fd, std::string_view bytes, off_t at) noexcept;
/// Up to `size` bytes; what cannot be read is missing.
std::string read_at(int fd, std::size_t size, off_t at);
/// Writes `size` zeros at each place. False with errno set.
bool reserve(int fd, std::initializer_list<std::size_t> places, std::size_t size);
/// Makes new names in a directory survive a crash. False with errno set.
bool sync_directory(std::filesystem::path const& directory) noexcept;

}  // namespace coelect::stores::file

// Small wrappers over the system calls of the file store: whole reads and writes, errors with a cure.
#include "stores/file/file_calls.hpp"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coelect::stores::file {
namespace {

struct meaning {
  errc code;
  char const* cure;
};

meaning meaning_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return {errc::not_found, "the directory must exist"};
    case EACCES:
    case EPERM:
    case EROFS: return {errc::unauthorized, "every candidate needs to read and write here"};
    case ELOOP: return {errc::unsupported, "a symbolic link is not followed; remove it"};
    case EISDIR: return {errc::unsupported, "a directory stands in the lock file's place"};
    case EOPNOTSUPP:
    case EINVAL:
    case ENOSYS: return {errc::unsupported, "this file system has no such locks"};
    case ENOSPC:
    case EDQUOT: return {errc::overloaded, "make room on the disk"};
    case EFBIG: return {errc::overloaded, "raise the limit of file sizes"};
    case EMFILE:
    case ENFILE: return {errc::overloaded, "raise the limit of open files"};
    case ENOLCK:
    case ENOMEM: return {errc::overloaded, "the kernel is short of memory"};
    default: return {errc::unreachable, "the disk failed"};
  }
}

}  // namespace

outcome from_errno(int error, char const* doing, std::filesystem::path const& path) {
  auto const [code, cure] = meaning_of(error);
  return {code, std::string("cannot ") + doing + " " + path.string() + ": " + std::strerror(error) + "; " + cure};
}

bool is_regular(int fd) noexcept {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

bool write_all(int fd, std::string_view bytes, off_t at) noexcept {
  while (!bytes.empty()) {
    auto const n = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += n;
  }
  return true;
}

std::string read_at(int fd, std::size_t size, off_t at) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    auto const n = ::pread(fd, bytes.data() + have, size - have, at + static_cast<off_t>(have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

bool reserve(int fd, std::initializer_list<std::size_t> places, std::size_t size) {
  std::string const zeros(size, '\0');
  for (auto const at : places)
    if (!write_all(fd, zeros, static_cast<off_t>(at))) return false;
  return true;
}

bool sync_directory(std::filesystem::path const& directory) noexcept {
  int const fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool const synced = ::fsync(fd) == 0;
  int const error = errno;
  ::close(fd);
  errno = error;
  return synced;
}

}  // namespace coelect::stores::file

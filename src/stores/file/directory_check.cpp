// Decides whether a directory can hold lock files.
#include "stores/file/directory_check.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <coelect/error.hpp>
#include <cstring>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace coelect::stores::file {
namespace {

// Magic numbers of statfs(2). Lock files there are kept by another machine or by another program.
constexpr std::array<unsigned long, 10> remote_file_systems{
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x65735546,  // FUSE
    0x01021997,  // 9P
    0x00C36400,  // Ceph
    0x5346414F,  // AFS
    0x01161970,  // GFS2
    0x7461636F,  // OCFS2
};
constexpr std::array<unsigned long, 4> kernel_file_systems{0x9FA0 /* proc */, 0x62656572 /* sysfs */,
                                                           0x63677270 /* cgroup2 */, 0x1CD1 /* devpts */};
constexpr std::array<unsigned long, 2> volatile_file_systems{0x01021994 /* tmpfs */, 0x858458F6 /* ramfs */};

[[noreturn]] void refuse(errc code, std::filesystem::path const& directory, std::string const& why) {
  throw election_error(code, "directory: " + directory.string() + " " + why);
}

template <std::size_t Size>
bool among(unsigned long type, std::array<unsigned long, Size> const& all) {
  return std::find(all.begin(), all.end(), type) != all.end();
}

void check_file_system(file_store_options const& options) {
  struct statfs info {};
  if (::statfs(options.directory.c_str(), &info) != 0) return;
  auto const type = static_cast<unsigned long>(static_cast<unsigned int>(info.f_type));
  auto const wrong = what_is_wrong_with_file_system(type, options);
  if (!wrong.empty()) refuse(errc::unsupported, options.directory, wrong);
}

}  // namespace

std::string what_is_wrong_with_file_system(unsigned long type, file_store_options const& options) {
  if (among(type, kernel_file_systems)) return "is the kernel's own and keeps no files; use a directory on disk";
  if (!options.allow_remote && among(type, remote_file_systems))
    return "is on a network or FUSE file system, whose locks are only as good as its server; use a local disk, or "
           "set allow_remote";
  if (!options.allow_volatile && among(type, volatile_file_systems))
    return "is in memory (tmpfs), where token counters are lost at a reboot; use a disk directory such as "
           "/var/lib/<app>, or set allow_volatile";
  return {};
}

void check_directory(file_store_options const& options) {
  auto const& directory = options.directory;
  if (directory.empty()) throw election_error(errc::bad_options, "directory: a directory is required");
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    bool const missing = errno == ENOENT || errno == ENOTDIR;
    auto const why = std::string(": ") + std::strerror(errno);
    refuse(missing ? errc::not_found : errc::unauthorized, directory,
           missing ? "does not exist; create it first" : "cannot be looked at" + why);
  }
  if (!S_ISDIR(info.st_mode)) refuse(errc::not_found, directory, "is not a directory");
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0)
    refuse(errc::unauthorized, directory,
           std::string("is not writable (") + std::strerror(errno) + "); every candidate needs to write here");
  check_file_system(options);
}

}  // namespace coelect::stores::file

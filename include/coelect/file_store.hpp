// Elections between processes of one host, with no server at all.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <coelect/store.hpp>
#include <filesystem>
#include <memory>

namespace coelect {

/// Settings of a file store.
struct file_store_options {
  /// Where the lock files are, one per election: DIRECTORY/<election>.lock, a slash in the name as a
  /// comma. Must exist, be writable and be on a local disk; /var/lib/<app> is usual.
  std::filesystem::path directory;
  std::filesystem::perms permissions{0600};  ///< Of a lock file that we create; all candidates need read and write.
  /// How often a holder checks that its lock file is still there, and how often a candidate tries
  /// without having been woken. A net under inotify, and all there is when the user's inotify
  /// instances are used up. 10 ms to 60 s.
  std::chrono::milliseconds recheck{1'000};
  bool allow_remote = false;    ///< Accept NFS, CIFS, FUSE and the like: locking is then that server's word.
  bool allow_volatile = false;  ///< Accept tmpfs and ramfs: token counters are lost at a reboot.
  std::chrono::milliseconds request_timeout{2'500};  ///< How long one try may wait for a slow disk. 10 ms to 60 s.
  std::chrono::milliseconds retry_min{100};          ///< First back-off after a disk error. 1 ms at least.
  std::chrono::milliseconds retry_max{5'000};        ///< Ceiling of the back-off.
  log_fn log{};
  std::shared_ptr<environment> env{};  ///< Empty: environment::real(). Files and inotify stay real.
};

/// A store on an exclusive lock per election (F_OFD_SETLK, Linux >= 3.15) and inotify.
///
/// The kernel frees the lock when the holder closes it or dies, so there is no lease, no renewal, no
/// ttl, and valid() does not run out; a holder that is stopped (SIGSTOP) keeps its hold. The term
/// ends with errc::lease_lost when the lock file is deleted or replaced; candidates that were waiting
/// then wait for the old file's lock first, so they do not overtake the old holder.
///
/// Tokens are counted inside the lock file, in two checksummed slots, and synced to disk before a
/// candidate leads. A new file starts from the wall clock in microseconds, so a deleted file does not
/// bring old tokens back. The promise holds for one host and one mount namespace.
/// Opening, locking, reading, writing and syncing run on one thread of the store's own; what runs on
/// your executor is the holder's glance whether its file is still in place (stat). Dropping the last
/// reference to the store waits for the file call that is under way.
///
/// Throws election_error: errc::not_found, errc::unauthorized, errc::unsupported, errc::bad_options.
/// Creates no file. Source: fcntl(2) "Open file description locks", inotify(7).
std::shared_ptr<store> make_file_store(boost::asio::any_io_executor ex, file_store_options how);

}  // namespace coelect

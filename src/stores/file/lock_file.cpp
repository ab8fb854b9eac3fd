// Talks to the kernel about one lock file: opens, locks, reads and writes it. Blocking.
#include "stores/file/lock_file.hpp"
#include "stores/file/file_calls.hpp"
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace coelect::stores::file {
namespace {

constexpr int most_replacements = 100;  // of the file during one try; more is somebody's endless loop
constexpr std::size_t block = 4096;

}  // namespace

lock_file::lock_file(std::filesystem::path path, std::filesystem::perms permissions)
    : path_(std::move(path)), permissions_(permissions) {}

lock_file::result lock_file::failed(char const* doing) {
  auto how = from_errno(errno, doing, path_);
  close();
  return {std::move(how), {}};
}

lock_file::result lock_file::try_acquire(applicant const& who) {
  if (held_) return {{}, held_->token};
  for (int i = 0; i < most_replacements; ++i) {
    if (!fd_) {
      auto opened = open();
      if (!opened.ok()) return {std::move(opened), {}};
    }
    auto const locked = lock();
    if (!locked) return failed("lock");
    if (!*locked) return {};
    if (in_place()) {
      auto won = write_win(who);
      if (!won.how.ok()) close();
      // Deleted while we wrote: whoever comes now would not see our lock.
      if (!won.token || in_place()) return won;
    }
    let_go_of_old_file();
  }
  return {outcome(errc::unreachable, path_.string() + ": the lock file is replaced again and again"), {}};
}

// We wait for the lock of the file that we opened even if it has been deleted since, so that its
// holder has ended before we go on to the new one; and the new one must not repeat its tokens.
void lock_file::let_go_of_old_file() {
  auto const old = read();
  if (old.what == wire::lock_state::kind::known) at_least_ = std::max(at_least_, old.next_token);
  close();
}

outcome lock_file::open() {
  ++generation_;
  constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;  // O_NONBLOCK: a FIFO must not hold us up
  auto const mode = static_cast<mode_t>(permissions_);
  bool opened = fd_.open(path_.c_str(), flags, 0);
  bool const is_new = !opened && errno == ENOENT;
  if (is_new) {
    opened = fd_.open(path_.c_str(), flags | O_CREAT | O_EXCL, mode);
    if (!opened && errno == EEXIST) return open();  // somebody was faster
  }
  if (!opened) return from_errno(errno, is_new ? "create" : "open", path_);
  if (!is_regular(fd_.get())) {
    close();
    return {errc::unsupported, path_.string() + ": this is not a regular file; remove it"};
  }
  if (!is_new) return {};
  ::fchmod(fd_.get(), mode);  // as asked, whatever the umask
  if (sync_directory(path_.parent_path())) return {};
  return failed("sync the directory of").how;
}

std::optional<bool> lock_file::lock() const noexcept {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd_.get(), F_OFD_SETLK, &whole) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return std::nullopt;
}

bool lock_file::in_place() const noexcept {
  struct stat here {
  }, there{};
  if (!fd_ || ::fstat(fd_.get(), &here) != 0) return false;
  if (::lstat(path_.c_str(), &there) != 0) return false;
  return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

lock_file::result lock_file::write_win(applicant const& who) {
  auto const state = read();
  if (state.what == wire::lock_state::kind::damaged)
    return {outcome(errc::bad_record,
                    path_.string() + ": nothing in this file can be read, so the next token is not known. "
                                     "Stop all candidates and delete the file: a new one counts from the present time"),
            {}};
  bool const unused = state.what == wire::lock_state::kind::unused;
  auto const now = who.now();
  wire::lock_record record;
  record.sequence = unused ? 1 : state.newest.sequence + 1;
  record.token = unused ? static_cast<std::uint64_t>(now.count()) : state.next_token;
  record.token = std::max(record.token, at_least_);
  record.pid = static_cast<std::uint64_t>(::getpid());
  record.since = now;
  record.candidate = who.candidate;
  record.value = who.value;
  // Both slots get their disk blocks now: later syncs then have no file system metadata to write.
  if (unused && !reserve(fd_.get(), {0, wire::record_slot}, block)) return failed("write");
  auto written = write(record, state.next_slot);
  if (!written.ok()) return {std::move(written), {}};
  held_slot_ = state.next_slot;
  held_ = std::move(record);
  return {{}, held_->token};
}

outcome lock_file::publish(std::string const& value) {
  if (!held_ || !in_place()) return {errc::not_leader, path_.string() + ": not held any more"};
  auto record = *held_;
  ++record.sequence;
  record.value = value;
  auto const slot = 1 - held_slot_;
  auto written = write(record, slot);
  if (!written.ok()) return written;
  held_slot_ = slot;
  held_ = std::move(record);
  return {};
}

outcome lock_file::write(wire::lock_record const& record, std::size_t slot) {
  auto const bytes = wire::write_record(record);
  auto const at = static_cast<off_t>(slot * wire::record_slot);
  if (!write_all(fd_.get(), bytes, at)) return from_errno(errno, "write", path_);
  if (::fdatasync(fd_.get()) != 0) return from_errno(errno, "sync", path_);
  return {};
}

wire::lock_state lock_file::read() const {
  auto const first = read_at(fd_.get(), wire::record_slot, 0);
  auto const second = read_at(fd_.get(), wire::record_slot, wire::record_slot);
  return wire::judge(first, second);
}

std::optional<std::uint64_t> lock_file::asked_to_resign() const {
  if (!fd_) return std::nullopt;
  auto const slot = read_at(fd_.get(), wire::request_slot, static_cast<off_t>(wire::request_offset));
  return wire::read_request(slot);
}

void lock_file::close() noexcept {
  held_.reset();
  fd_.reset();
}

}  // namespace coelect::stores::file

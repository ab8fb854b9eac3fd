// Reads a lock file from outside: who leads, and how to ask the leader to resign. Blocking.
#include "stores/file/file_calls.hpp"
#include "stores/file/lock_file.hpp"
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace coelect::stores::file {
namespace {

constexpr int look_flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;  // O_NONBLOCK: a FIFO must not hold us up

class plain_descriptor {
public:
  explicit plain_descriptor(int fd) : fd_(fd) {}
  plain_descriptor(plain_descriptor const&) = delete;
  plain_descriptor& operator=(plain_descriptor const&) = delete;
  ~plain_descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

private:
  int fd_;
};

// A dead leader's record stays in the file: only the lock tells that somebody leads.
bool is_held(int fd) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

glance look_into(int fd, std::filesystem::path const& path) {
  glance seen;
  seen.seen = sighting::empty_seat();
  if (!is_regular(fd)) seen.how = outcome(errc::unsupported, path.string() + ": this is not a regular file");
  if (!seen.how.ok() || !is_held(fd)) return seen;
  auto const first = read_at(fd, wire::record_slot, 0);
  auto const second = read_at(fd, wire::record_slot, wire::record_slot);
  auto const state = wire::judge(first, second);
  if (state.what == wire::lock_state::kind::damaged)
    seen.how = outcome(errc::bad_record, path.string() + ": nothing in this file can be read");
  if (state.what != wire::lock_state::kind::known) return seen;
  auto const& r = state.newest;
  std::chrono::system_clock::time_point const since{r.since};
  seen.seen = sighting(leader_info(r.candidate, r.value, r.token, since));
  seen.pid = r.pid;
  return seen;
}

}  // namespace

glance look_at(std::filesystem::path const& path) {
  plain_descriptor const file(::open(path.c_str(), O_RDONLY | look_flags));
  if (file.get() >= 0) return look_into(file.get(), path);
  glance nothing;
  nothing.seen = sighting::empty_seat();
  if (errno != ENOENT) nothing.how = from_errno(errno, "open", path);
  return nothing;
}

outcome request_resignation(std::filesystem::path const& path, std::uint64_t token) {
  plain_descriptor const file(::open(path.c_str(), O_RDWR | look_flags));
  if (file.get() < 0 && errno == ENOENT) return {errc::not_leader, "nobody leads"};
  if (file.get() < 0) return from_errno(errno, "open", path);
  auto const now = look_into(file.get(), path);
  if (!now.how.ok()) return now.how;
  if (now.seen.fencing_token() != token) return {errc::not_leader, "no leader with that token"};
  auto const request = wire::write_request(token);
  if (write_all(file.get(), request, static_cast<off_t>(wire::request_offset))) return {};
  return from_errno(errno, "write", path);
}

}  // namespace coelect::stores::file

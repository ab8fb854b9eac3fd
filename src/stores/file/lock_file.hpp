// Talks to the kernel about one lock file: opens, locks, reads and writes it. Blocking.
#pragma once
#include "stores/file/lock_descriptor.hpp"
#include "wire/lock_record.hpp"
#include <coelect/store.hpp>
#include <filesystem>
#include <functional>
#include <optional>

namespace coelect::stores::file {

/// Who wants to hold the lock.
struct applicant {
  std::string candidate;
  std::string value;
  /// Wall clock since 1970, asked under the lock: it is shown, and seeds a new file's counter.
  std::function<std::chrono::microseconds()> now;
};

/// One candidate's own open file description of one lock file. Used from one thread at a time.
class lock_file {
public:
  lock_file(std::filesystem::path path, std::filesystem::perms permissions);

  /// What became of one try. `token`: held. Neither an error nor a token: somebody else holds it.
  struct result {
    outcome how{};
    std::optional<std::uint64_t> token{};
  };
  /// Idempotent: the holder gets its token again.
  result try_acquire(applicant const& who);
  outcome publish(std::string const& value);
  void close() noexcept;  ///< Frees the lock unless a child process has inherited a copy.

  /// The descriptor, also while somebody else holds the lock; -1 when not open.
  int descriptor() const noexcept { return fd_.get(); }
  /// Changes whenever another file is opened; descriptors are used again and do not tell.
  std::uint64_t generation() const noexcept { return generation_; }
  /// True while the file that is open here is the one that others will find.
  bool in_place() const noexcept;
  /// Token of the leader that was asked to resign, if any.
  std::optional<std::uint64_t> asked_to_resign() const;

private:
  outcome open();
  std::optional<bool> lock() const noexcept;
  result write_win(applicant const& who);
  outcome write(wire::lock_record const& record, std::size_t slot);
  wire::lock_state read() const;
  void let_go_of_old_file();
  result failed(char const* doing);

  std::filesystem::path path_;
  std::filesystem::perms permissions_;
  lock_descriptor fd_;
  std::uint64_t generation_ = 0;
  std::uint64_t at_least_ = 0;  // tokens seen in a file that has been replaced since
  std::optional<wire::lock_record> held_;
  std::size_t held_slot_ = 0;
};

/// Who leads according to the file at `path`; also used by observers without write permission.
struct glance {
  outcome how{};
  sighting seen{};
  std::uint64_t pid = 0;
};
glance look_at(std::filesystem::path const& path);

/// Leaves a request for the leader with `token`.
outcome request_resignation(std::filesystem::path const& path, std::uint64_t token);

}  // namespace coelect::stores::file

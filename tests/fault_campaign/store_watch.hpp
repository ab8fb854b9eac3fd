// What etcd itself says about the elections: all its changes from revision 1 on, as the first of its members tells them.
#pragma once
#include "run.hpp"
#include <atomic>
#include <optional>
#include <thread>

namespace coelect::test {

/// Reads the watch streams of all members, each with a thread of its own, and notes every change once: who was granted an
/// election (his key became the oldest), whose hold was dropped, which guarded writes were carried out. A moment noted is
/// that at which the first member told it, so later than the change itself.
///
/// A lease that is gone too early, although a renewal was confirmed by a write less than the trusted time ago, is the
/// store's doing (etcd#15247): the watch excuses its elections until the holder's deadline at the latest.
///
/// What an operator of the campaign takes away is excused from when the watch sees it gone, not from when he asked: a
/// member that is paused carries out a request that it was sent before, also one that nobody waits for any more.
class store_watch {
public:
  struct holder {
    std::string candidate, key;
    std::int64_t lease = 0;
    std::uint64_t token = 0;
  };

  /// `prefix`: before the elections' names. `trusted`: for how long a renewed lease is.
  store_watch(run& in, std::vector<std::uint16_t> client_ports, std::string prefix, milliseconds trusted);
  store_watch(store_watch const&) = delete;
  store_watch& operator=(store_watch const&) = delete;
  ~store_watch();

  std::map<std::string, holder> holders() const;  ///< By election.
  std::int64_t seen() const noexcept { return seen_; }
  bool wait_until_seen(std::int64_t revision, milliseconds limit) const;
  /// An operator is about to delete that key, or to revoke its lease; `why` goes into the excuse of the elections that
  /// end with it.
  void will_go(std::string const& key, std::string why);
  /// The key was not there any more.
  void was_not_there(std::string const& key);
  /// Whether that may still be carried out.
  bool awaits(std::string const& key) const;
  /// A key that goes with its lease, and not without.
  std::string anchor_of(std::int64_t lease) const;
  int early_revocations() const noexcept { return early_; }

private:
  struct change {
    std::string key, value;
    std::int64_t create_revision = 0, mod_revision = 0, lease = 0;
    bool deleted = false;
  };
  void follow(std::uint16_t port);
  void listen(int socket);
  void line(std::string const& text, nanoseconds at);
  void revision(std::vector<change> const& all, nanoseconds at);
  void candidate_changed(std::string const& election, change const& what);
  void look_for_early_revocation(std::string const& lease, nanoseconds at);
  std::string operators_doing(std::vector<change> const& all);
  void excuse(std::string const& election, nanoseconds at, nanoseconds until, std::string const& why);
  std::string election_of(std::string const& key) const;

  run& in_;
  journal out_;
  std::string prefix_;
  milliseconds trusted_;
  mutable std::mutex mutex_;
  std::atomic<std::int64_t> seen_{0};
  std::atomic<int> early_{0};
  std::atomic<bool> over_{false};
  nanoseconds last_note_{};
  std::map<std::string, std::map<std::int64_t, holder>> queues_;  // election, create revision
  std::map<std::string, std::uint64_t> leading_;                  // the token
  std::map<std::string, nanoseconds> renewed_;                    // lease in hex, its last anchor put
  std::map<std::string, std::string> taken_by_us_;                // a key that will go, and why
  std::vector<std::thread> threads_;
};

/// The bodies of chunks as they come; head first.
class chunked_reader {
public:
  /// What is complete of the body after these bytes.
  std::string feed(std::string_view bytes);

private:
  std::string raw_;
  bool in_body_ = false;
};

}  // namespace coelect::test

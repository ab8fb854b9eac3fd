// Puts the transactions of many elections into one: one commit, one round trip for all of them.
#pragma once
#include "stores/etcd/etcd_client.hpp"
#include "stores/etcd/hunch.hpp"
#include "wire/etcd_keys.hpp"
#include "wire/etcd_requests.hpp"
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coelect::stores::etcd {

/// A comparison that may be the same for many: once is enough for all of them.
struct unchanged {
  std::string key;
  std::int64_t since = 0;  ///< The key's mod_revision; 0: there is none.
  friend bool operator==(unchanged const&, unchanged const&) = default;
};

/// One candidate's transaction.
struct part {
  /// When it is about to go, fills in `what` and `also_if`: thousands in line need not keep their texts. Empty: they
  /// are there. Not called after the handle was dropped.
  std::function<void(part&)> make{};
  wire::etcd::transaction what{};      ///< Of two comparisons at most.
  std::optional<unchanged> also_if{};  ///< One more, made for the whole batch where all its parts have it.
  wire::etcd::txn_shape shape{};
  std::string election{};  ///< No two parts of a batch are about the same one, nor about one below the other.
  instant give_up{};
  /// Above 0: once on its way it has at least so long, and time in a line that moves does not count.
  std::chrono::nanoseconds patience{0};
  bool repeatable = true;  ///< As question's.
  bool write = true;       ///< As question's.
  /// R9: the deletion of a key that nobody makes goes along, so that the comparisons go through raft. Unlike a put it
  /// works on a full database, too, and is no event for the watches.
  bool through_raft = false;
};

/// While two transactions are on their way, whatever comes waits, and goes together once one of them is answered. So
/// a part that comes alone pays nothing for this, and a thousand at once pay for ten.
///
/// Parts have comparisons of their own and fail alone. What fails the whole (a lease that is gone, a key that must
/// not be written, a full database) is the fault of one: then each goes once more by itself. With a user name nothing
/// is put together, because some versions let nested puts pass that the role forbids (3.4.23).
///
/// As long as batches are mostly carried out whole, they are asked for whole: all comparisons and all operations in
/// one list, which etcd's gateway, that reads each level of nesting anew, takes half the time for (0.10 ms instead of
/// 0.17 for each election, 3.4.23). One that fails has done nothing, and its parts go again, nested, each to fail or
/// succeed by itself.
///
/// Two candidates of one election must not share a commit: their keys would have the same create revision, and both
/// would see nobody before them.
///
/// On the store's strand.
class batches {
public:
  using answered = std::function<void(called const&, wire::etcd::txn_answer)>;

  batches(etcd_client& client, wire::etcd::key_layout const& keys) : client_(client), keys_(keys) {}
  batches(batches const&) = delete;
  batches& operator=(batches const&) = delete;

  /// Answers by `give_up`, or what `patience` makes of it, never inside this call. Dropping the handle: not called
  /// any more; what went with others is carried out all the same.
  [[nodiscard]] asked ask(part what, answered done);

private:
  class member;
  class place;
  class joint_request;
  using members = std::vector<std::weak_ptr<member>>;
  using strong_members = std::vector<std::shared_ptr<member>>;
  enum class form { one_list = 1, nested };
  /// What went together, and its call.
  struct flight {
    members together;
    asked call;
  };

  void flush_soon();
  void flush();
  void take(members& together);
  void send(std::list<flight>::iterator at, form as, std::shared_ptr<place> where);
  void send_alone(std::shared_ptr<member> const& one, std::shared_ptr<place> where);
  void watch_clock();
  void look_at_clock();
  members those_late();
  void on_answered(std::list<flight>::iterator at, form as, called const& how, wire::etcd::batch_answer answer,
                   std::shared_ptr<place> where);
  void deal_out(called const& how, wire::etcd::batch_answer answer, members const& together);
  wire::etcd::operation write_nothing() const;

  etcd_client& client_;
  wire::etcd::key_layout const& keys_;
  std::size_t on_their_way_ = 0;
  std::uint64_t answered_ = 0;  // transactions, whole
  hunch whole_;                 // whether a batch will be carried out whole
  bool flushing_ = false;       // a flush() is posted
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
  std::deque<std::weak_ptr<member>> waiting_;
  instant first_limit_ = instant::never();  // of those in `waiting_` and `sent_`, or before it
  instant unwatched_ = instant::never();    // of those that came since
  timer alarm_;                             // for that: one for all, because nearly everything is answered in time
  std::list<flight> sent_;                  // last: each gives its place back
};

}  // namespace coelect::stores::etcd

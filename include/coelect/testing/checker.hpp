// Judges one election from what was seen of it: overlaps, token order, stale writes, signals, excuses.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace coelect::testing {

using std::chrono::nanoseconds;

/// What can be told to a checker. Times are of one clock for all candidates, not negative: a world's now(), or
/// CLOCK_BOOTTIME of one host.
enum class happening {
  elected = 1,  ///< A campaign of `candidate` was won with `token`, and the term was valid when that was heard.
  valid,        ///< valid() said yes throughout [at, until]; until 0: at that moment.
  at_risk,      ///< The term's at_risk() completed.
  lost,         ///< The term's lost() completed; `detail` says why and must not be empty.
  resigned,     ///< The candidate gave the term up: valid() must not say yes again. lost() may follow.
  accepted,     ///< A resource did what `token`'s leader asked for. In the resource's own order.
  refused,      ///< A resource has seen a newer token and did not do it. In the resource's own order.
  granted,      ///< The store gave the election to `candidate`. In the store's own order.
  dropped,      ///< The store no longer holds it for `token`.
  /// Two may be valid, and a hold be outlived, until `until`, if that ends by then: `detail` says what the store or
  /// an operator did. Covers what was before it, too, and is to be told before what it excuses.
  excuse,
};

/// One thing that was seen. Members that a happening does not name may stay empty.
struct event {
  happening what{};
  nanoseconds at{};
  nanoseconds until{};  ///< Of `valid` and `excuse`; otherwise unused.
  std::string candidate{};
  std::uint64_t token = 0;  ///< Of all but `excuse`, above 0.
  std::string detail{};
  std::string election{};  ///< For files of several elections; a checker does not look at it.
};

/// Judges one election; use one for each. It believes what it is told and judges only that: who never
/// tells of valid() learns nothing about overlaps. Not thread-safe. Memory is bounded: the last 64 terms and
/// the first 20 complaints are kept; counts go on.
class checker {
public:
  struct figures {
    std::uint64_t terms = 0;         ///< Tokens heard of.
    std::uint64_t samples = 0;       ///< valid() said yes.
    std::uint64_t accepted = 0;      ///< Writes.
    std::uint64_t refused = 0;       ///< Writes with an old token that a resource refused.
    std::uint64_t overlaps = 0;      ///< Two valid at a time, each time it was seen.
    std::uint64_t regressions = 0;   ///< Tokens out of order, or of two holders.
    std::uint64_t stale_writes = 0;  ///< Accepted after one of a newer token; or refused although not old.
    std::uint64_t outlived = 0;      ///< valid() although the store had dropped the hold.
    std::uint64_t signals = 0;       ///< lost() twice, without a reason or of a term never won; a term that came back.
    std::uint64_t excused = 0;       ///< Overlaps and outlived holds inside an excuse.
  };

  /// In the order of `at`, but for `granted` and resource events, whose own order counts. An event with `what` 0
  /// is passed over.
  void see(event const& one);
  /// All tokens for which valid() says yes at this moment, of all candidates: two at once is an overlap,
  /// and one that was missing in a later call must not come back. Zeros (nobody) are passed over, so that
  /// leadership_signal::fencing_token() of every candidate can be handed in.
  void sample(nanoseconds at, std::vector<std::uint64_t> const& valid);

  bool fine() const noexcept { return complaints_.empty(); }
  std::vector<std::string> const& complaints() const noexcept { return complaints_; }  ///< "at 12.5 s ...".
  figures const& counts() const noexcept { return counts_; }
  std::string summary() const;  ///< One line: "12 terms, 0 overlaps, ...".

private:
  struct term {
    std::uint64_t token = 0;
    std::string candidate;
    nanoseconds first{-1}, last{-1};  // where valid() said yes
    nanoseconds dropped{-1};
    bool heard = false, ended = false, said_no = false;
  };
  term& of(std::uint64_t token, std::string const& candidate);
  term* find(std::uint64_t token);
  void elected(event const& one);
  void valid(term& who, nanoseconds from, nanoseconds until);
  void ended(event const& one);
  void wrote(event const& one);
  void granted(event const& one);
  void complain(std::uint64_t& kind, nanoseconds at, std::string what);
  bool excused(nanoseconds from) const noexcept { return from < excused_until_; }

  std::deque<term> terms_;  // the last 64
  std::vector<std::uint64_t> valid_before_;
  std::uint64_t newest_elected_ = 0, newest_granted_ = 0, newest_written_ = 0;
  nanoseconds excused_until_{-1};
  figures counts_;
  std::vector<std::string> complaints_;
};

/// One line of JSON without its end, as `coelect campaign --json` writes them: {"event":...}. Numbers of
/// nanoseconds are named boot_ns and until_ns, `detail` is named reason. Throws std::invalid_argument when `what`
/// is none of the enumerators.
std::string to_json(event const& one);
/// The other way round; also reads the lines of `coelect campaign --json`. What a checker does not judge by
/// (candidate, leader, heartbeats of others, names it does not know) gives an event with `what` 0. Throws
/// std::invalid_argument that names the member which is missing or wrong. Any thread.
event event_from_json(std::string const& line);

}  // namespace coelect::testing

// One candidate's transaction while it waits in line or is on its way, and the place that it takes there.
#pragma once
#include "stores/etcd/batches.hpp"
#include <algorithm>
#include <exception>
#include <utility>

namespace coelect::stores::etcd {

constexpr std::size_t most_inside = 2;  // operations of a transaction that goes with others

/// One of those that may be on their way; the next ones may go when it ends.
class batches::place {
public:
  explicit place(batches& all) : all_(all) { ++all_.on_their_way_; }
  place(place const&) = delete;
  place& operator=(place const&) = delete;
  ~place() {
    --all_.on_their_way_;
    try {
      if (!all_.waiting_.empty()) all_.flush_soon();
    } catch (std::exception const&) {  // no memory: they go with the next one that is asked, or their time ends
    }
  }

private:
  batches& all_;
};

/// A part that waits or is on its way.
class batches::member final : public conversation {
public:
  member(part what, batches::answered done, std::uint64_t answered_so_far)
      : what_(std::move(what)), done_(std::move(done)), seen_(answered_so_far) {}

  part const& what() const noexcept { return what_; }
  bool over() const noexcept { return !done_; }
  bool alone() const noexcept {
    return alone_ || std::max(what_.shape.on_success, what_.shape.on_failure) > most_inside;
  }
  void go_alone() noexcept {
    alone_ = true;
    sent_ = false;
  }
  void goes() noexcept { sent_ = true; }
  void make() {
    if (auto const how = std::exchange(what_.make, nullptr)) how(what_);
  }
  /// Its time is over. The patient have some more where the line has moved since.
  bool is_late(instant now, std::uint64_t answered) noexcept {
    if (!what_.give_up.reached(now)) return false;
    bool const moves = !sent_ && std::exchange(seen_, answered) != answered;
    return !moves || !wait_on(now);
  }
  /// False for the impatient.
  bool wait_on(instant now) noexcept {
    if (what_.patience == std::chrono::nanoseconds(0)) return false;
    what_.give_up = later(what_.give_up, now + what_.patience);
    return true;
  }
  /// Its own request: dropped with it.
  void has(asked call, std::shared_ptr<place> where) {
    call_ = std::move(call);
    place_ = std::move(where);
  }
  void leaves_line() noexcept { place_.reset(); }

  void late() {
    called how;
    how.how = outcome(errc::timed_out, sent_ ? "no answer in time" : "too many requests before this one");
    how.uncertain = sent_;
    finish(how, {});
  }
  void finish(called const& how, wire::etcd::txn_answer answer) {
    what_ = {};  // whoever waits for long after this keeps the handle
    if (auto const done = std::exchange(done_, nullptr)) done(how, std::move(answer));
  }

private:
  part what_;
  batches::answered done_;
  std::uint64_t seen_;  // how many had been answered when its clock began to run
  bool alone_ = false;
  bool sent_ = false;
  std::shared_ptr<place> place_;
  asked call_;
};

}  // namespace coelect::stores::etcd

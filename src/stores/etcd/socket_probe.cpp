// Whether a WebSocket full of watches lives, and whether they have told all: what it is asked, and how long it may take.
#include "stores/etcd/socket_watch.hpp"
#include "stores/etcd/watch_socket.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::etcd {
namespace {

// Keys that one transaction looks at: etcd allows 128 operations, and an answer stays below a body's limit.
constexpr std::size_t most_looked_at = 64;

}  // namespace

/// `now`: whatever was seen before, it has to say something.
void watch_socket::probe(bool now) {
  if (mode_ != mode::open) return;
  // Whoever renews expects something of each renewal, so that this rings only when that takes too long, and for those
  // who never write.
  tick_ = client_.context().after(times_.renew_every * 9 / 8, [this] { tick(); });
  look_around();
  if (probing_) return;
  target_ = std::max(client_.newest_write(), floor_);
  if (!now && seen_ > 0 && seen_ >= target_) return proven();
  probe_ = client_.context().after(times_.request_timeout / 2, [this] { ask_once_more(); });
  socket_->send(wire::etcd::progress_body());
  probing_ = true;
}

// A member may have been a moment behind. And the newer ones say nothing while any of our watches is not up to date,
// as after a resumption of thousands; a watch that begins is answered by all.
void watch_socket::ask_once_more() {
  wire::etcd::watch_request how;
  how.what = wire::etcd::key_range::one("coelect");
  how.deletes_only = true;
  how.watch_id = ++last_number_;
  socket_->send(wire::etcd::watch_body(how));
  socket_->send(wire::etcd::cancel_watch_body(how.watch_id));
  probe_ = client_.context().after(times_.request_timeout / 2, [this] {
    unproven_ = true;
    reopen_later(outcome(errc::timed_out, "the watch is behind or dead"));
  });
}

// etcd has lost events before, when one stream had many watches. Whoever waits for a key to go (its own, its
// predecessor's) is told to look when it is not there: each period the next few keys are. A POST stream is reopened
// as often, from where it was, which shows the same.
void watch_socket::look_around() {
  auto const now = client_.context().now();
  if (watches_->count() == 0 || !(looked_ + times_.renew_every * 3 / 4).reached(now)) return;
  looked_ = now;
  auto const numbers = std::make_shared<std::vector<std::int64_t>>();
  wire::etcd::transaction all;
  for (std::size_t n = watches_->places(); n > 0 && numbers->size() < most_looked_at; --n) {
    looked_at_ = (looked_at_ + 1) % watches_->places();
    auto const* const w = watches_->at(looked_at_);
    if (w == nullptr || !w->created || !w->deletes_only || !w->what.end.empty()) continue;
    wire::etcd::range_request key;
    key.what = w->what;
    key.keys_only = true;
    all.then(wire::etcd::operation::range(key));
    numbers->push_back(watches_->number(*w));
  }
  if (numbers->empty()) return;
  etcd::question what;
  what.path = "/v3/kv/txn";
  what.body = all.body();
  what.give_up = now + times_.request_timeout;
  auto done = [this, numbers](called const& how, wire::etcd::txn_answer const& answer) {
    if (!how.how.ok()) return;
    std::weak_ptr<int> const life = life_;
    for (std::size_t i = 0; !life.expired() && i < numbers->size(); ++i) {
      auto* const w = watches_->find(numbers->at(i));
      if (w == nullptr) continue;
      auto const& found = answer.operations.at(i).kvs;
      bool const there = !found.empty() && found.front().create_revision < w->next;
      if (!there) w->to->on_gap();
    }
  };
  looking_ = client_.txn(std::move(what), numbers->size(), 0, std::move(done));
}

// A member that is cut off from the others answers as ever. What it lacks shows in a read that went through raft.
void watch_socket::tick() {
  probe(true);  // at once: what goes wrong with the read may be what the watches suffer from, too
  wire::etcd::range_request any;
  any.what = wire::etcd::key_range::one("coelect");
  any.keys_only = true;
  etcd::question what;
  what.path = "/v3/kv/range";
  what.body = wire::etcd::range_body(any);
  what.give_up = client_.context().now() + times_.request_timeout;
  auto done = [this](called const& how, wire::etcd::range_answer const& answer) {
    if (!how.how.ok()) return;
    floor_ = std::max(floor_, answer.header.revision);
    probe(false);
  };
  reading_ = client_.ask<wire::etcd::range_answer>(std::move(what), wire::etcd::read_range, std::move(done));
}

void watch_socket::saw(std::int64_t revision) {
  seen_ = std::max(seen_, revision);
  if (!probing_ || seen_ < target_) return;
  probing_ = false;
  probe_.clear();
  proven();
  if (floor_ > seen_) probe(false);  // read meanwhile
}

/// What ends the doubt about a server that was silent, or left out what was expected: all of that.
void watch_socket::proven() {
  if (!unproven_) return;
  for (std::size_t i = 0; i < watches_->places(); ++i)
    if (auto const* const w = watches_->at(i); w != nullptr && w->expected >= w->next) return;
  unproven_ = false;
  for (std::size_t i = 0; i < watches_->places(); ++i)
    if (auto* const w = watches_->at(i); w != nullptr && w->created) w->blind.reset();
}

// Not begun anew while one runs: several sessions that renew in turn would put it off for ever.
void watch_socket::wait_for(watch& w) {
  auto const number = watches_->number(w);
  bool const waits = std::any_of(awaited_.begin(), awaited_.end(), [=](auto const& e) { return e.number == number; });
  if (waits || w.expected < w.next) return;
  auto& e = awaited_.emplace_back(expectation{number, w.expected});
  e.end = client_.context().after(times_.request_timeout, [this, number, revision = w.expected] {
    auto* const late = watches_->find(number);
    if (late == nullptr) return;
    stop_waiting_for(*late);
    if (revision < late->next) return wait_for(*late);
    unproven_ = true;
    reopen_later(outcome(errc::timed_out, "the watch is behind or dead"));
  });
}

void watch_socket::stop_waiting_for(watch const& w) noexcept {
  if (awaited_.empty()) return;
  awaited_.remove_if([number = watches_->number(w)](auto const& e) { return e.number == number; });
}

}  // namespace coelect::stores::etcd

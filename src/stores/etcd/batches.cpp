// Puts the transactions of many elections into one: one commit, one round trip, one anchor put for all of them.
#include "stores/etcd/batches.hpp"
#include <algorithm>
#include <set>
#include <utility>

namespace coelect::stores::etcd {
namespace {

using wire::etcd::batch_answer;
using wire::etcd::operation;
using wire::etcd::transaction;
using wire::etcd::txn_answer;
using wire::etcd::txn_shape;

constexpr std::size_t most_on_their_way = 2;  // 10,400 cycles/s where one at a time gave 6,200 (3.4.23, tmpfs)
// etcd's limit of 128 operations counts both levels: 126 transactions of two.
constexpr std::size_t most_inside = 2;
constexpr std::size_t most_operations = 128 - most_inside;
// Bytes of requests. Their answers, keys without values, are of the same size, and 256 KiB are read of one.
constexpr std::size_t most_bytes = std::size_t{96} * 1024;

/// The elections of one batch.
class elections {
public:
  bool add(std::string const& name) {
    if (names_.contains(name) || has_below(name) || has_above(name)) return false;
    names_.insert(name);
    return true;
  }

private:
  bool has_below(std::string const& name) const {
    auto const found = names_.lower_bound(name + "/");
    return found != names_.end() && found->starts_with(name + "/");
  }
  bool has_above(std::string const& name) const {
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1))
      if (names_.contains(name.substr(0, slash))) return true;
    return false;
  }

  std::set<std::string> names_;
};

// The transaction with all its comparisons.
transaction whole(part const& p) {
  auto txn = p.what;
  if (p.also_if) txn.when_modified_at(p.also_if->key, p.also_if->since);
  return txn;
}

// Whether one part alone may have brought this on all.
bool one_is_guilty(error_code const& ec) {
  return ec == errc::lease_lost || ec == errc::unauthorized || ec == errc::bad_options || ec == errc::overloaded;
}

}  // namespace

/// One of those that may be on their way; the next ones may go when it ends.
class batches::place {
public:
  explicit place(batches& all) : all_(all) { ++all_.on_their_way_; }
  place(place const&) = delete;
  place& operator=(place const&) = delete;
  ~place() {
    --all_.on_their_way_;
    if (!all_.waiting_.empty()) all_.flush_soon();
  }

private:
  batches& all_;
};

/// A part that waits or is on its way.
class batches::member final : public conversation {
public:
  member(part what, answered done) : what_(std::move(what)), done_(std::move(done)) {}

  part const& what() const noexcept { return what_; }
  bool over() const noexcept { return !done_; }
  void limit(timer t) noexcept { limit_ = std::move(t); }
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
  bool sent() const noexcept { return sent_; }
  /// False for the impatient.
  bool wait_on(instant now) noexcept {
    if (what_.patience == std::chrono::nanoseconds(0)) return false;
    what_.give_up = later(what_.give_up, now + what_.patience);
    return true;
  }
  /// Its own request: dropped with it.
  void has(asked call, std::unique_ptr<place> where) {
    limit_.clear();
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
  void finish(called const& how, txn_answer answer) {
    limit_.clear();
    what_ = {};  // whoever waits for long after this keeps the handle
    if (auto const done = std::exchange(done_, nullptr)) done(how, std::move(answer));
  }

private:
  part what_;
  answered done_;
  timer limit_;
  bool alone_ = false;
  bool sent_ = false;
  std::unique_ptr<place> place_;
  asked call_;
};

asked batches::ask(part what, answered done) {
  auto const made = std::make_shared<member>(std::move(what), std::move(done));
  watch_clock(made);
  waiting_.push_back(made);
  if (on_their_way_ < most_on_their_way) flush_soon();
  return made;
}

void batches::watch_clock(std::shared_ptr<member> const& who) {
  auto late = [this, weak = std::weak_ptr<member>(who), seen = answered_] {
    auto const self = weak.lock();
    if (!self) return;
    bool const moves = !self->sent() && seen != answered_;
    if (!moves || !self->wait_on(client_.context().now())) return self->late();
    watch_clock(self);
  };
  who->limit(client_.context().at(who->what().give_up, std::move(late)));
}

// Posted, so that those whose calls are in the queue already go along.
void batches::flush_soon() {
  if (std::exchange(flushing_, true)) return;
  client_.context().post([this, life = std::weak_ptr<int>(life_)] {
    if (!life.expired()) flush();
  });
}

void batches::flush() {
  flushing_ = false;
  while (on_their_way_ < most_on_their_way) {
    auto together = take();
    if (together.empty()) return;
    send(std::move(together));
  }
}

// The oldest one and, in their order, those that can go with it.
batches::members batches::take() {
  members together;
  elections about;
  std::set<std::int64_t> anchors;
  std::size_t bytes = 0;
  bool full = false;
  std::deque<std::weak_ptr<member>> passed_over;
  std::shared_ptr<member> head;
  while (!waiting_.empty() && together.size() + anchors.size() < most_operations) {
    auto weak = std::move(waiting_.front());
    waiting_.pop_front();
    auto const next = weak.lock();
    if (!next || next->over()) continue;
    auto const& what = next->what();
    bool const first = !head;
    if (first) head = next;
    bool fits = first || (!full && !next->alone() && what.repeatable == head->what().repeatable &&
                          what.write == head->what().write);
    if (fits) {
      next->make();
      full = bytes + what.what.size() > most_bytes;
      fits = first || !full;
    }
    if (!fits || !about.add(what.election)) {
      passed_over.push_back(std::move(weak));
      continue;
    }
    bytes += what.what.size();
    if (what.anchored_by != 0) anchors.insert(what.anchored_by);
    together.push_back(std::move(weak));
    if (head->alone() || !client_.anonymous()) break;
  }
  waiting_.insert(waiting_.begin(), passed_over.begin(), passed_over.end());
  return together;
}

operation batches::anchor(std::int64_t lease) const { return operation::put(keys_.anchor(lease), "", lease); }

void batches::send_alone(std::shared_ptr<member> const& one) {
  one->wait_on(client_.context().now());
  auto const& p = one->what();
  auto txn = whole(p);
  std::size_t const puts = p.anchored_by != 0 ? 1 : 0;
  if (puts != 0) txn.first(anchor(p.anchored_by));
  question q;
  q.path = "/v3/kv/txn";
  q.body = txn.body();
  q.give_up = p.give_up;
  q.repeatable = p.repeatable;
  q.write = p.write;
  auto done = [this, weak = std::weak_ptr<member>(one), puts](called const& how, txn_answer answer) {
    auto const self = weak.lock();
    if (!self) return;
    answered_ += how.how.ok() ? 1 : 0;
    self->leaves_line();
    if (answer.succeeded && puts != 0) answer.operations.erase(answer.operations.begin());
    self->finish(how, std::move(answer));
  };
  one->goes();
  auto where = std::make_unique<place>(*this);
  one->has(client_.txn(std::move(q), p.shape.on_success + puts, p.shape.on_failure, std::move(done)), std::move(where));
}

// What all of them want to be unchanged, if it is the same.
std::optional<unchanged> batches::in_common(members const& together) {
  auto const first = together.front().lock()->what().also_if;
  bool const same = std::all_of(together.begin(), together.end(),
                                [&first](auto const& weak) { return weak.lock()->what().also_if == first; });
  return same ? first : std::nullopt;
}

void batches::send(members together) {
  if (together.size() == 1) {
    if (auto const one = together.front().lock()) send_alone(one);
    return;
  }
  transaction all;
  auto const condition = in_common(together);
  if (condition) all.when_modified_at(condition->key, condition->since);
  std::set<std::int64_t> anchors;
  std::vector<txn_shape> shapes;
  question q;
  auto const now = client_.context().now();
  for (auto const& weak : together) {
    auto const one = weak.lock();
    if (one->wait_on(now)) watch_clock(one);
    auto const& p = one->what();
    one->goes();
    q.repeatable = p.repeatable;  // the same for all
    q.write = p.write;
    q.give_up = shapes.empty() ? p.give_up : later(q.give_up, p.give_up);
    if (p.anchored_by != 0) anchors.insert(p.anchored_by);
    all.then(operation::nested(condition ? p.what : whole(p)));
    shapes.push_back(p.shape);
  }
  for (auto const lease : anchors) all.first(anchor(lease));
  q.path = "/v3/kv/txn";
  q.body = all.body();
  auto const at = sent_.emplace(sent_.end());
  auto read = [puts = anchors.size(), shapes, conditional = condition.has_value()](std::string_view body) {
    return wire::etcd::read_batch(body, puts, shapes, conditional);
  };
  auto done = [this, at, together, where = std::make_shared<place>(*this)](called const& how,
                                                                           batch_answer answer) mutable {
    auto const finished = std::move(*at);
    sent_.erase(at);
    where.reset();
    answered_ += how.how.ok() ? 1 : 0;
    on_answers(how, std::move(answer), together);
  };
  *at = client_.ask<batch_answer>(std::move(q), std::move(read), std::move(done));
}

void batches::on_answers(called const& how, batch_answer answer, members const& together) {
  std::weak_ptr<int> const life = life_;
  members again;
  for (std::size_t i = 0; i < together.size() && !life.expired(); ++i) {
    auto const one = together[i].lock();
    if (!one || one->over()) continue;
    bool const retry = one_is_guilty(how.how.ec) && (!how.uncertain || one->what().repeatable);
    if (how.how.ok()) one->finish(how, std::move(answer.parts[i]));
    else if (retry) again.push_back(together[i]);
    else one->finish(how, {});
  }
  if (life.expired() || again.empty()) return;
  for (auto const& weak : again)
    if (auto const one = weak.lock()) one->go_alone();
  waiting_.insert(waiting_.begin(), again.begin(), again.end());
  flush_soon();
}

}  // namespace coelect::stores::etcd

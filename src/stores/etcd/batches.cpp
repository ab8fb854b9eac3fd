// Puts the transactions of many elections into one: one commit, one round trip for all of them.
#include "stores/etcd/joint_request.hpp"
#include <algorithm>
#include <boost/container/flat_set.hpp>
#include <utility>

namespace coelect::stores::etcd {
namespace {

using wire::etcd::batch_answer;
using wire::etcd::operation;
using wire::etcd::txn_answer;

constexpr std::size_t most_on_their_way = 2;  // 10,400 cycles/s where one at a time gave 6,200 (3.4.23, tmpfs)
// etcd's limit counts both levels: 125 transactions of two, and what goes ahead of them.
constexpr std::size_t most_parts = most_in_a_list - most_inside - 1;
// Bytes of requests. Their answers, keys without values, are of the same size, and 256 KiB are read of one.
constexpr std::size_t most_bytes = std::size_t{96} * 1024;

/// The elections of one batch.
class elections {
public:
  /// `name` has to stay where it is.
  bool add(std::string_view name) {
    if (has_below(name) || has_above(name)) return false;
    return names_.insert(name).second;
  }

private:
  bool has_below(std::string_view name) const {
    auto const below = std::string(name) + '/';
    auto const found = names_.lower_bound(below);
    return found != names_.end() && found->starts_with(below);
  }
  bool has_above(std::string_view name) const {
    for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1))
      if (names_.contains(name.substr(0, slash))) return true;
    return false;
  }

  boost::container::flat_set<std::string_view> names_;
};

bool all_succeeded(batch_answer const& answer) {
  return std::all_of(answer.parts.begin(), answer.parts.end(), [](txn_answer const& part) { return part.succeeded; });
}

// Whether one part alone may have brought this on all.
bool one_is_guilty(error_code const& ec) {
  return ec == errc::lease_lost || ec == errc::unauthorized || ec == errc::bad_options || ec == errc::overloaded;
}

}  // namespace

asked batches::ask(part what, answered done) {
  auto const made = std::make_shared<member>(std::move(what), std::move(done), answered_);
  waiting_.push_back(made);
  unwatched_ = earlier(unwatched_, made->what().give_up);
  if (on_their_way_ < most_on_their_way) flush_soon();  // most go then, and need no alarm
  else if (!flushing_) watch_clock();
  return made;
}

// An alarm that is set keeps a program going that has nothing else left to do.
void batches::watch_clock() {
  auto const first = earlier(first_limit_, std::exchange(unwatched_, instant::never()));
  bool const idle = waiting_.empty() && sent_.empty();
  if (idle) {
    first_limit_ = instant::never();
    alarm_.clear();
  } else if (first != first_limit_) {
    first_limit_ = first;
    alarm_ = client_.context().at(first, [this] { look_at_clock(); });
  }
}

void batches::look_at_clock() {
  first_limit_ = instant::never();
  auto const now = client_.context().now();
  strong_members late;
  auto const look = [&](std::weak_ptr<member> const& weak) {
    auto const one = weak.lock();
    if (!one || one->over()) return;
    if (one->is_late(now, answered_)) late.push_back(one);
    else unwatched_ = earlier(unwatched_, one->what().give_up);
  };
  std::for_each(waiting_.begin(), waiting_.end(), look);
  for (auto const& f : sent_) std::for_each(f.together.begin(), f.together.end(), look);
  watch_clock();
  // Whoever is told may destroy the others, and us.
  for (auto const& one : late)
    if (!one->over()) one->late();
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
    if (together.empty()) break;
    send(together, whole_.likely() ? form::one_list : form::nested);
  }
  watch_clock();
}

// The oldest one and, in their order, those that can go with it.
batches::members batches::take() {
  members together;
  elections about;
  std::size_t bytes = 0;
  bool full = false;
  std::deque<std::weak_ptr<member>> passed_over;
  std::shared_ptr<member> head;
  while (!waiting_.empty() && together.size() < most_parts) {
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
    together.push_back(std::move(weak));
    if (head->alone() || !client_.anonymous()) break;
  }
  waiting_.insert(waiting_.begin(), passed_over.begin(), passed_over.end());
  return together;
}

operation batches::write_nothing() const { return operation::erase(wire::etcd::key_range::one(keys_.nothing())); }

void batches::send_alone(std::shared_ptr<member> const& one) {
  one->wait_on(client_.context().now());
  auto const& p = one->what();
  auto txn = whole(p);
  std::size_t const ahead = p.through_raft ? 1 : 0;
  if (p.through_raft) txn.first(write_nothing());
  question q;
  q.path = "/v3/kv/txn";
  q.body = txn.body();
  q.give_up = p.give_up;
  q.repeatable = p.repeatable;
  q.write = p.write;
  auto done = [this, weak = std::weak_ptr<member>(one), ahead](called const& how, txn_answer answer) {
    auto const self = weak.lock();
    if (!self) return;
    answered_ += how.how.ok() ? 1 : 0;
    self->leaves_line();
    if (answer.succeeded && ahead != 0) answer.operations.erase(answer.operations.begin());
    self->finish(how, std::move(answer));
  };
  one->goes();
  auto where = std::make_unique<place>(*this);
  one->has(client_.txn(std::move(q), p.shape.on_success + ahead, p.shape.on_failure, std::move(done)),
           std::move(where));
}

void batches::send(members const& together, form as, std::shared_ptr<place> where) {
  strong_members all;
  for (auto const& weak : together)
    if (auto const one = weak.lock(); one && !one->over()) all.push_back(one);
  if (all.empty()) return;
  if (all.size() == 1) return send_alone(all.front());
  auto const now = client_.context().now();
  for (auto const& one : all) {
    one->wait_on(now);
    one->goes();
  }
  joint_request its(all, as, write_nothing());
  auto what = its.take_question();
  if (!where) where = std::make_shared<place>(*this);
  auto const at = sent_.emplace(sent_.end(), flight{{all.begin(), all.end()}, {}});  // as they will be answered
  auto done = [this, at, form_sent = its.as(), where](called const& how, batch_answer answer) mutable {
    on_answered(at, form_sent, how, std::move(answer), std::move(where));
  };
  auto read = [its = std::move(its)](std::string_view body) { return its.read(body); };
  at->call = client_.ask<batch_answer>(std::move(what), std::move(read), std::move(done));
}

void batches::on_answered(std::list<flight>::iterator at, form as, called const& how, batch_answer answer,
                          std::shared_ptr<place> where) {
  auto const finished = std::move(*at);
  sent_.erase(at);
  bool const carried_out = how.how.ok() && all_succeeded(answer);
  if (how.how.ok()) {
    ++answered_;
    whole_.found(carried_out);
    bool const nothing_done = as == form::one_list && !carried_out;
    if (nothing_done) {
      send(finished.together, form::nested, std::move(where));
      return watch_clock();
    }
  }
  where.reset();
  watch_clock();
  on_answers(how, std::move(answer), finished.together);
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
    if (auto const one = weak.lock()) {
      one->go_alone();
      unwatched_ = earlier(unwatched_, one->what().give_up);
    }
  waiting_.insert(waiting_.begin(), again.begin(), again.end());
  flush_soon();
}

}  // namespace coelect::stores::etcd

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
  auto const first = earlier(first_limit_, unwatched_);
  bool const idle = waiting_.empty() && sent_.empty();
  if (idle) alarm_.clear();
  else if (first != first_limit_) alarm_ = client_.context().at(first, [this] { look_at_clock(); });
  first_limit_ = idle ? instant::never() : first;
  unwatched_ = instant::never();
}

// Whoever is told may destroy the others, and us. If he throws, for want of memory, the others are told next.
void batches::look_at_clock() {
  std::weak_ptr<int> const life = life_;
  first_limit_ = instant::never();
  try {
    auto const late = those_late();
    watch_clock();
    for (auto const& weak : late)
      if (auto const one = weak.lock(); one && !one->over()) one->late();
  } catch (...) {
    if (life.expired()) throw;
    unwatched_ = client_.context().now();
    watch_clock();
    throw;
  }
}

// Those whose time is over; when that of the others ends is in `unwatched_`.
batches::members batches::those_late() {
  members late;
  auto const now = client_.context().now();
  auto const look = [&](std::weak_ptr<member> const& weak) {
    auto const one = weak.lock();
    if (!one || one->over()) return false;
    if (one->is_late(now, answered_)) late.push_back(weak);
    else unwatched_ = earlier(unwatched_, one->what().give_up);
    return true;
  };
  std::for_each(waiting_.begin(), waiting_.end(), look);
  std::erase_if(sent_, [&](flight const& f) {
    bool any = false;
    for (auto const& weak : f.together) any = look(weak) || any;
    return !f.call && !any;  // what nobody sent, or nobody could be told of, for want of memory
  });
  return late;
}

// Posted, so that those whose calls are in the queue already go along.
void batches::flush_soon() {
  if (flushing_) return;
  client_.context().post([this, life = std::weak_ptr<int>(life_)] {
    if (!life.expired()) flush();
  });
  flushing_ = true;
}

// Those who cannot go, for want of memory, are told in time.
void batches::flush() try {
  flushing_ = false;
  while (on_their_way_ < most_on_their_way) {
    auto const at = sent_.emplace(sent_.end());
    take(at->together);
    if (at->together.empty()) {
      sent_.erase(at);
      break;
    }
    send(at, whole_.likely() ? form::one_list : form::nested, std::make_shared<place>(*this));
  }
  watch_clock();
} catch (...) {
  watch_clock();
  throw;
}

// The oldest one and, in their order, those that can go with it.
void batches::take(members& together) {
  elections about;
  std::size_t bytes = 0;
  bool full = false;
  std::shared_ptr<member> head;
  std::vector<std::weak_ptr<member>*> taken;
  auto next = waiting_.begin();
  for (; next != waiting_.end() && taken.size() < most_parts; ++next) {
    auto const one = next->lock();
    if (!one || one->over()) {
      next->reset();
      continue;
    }
    auto const& what = one->what();
    bool const first = !head;
    if (first) head = one;
    bool fits = first || (!full && !one->alone() && what.repeatable == head->what().repeatable &&
                          what.write == head->what().write);
    if (fits) {
      one->make();
      full = bytes + what.what.size() > most_bytes;
      fits = first || !full;
    }
    if (!fits || !about.add(what.election)) continue;
    bytes += what.what.size();
    taken.push_back(&*next);
    if (head->alone() || !client_.anonymous()) {
      ++next;
      break;
    }
  }
  together.reserve(taken.size());
  for (auto* const weak : taken) together.push_back(std::move(*weak));  // nothing can fail from here on
  auto const gone = [](std::weak_ptr<member> const& weak) { return weak.expired(); };
  waiting_.erase(std::remove_if(waiting_.begin(), next, gone), next);
}

operation batches::write_nothing() const { return operation::erase(wire::etcd::key_range::one(keys_.nothing())); }

void batches::send_alone(std::shared_ptr<member> const& one, std::shared_ptr<place> where) {
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
  one->has(client_.txn(std::move(q), p.shape.on_success + ahead, p.shape.on_failure, std::move(done)),
           std::move(where));
}

void batches::send(std::list<flight>::iterator at, form as, std::shared_ptr<place> where) {
  strong_members all;
  for (auto const& weak : at->together)
    if (auto const one = weak.lock(); one && !one->over()) all.push_back(one);
  if (all.size() == 1) send_alone(all.front(), std::move(where));
  if (all.size() <= 1) {
    sent_.erase(at);
    return;
  }
  at->together.assign(all.begin(), all.end());  // as they will be answered
  auto const now = client_.context().now();
  for (auto const& one : all) {
    one->wait_on(now);
    one->goes();
  }
  joint_request its(all, as, write_nothing());
  auto what = its.take_question();
  auto done = [this, at, form_sent = its.as(), where](called const& how, batch_answer answer) mutable {
    on_answered(at, form_sent, how, std::move(answer), std::move(where));
  };
  auto read = [its = std::move(its)](std::string_view body) { return its.read(body); };
  at->call = client_.ask<batch_answer>(std::move(what), std::move(read), std::move(done));
}

// Its members stay in `sent_` until all are told: if one throws, for want of memory, the others' time will end.
void batches::on_answered(std::list<flight>::iterator at, form as, called const& how, batch_answer answer,
                          std::shared_ptr<place> where) {
  auto const over = std::move(at->call);
  bool const carried_out = how.how.ok() && all_succeeded(answer);
  if (how.how.ok()) {
    ++answered_;
    whole_.found(carried_out);
    bool const nothing_done = as == form::one_list && !carried_out;
    if (nothing_done) {
      send(at, form::nested, std::move(where));
      return watch_clock();
    }
  }
  where.reset();
  std::weak_ptr<int> const life = life_;
  deal_out(how, std::move(answer), at->together);
  if (life.expired()) return;
  sent_.erase(at);
  watch_clock();
}

void batches::deal_out(called const& how, batch_answer answer, members const& together) {
  std::weak_ptr<int> const life = life_;
  members again;
  for (std::size_t i = 0; !life.expired() && i < together.size(); ++i) {
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

// Makes campaign transactions whose answers were lost void (R14), many of them by one put of the generation key.
#include "stores/etcd/void_rounds.hpp"
#include "base/first_exception.hpp"
#include "wire/etcd_requests.hpp"
#include <utility>

namespace coelect::stores::etcd {

class void_rounds::one final : public conversation {
public:
  one(reply<outcome> done, std::int64_t generation) : done_(std::move(done)), generation_(generation) {}
  void limit(timer t) noexcept { limit_ = std::move(t); }
  bool over() const noexcept { return !done_; }
  /// By a put with this revision: what was sent compares the generation as it was known at the asking, or an older one.
  bool void_by(std::int64_t revision) const noexcept { return generation_ < revision; }
  void finish(outcome const& how) {
    limit_.clear();
    if (auto const done = std::exchange(done_, nullptr)) done(how);
  }

private:
  reply<outcome> done_;
  std::int64_t generation_;
  timer limit_;
};

void_rounds::void_rounds(commons& shared, std::int64_t lease, tell_fn tell)
    : shared_(shared), lease_(lease), tell_(std::move(tell)) {}

asked void_rounds::ask(instant give_up, reply<outcome> done) {
  auto const made = std::make_shared<one>(std::move(done), generation_);
  auto late = [weak = std::weak_ptr<one>(made)] {
    if (auto const self = weak.lock()) self->finish(outcome(errc::timed_out, "no answer in time"));
  };
  made->limit(shared_.context->at(give_up, std::move(late)));
  next_.push_back(made);
  if (!under_way_) send();
  return made;
}

void void_rounds::send() {
  std::erase_if(next_, [](auto const& weak) {
    auto const who = weak.lock();
    return !who || who->over();
  });
  if (next_.empty()) return;
  covered_ = std::exchange(next_, {});
  wire::etcd::transaction txn;
  txn.then(wire::etcd::operation::put(shared_.keys.generation(lease_), "", lease_));
  question what;
  what.path = "/v3/kv/txn";
  what.body = txn.body();
  what.give_up = shared_.context->now() + shared_.times.request_timeout;
  what.write = true;
  auto answer = [this](called const& how, wire::etcd::txn_answer const& got) {
    if (how.how.ok()) saw(got.header.revision);
    on_answer(how.how, got.header.revision);
  };
  under_way_ = shared_.client.txn(std::move(what), 1, 0, std::move(answer));
}

void void_rounds::on_answer(outcome const& how, std::int64_t revision) {
  auto const over = std::exchange(under_way_, nullptr);
  auto told = std::exchange(covered_, {});
  auto const tell = tell_;
  base::first_exception trouble;
  auto const served = [&](std::weak_ptr<one> const& weak) {
    auto const who = weak.lock();
    bool const is_void = who && how.ok() && who->void_by(revision);
    if (is_void) told.push_back(weak);
    return is_void;
  };
  trouble.from([&] { std::erase_if(next_, served); });
  if (!next_.empty()) trouble.from([&] { send(); });
  trouble.from([&] { tell(how); });
  for (auto const& weak : told)
    if (auto const who = weak.lock()) trouble.from([&] { who->finish(how); });
  trouble.rethrow();
}

}  // namespace coelect::stores::etcd

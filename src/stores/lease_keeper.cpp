// Keeps one lease alive: the shell of lease_fsm. Decides nothing itself.
#include "stores/lease_keeper.hpp"
#include "base/first_exception.hpp"
#include <utility>

namespace coelect::stores {

lease_keeper::lease_keeper(std::shared_ptr<store_context> context, rules::timings const& times, renew_fn renew,
                           hold_listener& hears)
    : context_(std::move(context)), fsm_(times, context_->env().random()), renew_(std::move(renew)), hears_(hears) {}

bool lease_keeper::begin(instant sent, std::chrono::milliseconds ttl) {
  auto orders = fsm_.granted(sent, ttl, context_->now());
  if (orders.over) return false;
  orders.extended = false;  // the grant itself says so
  bool const warned = std::exchange(orders.warn, false);
  obey(orders, {});
  if (warned) warn_after_begin();
  return true;
}

// A grant that took long may be at risk from the start; that is said after its reply.
void lease_keeper::warn_after_begin() {
  context_->post([this, life = std::weak_ptr<int>(life_)] {
    if (!life.expired() && fsm_.alive() && fsm_.at_risk()) hears_.at_risk();
  });
}

void lease_keeper::revoked(error_code why, std::string detail) { obey(fsm_.revoked(why), std::move(detail)); }

void lease_keeper::let_go() {
  fsm_.let_go();
  tick_.clear();
}

void lease_keeper::on_renewal(renewal const& answer) {
  auto const now = context_->now();
  if (answer.how.ok()) {
    last_failure_.clear();
    obey(fsm_.renewed(answer.sent, answer.ttl, now), {});
    return;
  }
  base::first_exception trouble;
  trouble.from([&] {
    context_->log(severity::warning, "renew failed: " + answer.how.text());
    remember(answer.how, now);
  });
  trouble.from([&] { obey(fsm_.renewal_failed(answer.how.ec, now, answer.how.leave_alone), last_failure_); });
  trouble.rethrow();
}

// A try that the deadline itself cuts short may have had milliseconds only. That nobody answered in those says less about
// why the lease ran out than what was wrong before.
void lease_keeper::remember(outcome const& failure, instant now) {
  auto const before = std::exchange(last_failure_, failure.text());
  bool const cut_short = failure.ec == errc::timed_out && fsm_.deadline().reached(now);
  if (cut_short && !before.empty() && before != last_failure_) last_failure_ += " (before that: " + before + ")";
}

// Whatever fails for want of memory, the clock goes on: a lease that nobody renews is tried again, and one whose end nobody
// would hear of is over now.
void lease_keeper::obey(rules::lease_orders const& orders, std::string detail) {
  std::weak_ptr<int> const life = life_;
  base::first_exception trouble;
  bool const sent = !orders.renew_until || trouble.from([&] { send(*orders.renew_until); });
  bool const ticks = trouble.from([&] { set_tick(); });
  auto const next = [&](auto const& what) {
    if (!life.expired()) trouble.from(what);
  };
  if (orders.extended) next([&] { hears_.extended(fsm_.deadline()); });
  if (orders.all_clear) next([&] { hears_.all_clear(); });
  if (orders.warn) next([&] { hears_.at_risk(); });
  if (orders.over) next([&] { hears_.lost(*orders.over, std::move(detail)); });
  else if (!ticks) next([&] { obey(fsm_.revoked(errc::lease_lost), "no memory"); });
  else if (!sent) next([&] { obey(fsm_.renewal_failed(errc::unreachable, context_->now()), "no memory"); });
  trouble.rethrow();
}

void lease_keeper::send(instant give_up) {
  auto done = [this, life = std::weak_ptr<int>(life_)](renewal const& answer) {
    if (!life.expired()) on_renewal(answer);
  };
  renew_(give_up, std::move(done));
}

void lease_keeper::set_tick() {
  auto const wake = fsm_.wake();
  if (wake == instant::never()) tick_.clear();
  else tick_ = context_->at(wake, [this] { obey(fsm_.tick(context_->now()), last_failure_); });
}

}  // namespace coelect::stores

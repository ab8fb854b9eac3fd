// What happens to a candidate's key and lease: its deletion and the doubt whether it is there (R8), renewals, the
// wish of somebody that we go.
#include "stores/etcd/etcd_contender.hpp"
#include "stores/etcd/key_watch.hpp"
#include <utility>

namespace coelect::stores::etcd {

using wire::etcd::operation;
using wire::etcd::transaction;

// An event from before our key was made belongs to an earlier one of the same name.
void etcd_contender::own_key_deleted(std::int64_t revision) {
  if (created_ == 0 || revision <= created_) return;
  created_ = 0;
  if (leads_) lost(errc::lease_lost, "our key was deleted");
  else turn(outcome(errc::candidacy_lost, "our key was deleted"));
}

void etcd_contender::own_key_in_doubt() {
  auto const orders = doubt_.doubt();
  if (leads_) follow(orders);
  else if (turn_) find_predecessor();
}

void etcd_contender::follow(rules::doubt_orders const& orders) {
  if (orders.lost) return lost(orders.lost->why, orders.lost->detail);
  if (orders.extend) {
    doubt_ends_.clear();
    look_again_.clear();
    return hears_.extended(*orders.extend);
  }
  if (orders.ask_after)
    look_again_ = shared_.context->after(*orders.ask_after, [this] {
      safely([this] {
        if (leads_) follow(doubt_.ask_again());
      });
    });
  if (orders.ask) look_for_own_key(*orders.ask);
}

void etcd_contender::look_for_own_key(instant until) {
  doubt_ends_ = shared_.context->at(until, [this] {
    safely([this] {
      if (leads_) follow(doubt_.time_over());
    });
  });
  transaction txn;
  txn.when_created_at(key(), created_).otherwise(operation::range(own()));
  auto answer = [this](called const& how, wire::etcd::txn_answer const& got) {
    auto const over = std::move(checking_);
    if (!leads_) return;
    if (how.how.ok() && !got.succeeded) created_ = 0;
    safely([&] {
      follow(how.how.ok() ? doubt_.answered(got.succeeded, session_->valid_until()) : doubt_.not_answered());
    });
  };
  auto const by = shared_.context->now() + shared_.times.request_timeout;
  auto what = ask(txn, {0, 1}, by);
  what.through_raft = true;
  checking_ = shared_.together.ask(std::move(what), std::move(answer));
}

void etcd_contender::lost(error_code why, std::string detail) {
  leads_ = false;
  hears_.lost(why, std::move(detail));
}

// Thousands may be told at once, and the time matters to the blind only.
void etcd_contender::lease_extended(instant valid_until) {
  if (!leads_) return;
  auto const blind_since = own_ ? own_->blind_since() : std::nullopt;
  auto const now = blind_since ? shared_.context->now() : instant{};
  safely([&] { follow(doubt_.renewed(valid_until, blind_since, now)); });
}

void etcd_contender::lease_at_risk() {
  if (leads_) hears_.at_risk();
}

void etcd_contender::lease_all_clear() {
  if (leads_) hears_.all_clear();
}

void etcd_contender::lease_over(error_code why, std::string const& detail) {
  safely([&] {
    if (leads_) lost(why, detail);
    else if (why == cond::fatal) turn(outcome(why, diagnostics(detail)));
    else turn(outcome(errc::candidacy_lost, detail.empty() ? "the lease ran out" : detail));
  });
}

void etcd_contender::asked_to_go(std::int64_t revision) {
  if (created_ != 0 && revision <= created_) return;  // meant for an earlier term
  bool const news = revision > asked_to_go_;
  asked_to_go_ = std::max(asked_to_go_, revision);
  if (leads_ && news) hears_.asked_to_resign();
}

}  // namespace coelect::stores::etcd

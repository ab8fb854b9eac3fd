// What happens to a candidate's key and lease: its deletion and the doubt whether it is there (R8), renewals, the
// wish of somebody that we go.
#include "stores/etcd/etcd_contender.hpp"
#include "stores/etcd/key_watch.hpp"
#include <algorithm>
#include <utility>

namespace coelect::stores::etcd {

using std::chrono::nanoseconds;
using wire::etcd::operation;
using wire::etcd::transaction;

// An event from before our key was made belongs to an earlier one of the same name.
void etcd_contender::own_key_deleted(std::int64_t revision) {
  if (created_ == 0 || revision <= created_) return;
  created_ = 0;
  if (leads_) lost(errc::lease_lost, "our key was deleted");
  else turn(outcome(errc::candidacy_lost, "our key was deleted"));
}

// Repeated at every renewal until it is answered.
void etcd_contender::check_own_key() {
  in_doubt_ = true;
  if (!leads_) {
    if (turn_) find_predecessor();
    return;
  }
  doubt_ends_ = shared_.context->at(sure_until_, [this] {
    if (leads_) lost(errc::lease_expired, "our key may be gone, and there was no answer that says otherwise");
  });
  transaction txn;
  txn.when_created_at(key(), created_).otherwise(operation::range(own()));
  auto answer = [this](called const& how, wire::etcd::txn_answer const& got) {
    auto const over = std::move(checking_);
    if (!leads_) return;
    if (!how.how.ok()) {
      look_again_ = shared_.context->after(look_wait_, [this] {
        if (leads_ && in_doubt_) check_own_key();
      });
      look_wait_ = std::min<nanoseconds>(2 * look_wait_, shared_.times.retry_max);
      return;
    }
    in_doubt_ = false;
    if (got.succeeded) return extend(session_->valid_until());
    created_ = 0;
    lost(errc::lease_lost, "our key is gone");
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

void etcd_contender::extend(instant valid_until) {
  doubt_ends_.clear();
  look_again_.clear();
  look_wait_ = shared_.times.retry_min;
  sure_until_ = valid_until;
  hears_.extended(valid_until);
}

void etcd_contender::lease_extended(instant valid_until) {
  if (!leads_) return;
  auto const since = own_ ? own_->blind_since() : std::nullopt;
  if (since && (*since + shared_.times.validity).reached(shared_.context->now()))
    return lost(errc::lease_lost, "no watch on our key can be opened");
  // R8: while our key may be gone, a renewal gives nothing before we have seen it.
  if (in_doubt_ || since) check_own_key();
  else extend(valid_until);
}

void etcd_contender::lease_at_risk() {
  if (leads_) hears_.at_risk();
}

void etcd_contender::lease_all_clear() {
  if (leads_) hears_.all_clear();
}

void etcd_contender::lease_over(error_code why, std::string const& detail) {
  if (leads_) lost(why, detail);
  else if (why == cond::fatal) turn(outcome(why, diagnostics(detail)));
  else turn(outcome(errc::candidacy_lost, detail.empty() ? "the lease ran out" : detail));
}

void etcd_contender::asked_to_go(std::int64_t revision) {
  if (created_ != 0 && revision <= created_) return;  // meant for an earlier term
  bool const news = revision > asked_to_go_;
  asked_to_go_ = std::max(asked_to_go_, revision);
  if (leads_ && news) hears_.asked_to_resign();
}

}  // namespace coelect::stores::etcd

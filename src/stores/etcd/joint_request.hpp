// Makes one request of the transactions of many elections, and reads its answer.
#pragma once
#include "stores/etcd/batch_member.hpp"
#include <algorithm>
#include <optional>
#include <vector>

namespace coelect::stores::etcd {

constexpr std::size_t most_in_a_list = 128;  // etcd's --max-txn-ops

/// The transaction with all its comparisons.
inline wire::etcd::transaction whole(part const& p) {
  auto txn = p.what;
  if (p.also_if) txn.when_modified_at(p.also_if->key, p.also_if->since);
  return txn;
}

/// What the parts of a batch ask together.
class batches::joint_request {
public:
  joint_request(strong_members const& all, form as, wire::etcd::operation const& write_nothing) {
    auto const condition = in_common(all);
    conditional_ = condition.has_value();
    as_ = fits_in_one_list(all) ? as : form::nested;
    wire::etcd::transaction txn;
    if (condition) txn.when_modified_at(condition->key, condition->since);
    for (auto const& one : all) add(txn, one->what());
    if (ahead_ != 0) txn.first(write_nothing);
    question_.path = "/v3/kv/txn";
    question_.body = txn.body();
  }

  form as() const noexcept { return as_; }
  question take_question() { return std::move(question_); }
  std::optional<wire::etcd::batch_answer> read(std::string_view body) const {
    return as_ == form::one_list ? wire::etcd::read_joined(body, ahead_, shapes_)
                                 : wire::etcd::read_batch(body, ahead_, shapes_, conditional_);
  }

private:
  // What all of them want to be unchanged, if it is the same.
  static std::optional<unchanged> in_common(strong_members const& all) {
    auto const first = all.front()->what().also_if;
    bool const same =
        std::all_of(all.begin(), all.end(), [&first](auto const& one) { return one->what().also_if == first; });
    return same ? first : std::nullopt;
  }
  // etcd's limits are for each list.
  bool fits_in_one_list(strong_members const& all) const {
    std::size_t comparisons = 1, operations = 1;  // what they have in common, and what may go ahead of them
    for (auto const& one : all) {
      auto const& p = one->what();
      comparisons += p.what.comparisons() + (p.also_if && !conditional_ ? 1 : 0);
      operations += p.shape.on_success;
    }
    return std::max(comparisons, operations) <= most_in_a_list;
  }
  void add(wire::etcd::transaction& txn, part const& p) {
    question_.repeatable = p.repeatable;  // the same for all
    question_.write = p.write;
    question_.give_up = shapes_.empty() ? p.give_up : later(question_.give_up, p.give_up);
    if (p.through_raft) ahead_ = 1;
    shapes_.push_back(p.shape);
    if (conditional_) take_in(txn, p.what);
    else take_in(txn, whole(p));
  }
  void take_in(wire::etcd::transaction& txn, wire::etcd::transaction const& one) const {
    if (as_ == form::one_list) txn.join(one);
    else txn.then(one);
  }

  form as_ = form::nested;
  bool conditional_ = false;
  std::size_t ahead_ = 0;
  std::vector<wire::etcd::txn_shape> shapes_;
  question question_;
};

}  // namespace coelect::stores::etcd

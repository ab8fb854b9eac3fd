// Makes campaign transactions whose answers were lost void (R14), many of them by one put of the generation key.
#pragma once
#include "stores/etcd/commons.hpp"
#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

namespace coelect::stores::etcd {

/// A put makes void whatever compares an older generation than it makes, so it serves all who ask before its answer and
/// have not seen that generation: a thousand lost answers cost one put, and do not make each other's new tries void in
/// turn. The others, and if it fails all who came meanwhile, get another one.
/// On the store's strand.
class void_rounds {
public:
  /// Hears how each put went before those who asked for it do.
  using tell_fn = std::function<void(outcome const& how)>;

  void_rounds(commons& shared, std::int64_t lease, tell_fn tell);

  /// The mod_revision that the key was last seen with. A transaction that compares it with a smaller one was carried out
  /// before that, or never will be.
  std::int64_t generation() const noexcept { return generation_; }
  void saw(std::int64_t mod_revision) noexcept { generation_ = std::max(generation_, mod_revision); }

  /// Answers by `give_up`. Dropping the handle: not called any more.
  [[nodiscard]] asked ask(instant give_up, reply<outcome> done);

private:
  class one;
  void send();
  void on_answer(outcome const& how, std::int64_t revision);

  commons& shared_;
  std::int64_t lease_;
  tell_fn tell_;
  std::int64_t generation_ = 0;
  std::vector<std::weak_ptr<one>> covered_, next_;
  asked under_way_;
};

}  // namespace coelect::stores::etcd

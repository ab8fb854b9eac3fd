// Guesses whether something will be so, from how it was the last few times.
#pragma once
#include <algorithm>

namespace coelect::stores::etcd {

/// A guess that turned out wrong counts for two that were right.
class hunch {
public:
  bool likely() const noexcept { return score_ > 0; }
  void found(bool so) noexcept { score_ = std::clamp(score_ + (so ? 1 : -2), -4, 4); }

private:
  int score_ = 1;
};

}  // namespace coelect::stores::etcd

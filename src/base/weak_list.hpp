// Remembers objects that others own, in the order they came, without a search when one of them goes.
#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace coelect::base {

/// Those that are gone are thrown out when the list has doubled: adding costs the same however many there are.
template <class T>
class weak_list {
public:
  void add(std::weak_ptr<T> who) {
    if (all_.size() >= clean_at_) {
      std::erase_if(all_, [](auto const& w) { return w.expired(); });
      clean_at_ = std::max<std::size_t>(2 * all_.size(), 16);
    }
    all_.push_back(std::move(who));
  }
  std::vector<std::weak_ptr<T>> take() noexcept { return std::exchange(all_, {}); }

private:
  std::vector<std::weak_ptr<T>> all_;
  std::size_t clean_at_ = 16;
};

}  // namespace coelect::base

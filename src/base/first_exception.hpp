// Keeps what one of many threw until all of them were told.
#pragma once
#include <exception>
#include <utility>

namespace coelect::base {

/// For loops over those who wait for the same thing: one that throws, for want of memory, must not keep the others from
/// hearing of it.
class first_exception {
public:
  /// False: it threw.
  template <class Work>
  bool from(Work const& work) noexcept {
    try {
      work();
      return true;
    } catch (...) {
      if (!first_) first_ = std::current_exception();
      return false;
    }
  }
  /// Throws it on, if there was one. Last of all.
  void rethrow() {
    if (first_) std::rethrow_exception(std::exchange(first_, nullptr));
  }

private:
  std::exception_ptr first_;
};

}  // namespace coelect::base

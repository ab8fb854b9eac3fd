// Memory and threads that run out when a test says so. Replaces operator new and pthread_create of the whole program.
#pragma once
#include <cstddef>

namespace coelect::test {

/// From now on the allocation after `how_many` more fails, once; on any thread. Ends with the object.
class one_allocation_fails {
public:
  explicit one_allocation_fails(std::size_t how_many) noexcept;
  one_allocation_fails(one_allocation_fails const&) = delete;
  one_allocation_fails& operator=(one_allocation_fails const&) = delete;
  ~one_allocation_fails();
  bool failed() const noexcept;  ///< It has been reached.
};

/// While it lives no thread can be started.
class no_more_threads {
public:
  no_more_threads() noexcept;
  no_more_threads(no_more_threads const&) = delete;
  no_more_threads& operator=(no_more_threads const&) = delete;
  ~no_more_threads();
};

}  // namespace coelect::test

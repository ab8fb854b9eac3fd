// operator new and pthread_create that fail on demand.
#include "support/scarce.hpp"
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <new>
#include <pthread.h>

namespace coelect::test {
namespace {

constexpr std::int64_t never = -1;
std::atomic<std::int64_t> left{never};
std::atomic<bool> reached{false};
std::atomic<bool> threads_end{false};

bool fails_now() noexcept {
  if (left.load(std::memory_order_relaxed) == never) return false;
  if (left.fetch_sub(1) != 0) return false;
  left = never;
  reached = true;
  return true;
}

void* get(std::size_t size) {
  void* const memory = fails_now() ? nullptr : std::malloc(size ? size : 1);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

one_allocation_fails::one_allocation_fails(std::size_t how_many) noexcept {
  reached = false;
  left = static_cast<std::int64_t>(how_many);
}
one_allocation_fails::~one_allocation_fails() { left = never; }
bool one_allocation_fails::failed() const noexcept { return reached; }

no_more_threads::no_more_threads() noexcept { threads_end = true; }
no_more_threads::~no_more_threads() { threads_end = false; }

}  // namespace coelect::test

void* operator new(std::size_t size) { return coelect::test::get(size); }
void* operator new[](std::size_t size) { return coelect::test::get(size); }
void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
  return coelect::test::fails_now() ? nullptr : std::malloc(size ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

using entry_fn = void* (*)(void*);

// The program's own definition comes before the C library's.
extern "C" int pthread_create(pthread_t* made, pthread_attr_t const* how, entry_fn begin, void* with) {
  using create_fn = int (*)(pthread_t*, pthread_attr_t const*, entry_fn, void*);
  static auto const real = reinterpret_cast<create_fn>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (coelect::test::threads_end) return EAGAIN;
  return real(made, how, begin, with);
}

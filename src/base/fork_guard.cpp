// A page that the kernel empties in forked children (MADV_WIPEONFORK, Linux >= 4.14, madvise(2)).
#include "base/fork_guard.hpp"
#include <cstddef>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace coelect::base::detail {
namespace {

static_assert(std::atomic<unsigned>::is_always_lock_free);

// Copied by fork, not wiped: a child's name is one that no ancestor had.
std::atomic<unsigned> names_given{0};

void clear_word() { process_word->store(0); }

std::atomic<unsigned>* make_word() {
  static std::atomic<unsigned> fallback{0};
  auto const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool const mapped = page != MAP_FAILED;
  bool const wiped = mapped && ::madvise(page, size, MADV_WIPEONFORK) == 0;
  // Without the kernel's help fork() itself must do it; a raw clone() is then not seen.
  if (!wiped) ::pthread_atfork(nullptr, nullptr, clear_word);
  return mapped ? new (page) std::atomic<unsigned>(0) : &fallback;
}

}  // namespace

std::atomic<unsigned>* const process_word = make_word();

unsigned name_this_process() noexcept {
  unsigned expected = 0;
  unsigned const fresh = ++names_given;
  return process_word->compare_exchange_strong(expected, fresh) ? fresh : expected;
}

}  // namespace coelect::base::detail

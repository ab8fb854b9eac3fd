// A page that the kernel empties in forked children (MADV_WIPEONFORK, Linux >= 4.14, madvise(2)).
#include "base/fork_guard.hpp"
#include <cstddef>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace coelect::base::detail {
namespace {

unsigned* word = nullptr;
void clear_word() { *word = 0; }

unsigned const volatile* make_word() {
  static unsigned fallback = 0;
  auto const size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool const wiped = page != MAP_FAILED && ::madvise(page, size, MADV_WIPEONFORK) == 0;
  word = page == MAP_FAILED ? &fallback : static_cast<unsigned*>(page);
  // Without the kernel's help fork() itself must do it; a raw clone() is then not seen.
  if (!wiped) ::pthread_atfork(nullptr, nullptr, clear_word);
  *word = 1;
  return word;
}

}  // namespace

unsigned const volatile* const original_word = make_word();

}  // namespace coelect::base::detail

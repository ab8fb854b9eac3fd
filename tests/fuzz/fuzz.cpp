// Aborts with a sentence, and measures how long an input takes.
#include "fuzz.hpp"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace coelect::fuzz {
namespace {

constexpr std::int64_t longest_ns = 100'000'000;

// Of this thread alone: a busy machine does not count.
std::int64_t spent() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

bool under_debugger() {
  auto* const status = std::fopen("/proc/self/status", "re");
  if (status == nullptr) return false;
  char line[256];
  int tracer = 0;
  while (std::fgets(line, sizeof line, status) != nullptr)
    if (std::strncmp(line, "TracerPid:", 10) == 0) tracer = std::atoi(line + 10);
  std::fclose(status);
  return tracer != 0;
}

}  // namespace

void must(bool holds, char const* sentence) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: this does not hold: %s\n", sentence);
  std::fflush(stderr);
  std::abort();
}

void timed(target_fn* target, std::string_view input) {
  auto const before = spent();
  target(input);
  auto const took = spent() - before;
  if (took > longest_ns) must(under_debugger(), "an input takes no more than 100 ms");
}

}  // namespace coelect::fuzz

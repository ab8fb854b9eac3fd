// Tells a process from its forked children: what was made in one is not used in the other.
#pragma once
#include <atomic>

namespace coelect::base {

namespace detail {
extern std::atomic<unsigned>* const process_word;  // 0 in a forked child until it asks
unsigned name_this_process() noexcept;
}  // namespace detail

/// Names this process among its forked ancestors and descendants. An object that must not act in a
/// child keeps the name of the process that made it. Any thread.
inline unsigned this_process() noexcept {
  auto const name = detail::process_word->load(std::memory_order_relaxed);
  return name != 0 ? name : detail::name_this_process();
}

/// One load: is this the process with that name, and not a child made by fork() or clone()?
inline bool in_process(unsigned name) noexcept { return detail::process_word->load(std::memory_order_relaxed) == name; }

}  // namespace coelect::base

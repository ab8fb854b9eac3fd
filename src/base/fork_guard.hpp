// Tells a process from its forked children: a child never inherits leadership.
#pragma once

namespace coelect::base {

namespace detail {
extern unsigned const volatile* const original_word;
}

/// True in the process that loaded the library, false in every child made by fork() or clone(),
/// for ever and at the cost of one load. Any thread.
inline bool in_original_process() noexcept { return *detail::original_word != 0; }

}  // namespace coelect::base

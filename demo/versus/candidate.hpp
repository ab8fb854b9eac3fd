// One candidate in a process of its own: samples "may I act?" every millisecond, acts, and notes both.
#pragma once
#include <cstdint>
#include <string>

namespace versus {

enum class kind { naive = 1, coelect };

/// Lines of `file`, times of CLOCK_BOOTTIME in ns:
///   may TERM BEGIN END   every sample from BEGIN to END said yes
///   write TERM WHEN      a write that was begun after a yes reaches the resource
[[noreturn]] void be_candidate(kind what, std::string const& name, std::string const& file, int ttl_seconds,
                               std::uint16_t port);

}  // namespace versus

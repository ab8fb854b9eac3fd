// Names: of this host and process, of candidates and elections.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace coelect::base {

std::string host_name();

/// host.pid.random: two processes never share one, not even a restarted one with the same pid.
std::string unique_candidate_id(std::uint64_t random);

/// Empty when `name` can be an election: 1 to 128 of [A-Za-z0-9._/-], no empty segment.
/// Else a sentence that says what is wrong with it.
std::string what_is_wrong_with_election(std::string_view name);

/// Empty when `name` can be a candidate id: 1 to 255 printable characters without blanks.
std::string what_is_wrong_with_candidate(std::string_view name);

}  // namespace coelect::base

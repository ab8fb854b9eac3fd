// Times, durations and other people's text, as people and programs read them.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

namespace coelect::cli {

using wall_time = std::chrono::system_clock::time_point;

/// "14:22:30" local time; with the date in front when that is not today.
std::string clock_time(wall_time when);
/// "2026-01-31T13:22:30.123Z", RFC 3339.
std::string rfc3339(wall_time when);
/// "11.8 s", "340 ms", "0.08 ms": three digits that matter.
std::string span(std::chrono::nanoseconds d);
/// Control characters replaced: values and ids come from other people and go to a terminal.
std::string printable(std::string_view text);
/// A path as it must be written after "file:".
std::string percent_encoded(std::string_view path);

}  // namespace coelect::cli

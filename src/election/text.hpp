// Words for people: how much time is left.
#pragma once
#include <array>
#include <chrono>
#include <cstdio>
#include <string>

namespace coelect::detail {

/// "left=11.8s", or "left=unlimited" for a hold that does not run out.
inline std::string time_left(std::chrono::nanoseconds left) {
  if (left == std::chrono::nanoseconds::max()) return "left=unlimited";
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "left=%.1fs", std::chrono::duration<double>(left).count());
  return text.data();
}

}  // namespace coelect::detail

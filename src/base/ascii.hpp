// Letters of protocols, which no locale changes.
#pragma once
#include <string>
#include <string_view>

namespace coelect::base {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string result(text);
  for (auto& c : result) c = lower(c);
  return result;
}

}  // namespace coelect::base

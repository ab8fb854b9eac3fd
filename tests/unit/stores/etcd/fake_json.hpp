// How the pretended etcd reads JSON as etcd's gateway writes it: numbers as strings, bytes in base64.
#pragma once
#include "fake_etcd.hpp"

namespace coelect::test {

inline std::int64_t number(json const& from, char const* name) {
  auto const found = from.find(name);
  if (found == from.end()) return 0;
  return found->is_string() ? std::stoll(found->get<std::string>()) : found->get<std::int64_t>();
}

inline std::string text_at(json const& from, char const* name) {
  return from.contains(name) ? decoded(from.at(name)) : std::string();
}

/// Whether the range from `from` to `end` has the key.
inline bool inside(std::string const& key, std::string const& from, std::string const& end) {
  return end.empty() ? key == from : key >= from && (end == std::string(1, '\0') || key < end);
}

}  // namespace coelect::test

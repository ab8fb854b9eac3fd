// How the pretended etcd reads JSON as etcd's gateway writes it: numbers as strings, bytes in base64.
#pragma once
#include "base/base64.hpp"
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace coelect::test {

using nlohmann::json;

inline std::string decoded(json const& base64_text) {
  return base::from_base64(base64_text.get_ref<std::string const&>()).value_or(std::string());
}

inline json said(std::int64_t n) { return std::to_string(n); }

inline std::int64_t number(json const& from, char const* name) {
  auto const found = from.find(name);
  if (found == from.end()) return 0;
  return found->is_string() ? std::stoll(found->get_ref<std::string const&>()) : found->get<std::int64_t>();
}

inline std::string text_at(json const& from, char const* name) {
  auto const found = from.find(name);
  return found == from.end() ? std::string() : decoded(*found);
}

inline json const& list_of(json const& from, char const* name) {
  static json const none = json::array();
  auto const found = from.find(name);
  return found == from.end() ? none : *found;
}

/// Whether the range from `from` to `end` has the key.
inline bool inside(std::string const& key, std::string const& from, std::string const& end) {
  return end.empty() ? key == from : key >= from && (end == std::string(1, '\0') || key < end);
}

inline json grpc_error(int code, std::string const& message) {
  return {{"error", message}, {"message", message}, {"code", code}};
}

}  // namespace coelect::test

// Random GUIDs: lease ids and nonces.
#include "stores/azure/guid.hpp"
#include <array>
#include <cstdio>

namespace coelect::stores::azure {

std::string new_guid(environment& env) {
  auto const a = env.random();
  auto const b = env.random();
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xffff), static_cast<unsigned>(a & 0xfff),
                static_cast<unsigned>((b >> 48 & 0x3fff) | 0x8000),
                static_cast<unsigned long long>(b & 0xffffffffffffULL));
  return text.data();
}

}  // namespace coelect::stores::azure

// Chooses lease ids: asking twice for the same one is harmless, so a grant whose answer was lost can be repeated.
#pragma once
#include <coelect/environment.hpp>
#include <cstdint>

namespace coelect::stores::etcd {

/// 63 random bits, never 0. etcd's own ids are random, too.
inline std::int64_t new_lease_id(environment& env) {
  constexpr std::uint64_t positive = ~(std::uint64_t{1} << 63);
  auto const drawn = static_cast<std::int64_t>(env.random() & positive);
  return drawn == 0 ? 1 : drawn;
}

}  // namespace coelect::stores::etcd

// Makes mixing Boost versions between library and user a link error instead of a crash.
#pragma once
#include <boost/version.hpp>

#define COELECT_JOIN_(a, b) a##b
#define COELECT_JOIN(a, b) COELECT_JOIN_(a, b)

namespace coelect::detail {

/// Defined once in the library, under the Boost version that it was compiled with. An undefined
/// reference to built_with_boost_NNNNNN means: rebuild coelect with the Boost you compile with.
extern int const COELECT_JOIN(built_with_boost_, BOOST_VERSION);
inline int same_boost() noexcept { return COELECT_JOIN(built_with_boost_, BOOST_VERSION); }

}  // namespace coelect::detail

#undef COELECT_JOIN
#undef COELECT_JOIN_

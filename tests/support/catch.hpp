// Catch2 of either major version under one name.
#pragma once
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace coelect::test {

// Version 3 moved these out of namespace Catch::Matchers or renamed them; tests use the names here.
#if __has_include(<catch2/catch_all.hpp>)
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
#else
using Catch::Detail::Approx;
inline auto ContainsSubstring(std::string const& part) { return Catch::Matchers::Contains(part); }
#endif
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

}  // namespace coelect::test

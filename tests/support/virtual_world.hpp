// The names under which tests know the simulated world of coelect/testing/world.hpp.
#pragma once
#include <coelect/testing/world.hpp>

namespace coelect::test {

using std::chrono::nanoseconds;
using virtual_host = testing::host;
using virtual_world = testing::world;

}  // namespace coelect::test

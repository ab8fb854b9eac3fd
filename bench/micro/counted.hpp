// How often this program has asked for memory: a program that links counted.cpp counts every operator new.
#pragma once
#include <cstdint>

namespace bench {

std::uint64_t allocations_so_far() noexcept;

}  // namespace bench

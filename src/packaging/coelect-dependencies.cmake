# What the library needs from its surroundings; used by the build and by the installed package alike.
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # Boost's own package files where CMake no longer brings FindBoost
endif()
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(Boost 1.81 COMPONENTS url)
find_dependency(nlohmann_json 3.9)

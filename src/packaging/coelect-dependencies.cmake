# What the library needs from its surroundings; used by the build and by the installed package alike.
# The installed package sets coelect_built_with_boost and needs exactly that version: the library is compiled over Asio's
# types, whose layout changes from one Boost to the next. What only the build needs is left out there.
if(POLICY CMP0167)
  cmake_policy(SET CMP0167 NEW)  # Boost's own package files where CMake no longer brings FindBoost
endif()

if(NOT DEFINED coelect_built_with_boost)
  find_package(Threads REQUIRED)
  find_package(Boost 1.81 REQUIRED COMPONENTS url)
  find_package(OpenSSL 3 REQUIRED)
  find_package(nlohmann_json 3.9 REQUIRED)
  return()
endif()

include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL 3)
find_package(Boost ${coelect_built_with_boost} EXACT QUIET COMPONENTS url)
if(NOT Boost_FOUND OR NOT Boost_VERSION_STRING VERSION_EQUAL coelect_built_with_boost)
  find_package(Boost QUIET)
  set(coelect_FOUND FALSE)
  set(coelect_NOT_FOUND_MESSAGE "This coelect was built with Boost ${coelect_built_with_boost} and needs exactly that, \
with Boost.URL; found: ${Boost_VERSION_STRING}. Rebuild coelect with the Boost that you use, or set Boost_ROOT.")
endif()

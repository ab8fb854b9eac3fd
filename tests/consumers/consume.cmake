# Configures, builds and runs one consumer project; run by ctest with cmake -P. KIND says which.
cmake_minimum_required(VERSION 3.22)
set(project ${HERE}/${KIND})
set(build ${WORK}/${KIND})
set(prefix ${WORK}/prefix)
set(flags -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
  -DCMAKE_BUILD_TYPE=None)  # not optimised: only building and linking is in question

# run COMMAND...: stops the test when it fails; what was said is in `said`.
macro(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\nended with ${status}:\n${said}")
  endif()
endmacro()

file(REMOVE_RECURSE ${build})
if(KIND STREQUAL "find_package")
  file(REMOVE_RECURSE ${prefix})
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix} --config ${BUILD_TYPE})
  # The JSON library is our own business: a consumer who does not have it must not notice.
  list(APPEND flags -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON)
elseif(KIND STREQUAL "add_subdirectory")
  # In the way that some consumers compile everything: several files at a time.
  list(APPEND flags -DCOELECT_SOURCE=${SOURCE} -DCMAKE_UNITY_BUILD=ON)
elseif(KIND STREQUAL "other_boost")
  set(project ${HERE}/find_package)
  list(APPEND flags -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_CXX_FLAGS=-I${WORK}/other_boost_headers)
endif()

run(${CMAKE_COMMAND} -S ${project} -B ${build} ${flags})

if(KIND STREQUAL "other_boost")
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${build} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(status EQUAL 0)
    message(FATAL_ERROR "a program compiled with another Boost was linked with this library")
  endif()
  if(NOT said MATCHES "undefined (reference|symbol)[^\n]*built_with_boost_${OTHER_BOOST}")
    message(FATAL_ERROR "it failed, but not for the right reason:\n${said}")
  endif()
  message(STATUS "refused by the linker: ${CMAKE_MATCH_0}")
  return()
endif()

run(${CMAKE_COMMAND} --build ${build})
run(${build}/consumer)
if(NOT said MATCHES "token [1-9][0-9]*\nled and resigned")
  message(FATAL_ERROR "the consumer said:\n${said}")
endif()
message(STATUS "${said}")

# And his test, with the simulated hosts.
run(${build}/consumer_test)
if(NOT said MATCHES "led until it was cut off")
  message(FATAL_ERROR "the consumer's test said:\n${said}")
endif()

# Applies PATCH to a copy of SOURCE, builds the simulation there and expects it to fail.
if(NOT PATCH_PROGRAM)
  message(FATAL_ERROR "The mutants need the program 'patch' (package patch).")
endif()
file(REMOVE_RECURSE ${BINARY}/source)
file(MAKE_DIRECTORY ${BINARY}/source)
file(COPY ${SOURCE}/CMakeLists.txt ${SOURCE}/include ${SOURCE}/src ${SOURCE}/tests DESTINATION ${BINARY}/source)

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed:\n${output}")
  endif()
endfunction()

run("applying the patch" ${PATCH_PROGRAM} --batch --directory=${BINARY}/source --strip=1 --input=${PATCH})
run("configuring" ${CMAKE_COMMAND} -S ${BINARY}/source -B ${BINARY}/build -G Ninja
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
  -DCOELECT_PROGRAM=OFF -DCOELECT_EXAMPLES=OFF -DCOELECT_BENCH=OFF -DCOELECT_INSTALL=OFF
  -DCOELECT_TREE_TESTS=OFF)
run("building" ${CMAKE_COMMAND} --build ${BINARY}/build --target sim-tests)
execute_process(COMMAND ${BINARY}/build/tests/sim/sim-tests RESULT_VARIABLE result OUTPUT_VARIABLE output
  ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "This mutant survived; the tests would not notice:\n${output}")
endif()
string(REGEX MATCH "seed [0-9]+: [^\n]*" seed "${output}")
if(NOT seed)
  message(FATAL_ERROR "The mutant's simulation failed in another way than by a violation:\n${output}")
endif()
message(STATUS "caught by ${seed}")

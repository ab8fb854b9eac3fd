# `cmake --install`: headers, library, program, and what find_package(coelect) needs.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/coelect)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/coelect DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN *.hpp)
install(TARGETS coelect coelect-testing EXPORT coelect
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET coelect-program)
  set_target_properties(coelect-program PROPERTIES EXPORT_NAME program)
  install(TARGETS coelect-program EXPORT coelect RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(EXPORT coelect FILE coelectTargets.cmake NAMESPACE coelect:: DESTINATION ${package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/coelectConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/coelectConfig.cmake INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Below 1.0 a minor version may break its users.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/coelectConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/coelectConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/coelectConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/coelect-dependencies.cmake
  DESTINATION ${package_dir})

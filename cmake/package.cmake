# What `cmake --install build/release --prefix DIR` puts there: the program, one static library with its public headers,
# the files by which CMake and pkg-config find it, an example and the licence. Nothing in them names a place: the folder can
# be moved. tests/package builds a program against it.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Everything but the command line, in one archive, so that whoever links it sees none of our layers.
set(layers wxpush_base wxpush_primitives wxpush_wechat wxpush_tls wxpush_config wxpush_event wxpush_queue wxpush_sink
           wxpush_dispatch wxpush_door wxpush_server)
set(objects ${layers})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
add_library(wxpush_package STATIC ${objects})
set_target_properties(wxpush_package PROPERTIES
  OUTPUT_NAME wxpush EXPORT_NAME wxpush LINKER_LANGUAGE CXX ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
target_compile_features(wxpush_package INTERFACE cxx_std_20)
target_include_directories(wxpush_package INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Boost is seen through wxpush/coroutine.h; the rest is only linked. The list in wxpush.pc.in is the same.
target_link_libraries(wxpush_package
  PUBLIC Boost::headers Threads::Threads
  PRIVATE OpenSSL::SSL OpenSSL::Crypto SQLite::SQLite3 spdlog::spdlog fmt::fmt tomlplusplus::tomlplusplus
          prometheus-cpp::core ${WXPUSH_BROKER_LIBRARIES})

install(TARGETS wxpush RUNTIME)
install(TARGETS wxpush_package EXPORT wxpushTargets ARCHIVE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/wxpush TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/config/wxpush.example.toml TYPE DOC)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/embedded DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

set(config_directory ${CMAKE_INSTALL_LIBDIR}/cmake/wxpush)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/wxpushConfig.cmake.in ${PROJECT_BINARY_DIR}/wxpushConfig.cmake
  INSTALL_DESTINATION ${config_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wxpushConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wxpushConfig.cmake ${PROJECT_BINARY_DIR}/wxpushConfigVersion.cmake
  DESTINATION ${config_directory})
install(EXPORT wxpushTargets NAMESPACE wxpush:: DESTINATION ${config_directory})

# From the folder of wxpush.pc up to the prefix, however deep the library folder lies ("lib", "lib/x86_64-linux-gnu").
set(pc_directory ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix "/prefix/${pc_directory}" "/prefix")
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/wxpush.pc.in ${PROJECT_BINARY_DIR}/wxpush.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/wxpush.pc DESTINATION ${pc_directory})

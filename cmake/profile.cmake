# Compiled for what a load of pushes does most (docs/performance.md). cmake/wxpush.profdata says what that is; `./dev bench make_profile` makes
# it anew. A function that has changed since is compiled as if there were none, so it may be older than the tree. For clang alone,
# whose format it is, and for what users run.
set(WXPUSH_PROFILE "${PROJECT_SOURCE_DIR}/cmake/wxpush.profdata" CACHE FILEPATH "what to compile for; empty: nothing in particular")
option(WXPUSH_PROFILING "build programs that write down what they do most" OFF)
if(WXPUSH_PROFILING)
  target_compile_options(wxpush_options INTERFACE -fprofile-generate -fprofile-update=atomic)
  target_link_options(wxpush_options INTERFACE -fprofile-generate)
elseif(WXPUSH_PROFILE AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT WXPUSH_SANITIZE
       AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 16)
  # The path is the same seen from any clone, so that objects are found again (ccache); the digest has them made anew with the profile.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${WXPUSH_PROFILE}")
  file(SHA256 "${WXPUSH_PROFILE}" profile_digest)
  file(RELATIVE_PATH profile_path "${PROJECT_BINARY_DIR}" "${WXPUSH_PROFILE}")
  target_compile_options(wxpush_options INTERFACE -fprofile-use=${profile_path} -DWXPUSH_PROFILE_DIGEST=${profile_digest}
    -Wno-profile-instr-unprofiled -Wno-profile-instr-out-of-date -Wno-backend-plugin)
endif()

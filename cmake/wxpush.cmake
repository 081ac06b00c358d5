# What every target of ours shares: warnings as errors, sanitizers, and the one include root, so that
# an include reads like its place in the tree ("crypto/primitives/hash.h").

add_library(wxpush_options INTERFACE)
target_include_directories(wxpush_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(wxpush_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  -fno-omit-frame-pointer -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns of members that a designated initializer leaves to their defaults, which is what it is for. Those of its
  # warnings that stem from the optimiser's guesses at ranges are wrong more often than not once a string is inlined.
  target_compile_options(wxpush_options INTERFACE -Wno-missing-field-initializers -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT WXPUSH_SANITIZE)
  # What makes a mistake harder to use; tests/structure/hardening_test.py looks for each in the program.
  target_compile_options(wxpush_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fPIE)
  target_link_options(wxpush_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(wxpush_options INTERFACE -fcf-protection=full)
    target_link_options(wxpush_options INTERFACE -Wl,-z,shstk)
  endif()
endif()
if(WXPUSH_SANITIZE)
  # Not optimised, and with line numbers alone: that halves the time to compile, which is most of what a check of a change
  # takes. The fuzzers (RelWithDebInfo) live on speed.
  target_compile_options(wxpush_options INTERFACE -fsanitize=${WXPUSH_SANITIZE} -fno-sanitize-recover=all
    $<IF:$<CONFIG:Debug>,-O0;-g1,-O1>)
  target_link_options(wxpush_options INTERFACE -fsanitize=${WXPUSH_SANITIZE})
endif()
if(WXPUSH_FUZZ)
  target_compile_options(wxpush_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(WXPUSH_COVERAGE)
  target_compile_options(wxpush_options INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(wxpush_options INTERFACE -fprofile-instr-generate)
endif()

# wxpush_library(NAME SOURCES … USES …): one folder, one target. USES is PRIVATE: what a folder needs
# for itself does not leak to those above it, and a layer that is not listed cannot be linked.
# REQUIRES is PUBLIC and is for what the folder's own headers show.
function(wxpush_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;REQUIRES" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_REQUIRES} PRIVATE wxpush_options ${arg_USES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

# wxpush_test(NAME SOURCES … USES …): a doctest program, run by ctest in parallel with the others.
function(wxpush_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE wxpush_options wxpush_doctest_main ${arg_USES})
  add_test(NAME ${name} COMMAND ${name} --no-intro)
  set(seconds 120)
  if(WXPUSH_SANITIZE)
    set(seconds 480)  # unoptimised, and perhaps beside a compiler
  endif()
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${seconds})
endfunction()

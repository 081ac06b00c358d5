# The program's allocator: events are made by one thread and freed by another, which costs glibc's a tenth of all it does for a
# push (docs/performance.md). -DWXPUSH_TCMALLOC=OFF leaves glibc's; sanitizers have their own, and the library takes its user's.
find_library(WXPUSH_TCMALLOC_LIBRARY tcmalloc_minimal)
mark_as_advanced(WXPUSH_TCMALLOC_LIBRARY)
option(WXPUSH_TCMALLOC "link the program with gperftools' tcmalloc_minimal" ON)
add_library(wxpush_allocator INTERFACE)
if(WXPUSH_TCMALLOC AND NOT WXPUSH_SANITIZE)
  if(NOT WXPUSH_TCMALLOC_LIBRARY)
    message(FATAL_ERROR "libtcmalloc_minimal is not there: install libgoogle-perftools-dev, or leave it out by -DWXPUSH_TCMALLOC=OFF")
  endif()
  # Named by nothing in the program, which a linker could take for not needed.
  target_link_options(wxpush_allocator INTERFACE LINKER:--push-state,--no-as-needed ${WXPUSH_TCMALLOC_LIBRARY} LINKER:--pop-state)
endif()

# Flags for every target, and bulkhead_library(): one static library per folder of src/ with its
# declared dependencies, so that the arrows of ARCHITECTURE.md are what the linker sees.

add_compile_options(-Wall -Wextra -Wno-missing-field-initializers)
# Warnings are errors with the compilers that we build with; another one's new warning must not
# keep anybody from building.
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13) OR
   (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 20))
  add_compile_options(-Werror)
endif()
add_compile_options(-fno-omit-frame-pointer)
if(BULKHEAD_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
elseif(BULKHEAD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection
                      -ffunction-sections -fdata-sections)
  add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
  add_link_options(-Wl,--gc-sections -Wl,-z,relro -Wl,-z,now)
endif()

# bulkhead_library(NAME SOURCES a.cc ... DEPS other folders ... LIBS external libraries)
function(bulkhead_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_library(bulkhead_${name} STATIC ${ARG_SOURCES})
  # -iquote, not -I: <sys/mount.h> must stay the C library's while "sys/mount.h" is ours.
  target_compile_options(bulkhead_${name} PUBLIC "SHELL:-iquote ${CMAKE_SOURCE_DIR}/src")
  foreach(dep ${ARG_DEPS})
    target_link_libraries(bulkhead_${name} PUBLIC bulkhead_${dep})
  endforeach()
  target_link_libraries(bulkhead_${name} PRIVATE ${ARG_LIBS})
endfunction()

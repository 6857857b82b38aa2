# SPDX-License-Identifier: MIT
# Warnings, sanitizers and optimisation, the same for every target.

string(TOUPPER ${CMAKE_BUILD_TYPE} WAVEHAND_CONFIG)

add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror)

set(CMAKE_C_FLAGS_RELEASE "-O3 -g -DNDEBUG")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g3")
set(CMAKE_C_FLAGS_COVERAGE "-O0 -g --coverage -fprofile-update=atomic")
set(CMAKE_EXE_LINKER_FLAGS_COVERAGE "--coverage")
set(CMAKE_SHARED_LINKER_FLAGS_COVERAGE "--coverage")

# The core's functions are small and many: inlining across files is worth a quarter of its speed.
option(WAVEHAND_LTO "Optimise across files" OFF)
set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${WAVEHAND_LTO})
if(WAVEHAND_LTO AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  # Objects also hold plain code, so that scores of test programs need not each optimise the whole
  # stack anew (wavehand_test_program links without).
  add_compile_options(-ffat-lto-objects)
endif()
add_compile_options($<$<CONFIG:Release>:-fno-semantic-interposition>)

option(WAVEHAND_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer; the first finding ends the program" OFF)
if(WAVEHAND_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options(${sanitizers})
  add_link_options(${sanitizers})
endif()

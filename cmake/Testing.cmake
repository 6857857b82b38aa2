# SPDX-License-Identifier: MIT
#
# wavehand_test(NAME name COMMAND command... [LABELS label...] [TIMEOUT seconds]
#               [SERIAL] [PROPERTIES key value...])
#
# Registers a test. Its name is given the configuration as prefix ("debug.unit.base.seq"), because
# `make check` runs the sanitized and the optimised build in one run of CTest.
#
# wavehand_test_program(TARGET target SOURCES file... LIBRARIES target...)
#
# An executable for tests, built with the warnings of everything else.
#
# wavehand_conformance(SOURCE file COMMAND program [argument...])
#
# Its TAP lines bear IDs of tests/conformance/list: tools/conformance runs it and writes what it
# showed into docs/conformance.md. SOURCE is what a reader shall be led to, from the project's root;
# the program is a target. What it prints must be the same on each machine. The rows are written by
# wavehand_conformance_list() at the end.
function(wavehand_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "SERIAL" "NAME;TIMEOUT" "COMMAND;LABELS;PROPERTIES")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  string(TOLOWER ${CMAKE_BUILD_TYPE} prefix)
  set(name ${prefix}.${arg_NAME})
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77)
  if(arg_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
  if(arg_PROPERTIES)
    set_tests_properties(${name} PROPERTIES ${arg_PROPERTIES})
  endif()
endfunction()

function(wavehand_test_program)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET" "SOURCES;LIBRARIES")
  add_executable(${arg_TARGET} ${arg_SOURCES})
  target_link_libraries(${arg_TARGET} PRIVATE ${arg_LIBRARIES} PkgConfig::CMOCKA)
  # What fails in a test is said by cmocka or by assert(); both must speak in every build.
  target_compile_options(${arg_TARGET} PRIVATE -UNDEBUG)
  target_link_options(${arg_TARGET} PRIVATE -fno-lto)
  set_target_properties(${arg_TARGET} PROPERTIES
    INTERPROCEDURAL_OPTIMIZATION OFF RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endfunction()

# tests/unit/FOLDER/NAME_test.c is the test unit.FOLDER.NAME, linked with wh_FOLDER and all above it;
# of tests/unit/FOLDER/PART/NAME_test.c the name is unit.FOLDER.PART.NAME.
function(wavehand_unit_tests)
  foreach(folder IN LISTS WAVEHAND_FOLDERS)
    set(root ${PROJECT_SOURCE_DIR}/tests/unit/${folder})
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${root}/*_test.c)
    foreach(file IN LISTS files)
      file(RELATIVE_PATH base ${root} ${file})
      string(REGEX REPLACE "_test\\.c$" "" base ${base})
      string(REPLACE "/" "." base ${base})
      wavehand_test_program(TARGET unit_${folder}_${base} SOURCES ${file} LIBRARIES wh_${folder})
      wavehand_test(NAME unit.${folder}.${base} COMMAND unit_${folder}_${base} LABELS unit)
    endforeach()
  endforeach()
endfunction()

function(wavehand_conformance)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE" "COMMAND")
  list(POP_FRONT arg_COMMAND program)
  list(JOIN arg_COMMAND " " arguments)
  set_property(GLOBAL APPEND PROPERTY WAVEHAND_CONFORMANCE "${arg_SOURCE}\t$<TARGET_FILE:${program}> ${arguments}\n")
endfunction()

function(wavehand_conformance_list)
  get_property(rows GLOBAL PROPERTY WAVEHAND_CONFORMANCE)
  list(JOIN rows "" text)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/conformance.txt CONTENT "${text}")
endfunction()

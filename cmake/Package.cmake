# SPDX-License-Identifier: MIT
#
# libwavehand, static and shared, and what is installed beside it.
#
# The library is the core and the links. Reading capture files is left to the command, so that
# embedders need no libpcap. Only wh_ names are visible in either form: in the shared one by hidden
# visibility; for the static one the objects are first put together into one, in which hidden names
# become local, so that an internal name cannot clash with one of the embedder's.
set(objects "")
foreach(folder IN ITEMS base wire tcp stack link)
  if(WAVEHAND_SOURCES_${folder})
    list(APPEND objects $<FILTER:$<TARGET_OBJECTS:wh_${folder}>,EXCLUDE,capture_[a-z]>)
  endif()
endforeach()

add_library(wavehand_shared SHARED ${objects})
set_target_properties(wavehand_shared PROPERTIES
  OUTPUT_NAME wavehand LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_link_options(wavehand_shared PRIVATE -Wl,-z,defs -Wl,--as-needed)

separate_arguments(flags NATIVE_COMMAND "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${WAVEHAND_CONFIG}}")
if(WAVEHAND_LTO AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  # Optimise across files now: the archive holds machine code, for any compiler of the embedder's.
  list(APPEND flags -flto=auto -flinker-output=nolto-rel)
endif()

# wavehand_archive(TARGET NAME object...): libNAME.a, of one object whose internal names are local.
function(wavehand_archive target name)
  add_custom_command(
    OUTPUT lib${name}.a
    COMMAND ${CMAKE_C_COMPILER} ${flags} -fPIC -fvisibility=hidden -nostdlib -r -o lib${name}.o ${ARGN}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden lib${name}.o
    COMMAND ${CMAKE_COMMAND} -E rm -f lib${name}.a
    COMMAND ${CMAKE_AR} qcs lib${name}.a lib${name}.o
    DEPENDS ${ARGN}
    COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Making lib${name}.a, internal names made local")
  add_custom_target(${target} ALL DEPENDS lib${name}.a)
endfunction()
wavehand_archive(wavehand_static wavehand ${objects})

# The scripted peer, for tests of programs that stand on the library: with the whole stack in it,
# because the ladder of a failure needs what libwavehand hides.
set(rig ${objects} $<TARGET_OBJECTS:wh_rig>
  "$<FILTER:$<TARGET_OBJECTS:wh_view>,INCLUDE,/(rung|text|words)\\.c>")
wavehand_archive(wavehand_rig wavehand-rig ${rig})
add_dependencies(product wavehand_shared wavehand_static wavehand_rig)

# Both descriptions find the files from where they are themselves, so that a tree may be moved.
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/wavehand.pc.in wavehand.pc @ONLY)
configure_file(cmake/wavehand-rig.pc.in wavehand-rig.pc @ONLY)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wavehand)
include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/wavehandConfig.cmake.in wavehandConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(wavehandConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(DIRECTORY include/wavehand DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS wavehand_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/libwavehand.a ${PROJECT_BINARY_DIR}/libwavehand-rig.a
  DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/wavehand.pc ${PROJECT_BINARY_DIR}/wavehand-rig.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_BINARY_DIR}/wavehandConfig.cmake ${PROJECT_BINARY_DIR}/wavehandConfigVersion.cmake
  DESTINATION ${package_dir})
install(DIRECTORY man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(FILES LICENSE docs/testing-scripts.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET wavehand)
  install(TARGETS wavehand RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

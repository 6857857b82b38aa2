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
    list(APPEND objects $<FILTER:$<TARGET_OBJECTS:wh_${folder}>,EXCLUDE,capture_read>)
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
add_custom_command(
  OUTPUT libwavehand.a
  COMMAND ${CMAKE_C_COMPILER} ${flags} -fPIC -fvisibility=hidden -nostdlib -r -o libwavehand.o ${objects}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden libwavehand.o
  COMMAND ${CMAKE_COMMAND} -E rm -f libwavehand.a
  COMMAND ${CMAKE_AR} qcs libwavehand.a libwavehand.o
  DEPENDS ${objects}
  COMMAND_EXPAND_LISTS VERBATIM
  COMMENT "Making libwavehand.a, internal names made local")
add_custom_target(wavehand_static ALL DEPENDS libwavehand.a)
add_dependencies(product wavehand_shared wavehand_static)

# Both descriptions find the files from where they are themselves, so that a tree may be moved.
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/wavehand.pc.in wavehand.pc @ONLY)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/wavehand)
include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/wavehandConfig.cmake.in wavehandConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(wavehandConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(DIRECTORY include/wavehand DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS wavehand_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/libwavehand.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/wavehand.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_BINARY_DIR}/wavehandConfig.cmake ${PROJECT_BINARY_DIR}/wavehandConfigVersion.cmake
  DESTINATION ${package_dir})
install(DIRECTORY man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET wavehand)
  install(TARGETS wavehand RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

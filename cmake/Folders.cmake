# SPDX-License-Identifier: MIT
#
# wavehand_folder(NAME [EXCEPT file...] [LIBRARIES target...])
#
# Makes wh_NAME of src/NAME/**.c, linked with every folder declared before it.
# A folder without sources is an interface library, so order alone matters.
# Folders are static libraries of ours only; what embedders get is made in
# Package.cmake.
set(WAVEHAND_FOLDERS "")

function(wavehand_folder name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "EXCEPT;LIBRARIES")
  set(root ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${root}/*.c)
  foreach(file IN LISTS arg_EXCEPT)
    list(REMOVE_ITEM sources ${root}/${file})
  endforeach()

  list(TRANSFORM WAVEHAND_FOLDERS PREPEND wh_ OUTPUT_VARIABLE above)
  list(REVERSE above)
  if(sources)
    add_library(wh_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(wh_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(wh_${name} ${scope} ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(wh_${name} ${scope} ${above} ${arg_LIBRARIES})

  set(WAVEHAND_SOURCES_${name} ${sources} PARENT_SCOPE)
  set(WAVEHAND_FOLDERS ${WAVEHAND_FOLDERS} ${name} PARENT_SCOPE)
endfunction()

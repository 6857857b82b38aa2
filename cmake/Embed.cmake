# SPDX-License-Identifier: MIT
#
# wavehand_embed(TARGET NAME FILE): FILE's bytes, with a NUL behind them, as `const char NAME[]` in TARGET.
# Run as a script (cmake -D NAME= -D IN= -D OUT= -P Embed.cmake) it writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${IN} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
  file(WRITE ${OUT} "/* Made of ${NAME}'s file by cmake/Embed.cmake. */\nextern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0\n};\n")
  return()
endif()

set(WAVEHAND_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(wavehand_embed target name file)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${name}.c)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D IN=${file} -D OUT=${out} -P ${WAVEHAND_EMBED_SCRIPT}
    DEPENDS ${file} ${WAVEHAND_EMBED_SCRIPT} VERBATIM COMMENT "Embedding ${name}")
  target_sources(${target} PRIVATE ${out})
endfunction()

# SPDX-License-Identifier: MIT
# What is true of the sources whatever they do: once, in the release build.
set(tools ${PROJECT_SOURCE_DIR}/tools)
wavehand_test(NAME check.includes COMMAND ${tools}/check-includes LABELS check)
wavehand_test(NAME check.symbols COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} ${tools}/check-symbols LABELS check)
wavehand_test(NAME check.32bit COMMAND ${CMAKE_COMMAND} -E env CC=${CMAKE_C_COMPILER} ${tools}/check-32bit LABELS check
  PROPERTIES PROCESSORS 2)
wavehand_test(NAME check.processors COMMAND ${tools}/check-processors LABELS check)
wavehand_test(NAME check.style COMMAND ${tools}/check-style LABELS check)
wavehand_test(NAME check.readme COMMAND ${tools}/check-readme LABELS check)
wavehand_test(NAME check.pages COMMAND ${tools}/pages --check ${PROJECT_BINARY_DIR} LABELS check)
wavehand_test(NAME check.tidy COMMAND ${tools}/lint tidy ${PROJECT_BINARY_DIR} LABELS check TIMEOUT 900
  PROPERTIES PROCESSORS 2)
wavehand_test(NAME check.cppcheck COMMAND ${tools}/lint cppcheck ${PROJECT_BINARY_DIR} LABELS check TIMEOUT 600)
wavehand_test(NAME check.install COMMAND ${tools}/check-install ${PROJECT_BINARY_DIR} LABELS check)
wavehand_test(NAME check.conformance COMMAND ${tools}/conformance --check ${PROJECT_BINARY_DIR} LABELS check TIMEOUT 900
  PROPERTIES PROCESSORS 2)
# It must be able to fail: each of these has to be found in a program that is wrong on purpose.
wavehand_test(NAME check.conformance.wrong COMMAND ${tools}/conformance --check ${PROJECT_SOURCE_DIR}/tests/conformance/wrong
  LABELS check PROPERTIES PASS_REGULAR_EXPRESSION
  "ended early, 4 of 5.*H02: no test.*MUST-51: exempt, and yet.*H99: borne by.*H01: failed.*is stale")

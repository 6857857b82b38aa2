#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""terminal.py SCRIPT

Runs an interactive bash on a terminal of its own and talks to it by SCRIPT, a
Python expression of (what to type, what must then appear) pairs; `what to type`
may be a control character such as "\\x03". Prints "ok" or what failed to appear.
"""
import ast
import os
import pty
import re
import select
import sys
import time

LIMIT = 15 * float(os.environ.get("WH_SLOW", "1"))


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PS1"] = "prompt> "
        os.environ["TERM"] = "dumb"
        os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
    shown = ""

    def expect(pattern):
        nonlocal shown
        end = time.monotonic() + LIMIT
        while not re.search(pattern, shown):
            left = end - time.monotonic()
            if left <= 0 or not select.select([terminal], [], [], left)[0]:
                print(f"nothing like {pattern!r} in {shown!r}")
                sys.exit(1)
            try:
                shown += os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                print(f"the terminal is gone: nothing like {pattern!r} in {shown!r}")
                sys.exit(1)
        shown = shown[re.search(pattern, shown).end():]

    expect("prompt> ")
    for typed, pattern in ast.literal_eval(sys.argv[1]):
        os.write(terminal, typed.encode())
        expect(pattern)
    print("ok")


main()

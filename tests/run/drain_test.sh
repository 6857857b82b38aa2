#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that exits right after writing: its kernel still has the bytes, and they must arrive.
. "$(dirname "$0")/lib.sh"
needs cc

build probe -static
start count python3 "$here/peer.py" count 7701 counted
await_port 7701

run -- ./probe connect 10.0.2.2 7701 send 50000000 close >probe.out
expect "written, closed, gone: status" 0 $?
await 10 test -s counted
expect "all that was written arrives, and the end of file" "50000000 EOF" "$(cat counted)"
rm -f counted

run -- ./probe connect 10.0.2.2 7701 send 3000000 >probe.out
await 10 test -s counted
expect "gone without closing: the same" "3000000 EOF" "$(cat counted)"
rm -f counted

# A slow path: megabytes are under way when the program is gone.
started_at=$SECONDS
LIMIT=40 run --fault 'rate 8mbit' -- ./probe connect 10.0.2.2 7701 send 3000000 close >probe.out
await 10 test -s counted
expect "over a slow path" "3000000 EOF" "$(cat counted)"
echo "   (took $((SECONDS - started_at)) s)"
rm -f counted

# Nobody reads at the other end: after ten seconds what remains is reset, and said.
start silent python3 "$here/peer.py" silent 7702
await_port 7702
started_at=$SECONDS
LIMIT=60 run -- bash -c './probe connect 10.0.2.2 7702 send 100000000 >/dev/null & sleep 2; kill -KILL $!; exit 5' 2>reset.err
expect "a peer that never reads: the program's status" 5 $?
expect_number "a peer that never reads: gives up in about 10 s" -le $((16 * slow)) $((SECONDS - started_at))
expect_number "a peer that never reads: but not before" -ge 9 $((SECONDS - started_at))
expect_match "a peer that never reads: it is said" "reset" "$(cat reset.err)"
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
# A gibibyte each way, at the same time on one connection, compared by SHA-256; then again with the
# connection opened by wavehand. WH_BULK sets the bytes.
TEST_LIMIT=300
. "$(dirname "$0")/lib.sh"
needs nc openssl

bytes=${WH_BULK:-1073741824}
export -f noise digest
there=$(noise "$bytes" 5 | digest)
back=$(noise "$bytes" 6 | digest)

start server bash -c "noise $bytes 6 | python3 $here/peer.py pipe 127.0.0.1 7301 | digest"
await_port 7301
inside=$(LIMIT=120 run -- bash -c "noise $bytes 5 | nc -N 10.0.2.2 7301 | digest")
expect "host to program" "$back" "$inside"
wait "${started[-1]}"
expect "program to host" "$there" "$(cat "$tmp/server.log")"

LIMIT=120 run --publish 7302:7302 -- bash -c "
    noise $bytes 5 | python3 $here/peer.py pipe 0.0.0.0 7302 | digest" >published.out &
await_port 7302
sleep 1 # nothing tells when the program has begun to listen
outside=$(noise "$bytes" 6 | timeout $((120 * slow)) nc -N 127.0.0.1 7302 | digest)
wait $!
expect "published, program to host" "$there" "$outside"
expect "published, host to program" "$back" "$(cat published.out)"
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
# A statically linked program: nothing is preloaded or intercepted, so it is served like any other.
. "$(dirname "$0")/lib.sh"
needs cc readelf

build probe -static
expect "no dynamic linker is asked for" 0 "$(readelf -lW probe | grep -c INTERP)"
start answer python3 "$here/peer.py" answer 7100 hello
start echo python3 "$here/peer.py" echo 7101
await_port 7100
await_port 7101
expect "it connects and reads to the end" "connect ok
recv-all 5 EOF" "$(run -- ./probe connect 10.0.2.2 7100 recv-all)"
expect "over IPv6, both ways" "connect ok
send 100000 ok
shutdown ok
recv-all 100000 EOF" "$(run -- ./probe connect fd00::2 7101 send 100000 shutdown recv-all)"
finish

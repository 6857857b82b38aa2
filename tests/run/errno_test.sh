#!/bin/bash
# SPDX-License-Identifier: MIT
# Refused, reset, half-closed, unreachable and timed-out connections come to the program as the same
# errno as on a real network. Each step of the probe prints one line (see probe.c).
. "$(dirname "$0")/lib.sh"
needs cc

build probe -static
serve() { start "$1" python3 "$here/peer.py" "$@"; await_port "$2"; }
serve reset 7201
serve unread 7202
serve silent 7203
serve echo 7204
serve answer 7205 bye
serve count 7206 counted
serve say-nothing 7207
# Networks that cannot be reached, in two ways; for any other there is no route at all.
ip route add unreachable 203.0.113.0/25
ip route add prohibit 203.0.113.128/25

probe() { run -- ./probe "$@" 2>&1; }

expect "refused" "connect ECONNREFUSED" "$(probe connect 10.0.2.2 7299)"
expect "refused, IPv6" "connect ECONNREFUSED" "$(probe connect fd00::2 7299)"
expect "refused, without blocking" "begin ECONNREFUSED" "$(probe begin 10.0.2.2 7299)"

expect "reset while reading" "connect ok
send 1 ok
recv-all 0 ECONNRESET" "$(probe connect 10.0.2.2 7201 send 1 recv-all)"
expect "reset, then writing: first the reset is told, then EPIPE" "connect ok
send 1 ok
error ECONNRESET
send EPIPE" "$(probe connect 10.0.2.2 7201 send 1 error send 1)"
expect "closed by a peer that left our bytes unread: what it said, then the reset" "connect ok
recv 1 ok
send 1000 ok
error ECONNRESET" "$(probe connect 10.0.2.2 7202 recv 1 send 1000 error)"

expect "half-closed by the peer: end of file, sending still works at first" "connect ok
recv-all 3 EOF
send 1 ok" "$(probe connect 10.0.2.2 7205 recv-all send 1)"
expect "half-closed by us: the answer arrives, sending is EPIPE" "connect ok
send 5000 ok
shutdown ok
send EPIPE
recv-all 5000 EOF" "$(probe connect 10.0.2.2 7204 send 5000 shutdown send 1 recv-all)"

# What the far end sees of a program that resets or ends in order.
probe connect 10.0.2.2 7206 send 4000 pause 300 reset >/dev/null
probe connect 10.0.2.2 7206 send 5000 close >/dev/null
await 5 grep -q 5000 counted
expect "the far end sees our reset, and our end of file" "4000 RESET
5000 EOF" "$(cat counted)"

expect "silence, until the program's own patience ends" "connect ETIMEDOUT" \
    "$(LIMIT=20 probe syncnt 1 connect 10.0.2.2 7207)"
expect "no route to the host" "connect EHOSTUNREACH" "$(probe connect 203.0.113.1 80)"
expect "no route to the network" "connect ENETUNREACH" "$(probe connect 192.0.2.1 80)"
expect_match "prohibited" "connect (EACCES|EHOSTUNREACH)" "$(probe connect 203.0.113.200 80)"
expect "established, then silence: TCP_USER_TIMEOUT" "connect ok
send 10 ok
send 10 ok
error ETIMEDOUT" "$(LIMIT=40 run --fault 'silence after 1s' -- \
    ./probe user-timeout 1500 connect 10.0.2.2 7203 send 10 pause 1500 send 10 error 2>&1)"
expect "refused by a fault rule" "connect ECONNREFUSED" \
    "$(run --fault refuse -- ./probe connect 10.0.2.2 7204 2>&1)"
expect_match "reset by a fault rule after a megabyte" "ECONNRESET|EPIPE" \
    "$(run --fault 'reset after 1mb' -- ./probe connect 10.0.2.2 7206 send 8000000 2>&1)"

# UDP: a closed port answers with ICMP, which the next call tells.
expect "UDP to a closed port" "connect ok
send 5 ok
error ECONNREFUSED" "$(probe udp connect 10.0.2.2 7299 send 5 error)"
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
# 10,000 connections open at once, to each of which the host pours more than the program takes: the
# memory cap holds, and in the end every byte arrives. And: one slow connection never stalls another.
TEST_LIMIT=240
. "$(dirname "$0")/lib.sh"
needs curl

count=${WH_CROWD:-10000}
bytes=131072
cap_kib=$((1200 * 1024)) # the cap of 1 GiB, and what a process of that many descriptors is made of
(($(ulimit -Hn) >= count + 1000)) || skip "the limit of open files is $(ulimit -Hn)"
ulimit -n "$(ulimit -Hn)"
echo 16384 >/proc/sys/net/core/somaxconn 2>/dev/null
start flood python3 "$here/peer.py" flood 7901 $bytes
start page python3 -m http.server --bind 127.0.0.1 7902
await_port 7901
await_port 7902
echo "the page" >index.html

LIMIT=200 run_behind -- bash -c "
    python3 $here/crowd.py 10.0.2.2 7901 $count $bytes opened go & crowd=\$!
    while [ ! -e opened ]; do sleep 0.1; done
    for i in 1 2 3; do curl -sS --max-time 10 http://10.0.2.2:7902/index.html; done >pages 2>&1
    touch measured
    while [ ! -e go ]; do sleep 0.1; done
    wait \$crowd" >crowd.log 2>crowd.err
await 120 test -e measured || fail "10,000 connections do not open"
expect "open connections" "open $count failed 0" "$(head -n 1 crowd.log)"
expect "other connections go on" 3 "$(grep -c 'the page' pages)"
await 3 false # let the host pour
peak=$(awk '/^VmHWM/ {print $2}' "/proc/$command/status")
expect_number "peak memory of wavehand, KiB" -le $((cap_kib * slow)) "$peak"
touch go
wait "$behind"
expect "status" 0 $?
expect "connections that brought every byte" "whole $count" "$(tail -n 1 crowd.log)"
expect "nothing said" "" "$(head -c 400 crowd.err)"
rm -f opened go measured

# One connection whose program does not read, with megabytes waiting; the rest is as quick as ever.
start big python3 "$here/peer.py" flood 7903 100000000
await_port 7903
build probe -static
expect "beside a connection that is stuck" "the page" "$(run -- bash -c '
    ./probe connect 10.0.2.2 7903 pause 20000 & sleep 1
    timeout 5 curl -sS http://10.0.2.2:7902/index.html; kill $!' | grep page)"
finish

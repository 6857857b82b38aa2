#!/bin/bash
# SPDX-License-Identifier: MIT
# redis-server on the host with redis-benchmark inside, and the other way round.
. "$(dirname "$0")/lib.sh"
needs redis-server redis-benchmark redis-cli

server="redis-server --save '' --appendonly no --protected-mode no --loglevel warning"

start redis sh -c "exec $server --bind 127.0.0.1 --port 6390"
await_port 6390
run -- redis-benchmark -h 10.0.2.2 -p 6390 -t set,get,lrange_100,mset -n 5000 -c 50 -d 512 --csv >bench.csv 2>bench.err
expect "benchmark inside, status" 0 $?
expect_number "benchmark inside, commands measured" -ge 5 "$(grep -c '^"' bench.csv)"
run -- redis-benchmark -h 10.0.2.2 -p 6390 -t set -n 20000 -P 32 -c 10 -q >pipeline.log 2>&1
expect "pipelined, status" 0 $?
expect "what was set is there" PONG "$(run -- redis-cli -h 10.0.2.2 -p 6390 ping)"

LIMIT=60 run_behind --publish 6391:6379 -- sh -c "exec $server --port 6379 --bind 0.0.0.0" >inside.log 2>&1
await_port 6391
answers() { [[ $(redis-cli -p 6391 ping 2>/dev/null) == PONG ]]; }
await 10 answers && pass "redis inside answers" || fail "redis inside does not answer"
timeout 30 redis-benchmark -h 127.0.0.1 -p 6391 -t set,get -n 5000 -c 50 --csv >outside.csv 2>outside.err
expect "benchmark outside, status" 0 $?
redis-cli -p 6391 shutdown nosave 2>shutdown.err
wait "$behind"
expect "a server inside that ends by itself, status" 0 $?
finish

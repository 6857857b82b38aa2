#!/bin/bash
# SPDX-License-Identifier: MIT
# 8 MiB each way over a bad path: loss 3%, delay 20 ms, reordering, duplication, corruption. Every
# byte counts; the time does not. WH_FAULTS sets the bytes.
TEST_LIMIT=400
. "$(dirname "$0")/lib.sh"
needs nc openssl

bytes=${WH_FAULTS:-8388608}
export -f noise digest
there=$(noise "$bytes" 5 | digest)
back=$(noise "$bytes" 6 | digest)
bad=(--fault 'loss 3%' --fault 'delay 20ms' --fault 'reorder 1%' --fault 'duplicate 1%' --fault 'corrupt 0.1%')

# carry WHAT PORT OPTION...
carry()
{
    local what=$1 port=$2
    shift 2
    start "server$port" bash -c "noise $bytes 6 | python3 $here/peer.py pipe 127.0.0.1 $port | digest"
    await_port "$port"
    expect "$what, host to program" "$back" \
        "$(LIMIT=180 run "${bad[@]}" "$@" -- bash -c "noise $bytes 5 | nc -N 10.0.2.2 $port | digest")"
    await 60 test -s "$tmp/server$port.log"
    expect "$what, program to host" "$there" "$(cat "$tmp/server$port.log")"
}
carry "segments of 64 KiB" 7401 --seed 1
carry "segments of 1500 bytes" 7402 --seed 2 --mtu 1500
carry "one seed, another fate" 7403 --seed 3 --mtu 9000

# Small exchanges and many short connections suffer the same path.
start echo python3 "$here/peer.py" echo 7404
await_port 7404
build probe -static
expect "ten connections in turn" 10 "$(LIMIT=120 run --seed 4 "${bad[@]}" -- bash -c '
    for i in 1 2 3 4 5 6 7 8 9 10; do
        ./probe connect 10.0.2.2 7404 send 3000 shutdown recv-all
    done' 2>&1 | grep -c 'recv-all 3000 EOF')"
finish

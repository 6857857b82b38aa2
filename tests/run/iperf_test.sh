#!/bin/bash
# SPDX-License-Identifier: MIT
# iperf3 in both directions, with 32 streams, and both ways at once.
. "$(dirname "$0")/lib.sh"
needs iperf3

start iperf3 iperf3 --server --bind 127.0.0.1 --port 5201
await_port 5201

# measure WHAT OPTION...: a short run that must end well with bytes received on every stream.
measure()
{
    local what=$1 status
    shift
    run -- iperf3 --client 10.0.2.2 --port 5201 --time 2 --json "$@" >iperf.json 2>iperf.err
    status=$?
    expect "$what, status" 0 $status
    expect "$what, bytes on every stream" yes "$(python3 - <<'END'
import json
end = json.load(open("iperf.json"))["end"]
streams = [s["receiver"]["bytes"] for s in end["streams"]]
print("yes" if streams and min(streams) > 100000 else "only " + str(sorted(streams)[:4]))
END
    )"
}
measure "program to host"
measure "host to program" --reverse
measure "both ways at once" --bidir
measure "32 streams to the host" --parallel 32
measure "32 streams to the program" --parallel 32 --reverse
finish

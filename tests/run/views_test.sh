#!/bin/bash
# SPDX-License-Identifier: MIT
# What can be seen of a connection of a real program: ladder, capture file, trace; and fault rules at work.
. "$(dirname "$0")/lib.sh"
needs curl tshark python3

echo "the page" >index.html
start page python3 -m http.server --bind 127.0.0.1 8001
start count python3 "$here/peer.py" count 8002 counted
await_port 8001
await_port 8002
build probe -static
page=(curl -sS --max-time 60 http://10.0.2.2:8001/)

expect "the page, with everything switched on" "the page" \
    "$(run --ladder=ladder.txt --pcap file.pcapng --trace trace.jsonl --seed 7 -- "${page[@]}")"
ladder=$(cat ladder.txt)
for word in SYN FIN ACK ESTABLISHED SYN-SENT FIN-WAIT-1 TIME-WAIT; do
    expect_match "the ladder speaks of $word" "$word" "$ladder"
done
expect_number "lines of the ladder fit 80 columns" -le 80 "$(LC_ALL=C.UTF-8 awk '{ if (length > n) n = length } END { print n + 0 }' ladder.txt)"
expect "no colour in a file" 0 "$(grep -c $'\e' ladder.txt)"
expect_match "--ladder on standard error" "ESTABLISHED" "$(run --ladder -- "${page[@]}" 2>&1 >/dev/null)"
expect "--no-ladder" "" "$(run --no-ladder -- "${page[@]}" 2>&1 >/dev/null)"
expect "no ladder unless on a terminal" "" "$(run -- "${page[@]}" 2>&1 >/dev/null)"

tshark -r file.pcapng >tshark.out 2>tshark.err
expect "tshark reads the capture, and says nothing" "" "$(grep -v 'Running as user' tshark.err)"
expect "tshark finds nothing malformed" 0 \
    "$(tshark -r file.pcapng -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y '_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0' 2>/dev/null | wc -l)"
expect "a SYN and a SYN,ACK" 2 "$(tshark -r file.pcapng -Y 'tcp.flags.syn == 1' 2>/dev/null | wc -l)"
expect_number "FINs" -ge 2 "$(tshark -r file.pcapng -Y 'tcp.flags.fin == 1' 2>/dev/null | wc -l)"
expect_number "packets with a comment" -ge 4 "$(tshark -r file.pcapng -Y 'frame.comment' 2>/dev/null | wc -l)"
expect "every line of the trace is JSON" ok "$(python3 - <<'END'
import json
lines = [json.loads(line) for line in open("trace.jsonl")]
print("ok" if len(lines) >= 6 and all(isinstance(line, dict) for line in lines) else len(lines))
END
)"

# timed MILLISECONDS-AT-LEAST WHAT FAULT...
timed()
{
    local least=$1 what=$2 began
    shift 2
    began=$(date +%s%N)
    expect "$what" "the page" "$(run "$@" -- "${page[@]}" 2>/dev/null)"
    expect_number "$what: takes its time, ms" -ge "$least" $((($(date +%s%N) - began) / 1000000))
}
timed 200 "delay 50ms" --fault 'delay 50ms'
timed 900 "drop syn 1" --fault 'drop syn 1'
timed 900 "drop syn-ack 1" --fault 'drop syn-ack 1'
timed 0 "drop ack-of-syn 1" --fault 'drop ack-of-syn 1'
timed 0 "drop data 1" --fault 'drop data 1'
timed 0 "drop fin 1" --fault 'drop fin 1'
timed 0 "drop ack-of-fin 1" --fault 'drop ack-of-fin 1'
timed 0 "hold fin 1s" --fault 'hold fin 1s'
timed 0 "a rule for another port" --fault 'loss 100% port 81'
expect_match "the ladder tells of a dropped SYN,ACK" "[Dd]ropped|lost" \
    "$(run --ladder --fault 'drop syn-ack 1' -- "${page[@]}" 2>&1 >/dev/null)"

began=$SECONDS
run --fault 'rate 8mbit' -- ./probe connect 10.0.2.2 8002 send 3000000 shutdown recv-all >probe.out
expect_number "rate 8mbit: 3 MB take about three seconds" -ge 2 $((SECONDS - began))
expect "rate 8mbit: all of it" "3000000 EOF" "$(cat counted)"
timeout $((20 * slow)) "${user[@]}" $RUN --fault 'zero-window after 64kb' -- \
    timeout 4 ./probe connect 10.0.2.2 8002 send 20000000 >probe.out
expect "zero-window: the program is stuck while sending" 124 $?
finish

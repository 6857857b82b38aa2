#!/bin/bash
# SPDX-License-Identifier: MIT
# --threads: several relays behind one device. Everything else that must work with them is tested by
# run.*.threads; here is what only they can get wrong.
. "$(dirname "$0")/lib.sh"
needs curl nginx python3
unset WH_THREADS
RUN="$WAVEHAND run"

for wrong in 0 17 two; do
    run --threads "$wrong" -- true 2>wrong.err
    expect "--threads $wrong: status" 125 $?
    expect_complaint "--threads $wrong" "--threads takes a whole number from 1 to 16" wrong.err
done

# As many threads as asked for, and as many queues.
run_behind --threads 3 -- sleep 100
await 5 test -d "/proc/$command/task"
three() { [[ $(ls "/proc/$command/task" | wc -l) -ge 3 ]]; }
await 5 three && pass "three threads at least" || fail "threads: $(ls "/proc/$command/task")"
queues() { [[ $(ls -l "/proc/$command/fd" | grep -c /dev/net/tun) == 3 ]]; }
await 5 queues && pass "three queues" || fail "queues: $(ls -l "/proc/$command/fd")"
kill -TERM "$command"
wait "$behind"
expect "a signal still ends the program" 143 $?

# Forty connections at a time, seen from outside: one story, in order, with each frame counted once.
mkdir site
noise 300000 3 >site/big
echo here >site/index.html
cat >nginx.conf <<END
daemon off;
pid $PWD/nginx.pid;
error_log stderr;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3;
    uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
    server { listen 8001 backlog=512; root $PWD/site; }
}
END
start nginx nginx -e stderr -p . -c "$PWD/nginx.conf"
await_port 8001
expect "200 pages while all is watched" 200 \
    "$(run --threads 3 --trace trace.jsonl --ladder=ladder.txt --pcap file.pcapng -- \
        curl -sS --max-time 60 --parallel --parallel-max 40 -H 'Connection: close' 'http://10.0.2.2:8001/index.html?[1-200]' 2>/dev/null | grep -c here)"
expect "the trace is in order, and each frame counted once" "200 connections, ok" "$(python3 - <<'END'
import json
lines = [json.loads(line) for line in open("trace.jsonl")][1:]
times = [line["time"] for line in lines if "time" in line]
wrong = [] if times == sorted(times) else ["times go back"]
for kinds in (("in", "drop"), ("out",)):
    frames = [line["frame"] for line in lines if line["event"] in kinds and "frame" in line]
    if frames != sorted(frames) or len(set(frames)) != len(frames) or not frames:
        wrong.append(f"frames of {kinds} repeat or go back")
opened = {line["remote"] for line in lines if line["event"] == "in" and line.get("flags") == ["SYN"]}
print(f"{len(opened)} connections, {wrong or 'ok'}")
END
)"
expect "the ladder numbers connections from 1 to 200" "200" \
    "$(grep -oE '^ *#?[0-9]+' ladder.txt | tr -d ' #' | sort -nu | tail -1)"

# Megabytes on both threads at once, each byte checked.
expect "20 downloads at a time" "20 $(digest <site/big)" \
    "$(run --threads 2 -- bash -c 'for i in $(seq 20); do curl -sS --max-time 60 -o got.$i http://10.0.2.2:8001/big & done; wait
        for i in $(seq 20); do sha256sum <got.$i; done | cut -d" " -f1 | sort | uniq -c | sed "s/^ *//"')"

# The kernel forgets a silent flow after three seconds, and may then choose another queue: what comes
# out there is handed over.
expect "connections that were silent for a while go on" "$(printf 'yes%.0s' {1..12})" \
    "$(run --threads 2 -- python3 - <<'END'
import socket, time
def answered(s):
    s.sendall(b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while not got.endswith(b"here\n"):
        more = s.recv(4096)
        if not more:
            return False
        got += more
    return True
connections = [socket.create_connection(("10.0.2.2", 8001), 10) for _ in range(12)]
first = [answered(s) for s in connections]
time.sleep(5)
print("".join("yes" if a and answered(s) else "no" for a, s in zip(first, connections)), end="")
END
)"

finish

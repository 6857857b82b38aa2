#!/bin/bash
# SPDX-License-Identifier: MIT
# Bad days: each ends in one clear line, a status, and nothing left behind.
. "$(dirname "$0")/lib.sh"
needs curl nc

# refused WHAT REGEX OPTION... : the command must fail by itself, before the program runs.
refused()
{
    local what=$1 regex=$2
    shift 2
    rm -f ran
    run "$@" -- touch ran 2>complaint
    expect "$what: status" 125 $?
    expect_complaint "$what" "$regex" complaint
    [[ ! -e ran ]] || fail "$what: the program ran all the same"
}
refused "unknown option" "--colour" --colour
refused "a value that is no number" "--mtu" --mtu big
refused "a value out of range" "--mtu" --mtu 10
refused "a publish without a port" "--publish" --publish 80
refused "a port beyond 65535" "--publish" --publish 80:70000
refused "a fault nobody knows" "los" --fault 'los 3%'
expect_match "a fault nobody knows: what was expected" "loss" "$(cat complaint)"
refused "a fault with a wrong value" "loss" --fault 'loss many'
refused "a fault with a wrong limit" "port" --fault 'loss 3% port http'
refused "a capture file in no directory" "/no/where" --pcap /no/where/file
refused "a trace file in no directory" "/no/where" --trace /no/where/file
refused "a ladder file in no directory" "/no/where" --ladder=/no/where/file
start taken nc -l -k 127.0.0.1 7801
await_port 7801
refused "a port in use" "7801.*(in use|taken)" --publish 7801:80

# A disk that fills up under the capture: the program goes on, the status tells, the file is readable.
start answer python3 "$here/peer.py" flood 7802 3000000
await_port 7802
run --pcap /dev/full -- nc -N 10.0.2.2 7802 </dev/null >got 2>complaint
expect "full disk from the start: status" 125 $?
expect_complaint "full disk from the start" "/dev/full.*[Nn]o space" complaint
mkdir small && mount -t tmpfs -o size=200k,mode=1777 tmpfs small
run --pcap small/file.pcapng -- nc -N 10.0.2.2 7802 </dev/null >got 2>complaint
expect "full disk on the way: status" 125 $?
expect_complaint "full disk on the way" "small/file.pcapng.*[Nn]o space" complaint
expect "full disk on the way: the program had its data" 3000000 "$(stat -c %s got)"
if command -v tshark >/dev/null; then
    tshark -r small/file.pcapng -c 3 >tshark.out 2>tshark.err
    expect "full disk on the way: what was written can be read" 3 "$(wc -l <tshark.out)"
fi
run --trace /dev/full -- nc -N 10.0.2.2 7802 </dev/null >got 2>complaint
expect "full disk under the trace: status" 125 $?

# No /dev/net/tun, and one that may not be opened.
mkdir nodev
unshare --mount bash -c '
    mount --bind nodev /dev/net
    exec "$@"' - timeout 20 "${user[@]}" $RUN -- touch ran 2>complaint
expect "no /dev/net/tun: status" 125 $?
expect_complaint "no /dev/net/tun" "/dev/net/tun" complaint
if [[ -n ${WH_TEST_USER-} ]]; then
    mknod -m 0600 "$tmp/dev/closed" c 10 200
    unshare --mount bash -c 'mount --bind "$0" /dev/net/tun; exec "$@"' "$tmp/dev/closed" \
        timeout 20 "${user[@]}" $RUN -- touch ran 2>complaint
    expect "a closed /dev/net/tun: status" 125 $?
    expect_complaint "a closed /dev/net/tun" "/dev/net/tun.*([Pp]ermission|denied)" complaint
fi

# User namespaces forbidden: the limit of a namespace made for this, in which somebody other than root asks.
if [[ $EUID == 0 ]] && unshare --user --map-users=0,0,65536 --map-groups=0,0,65536 true 2>/dev/null; then
    cp "$WAVEHAND" "$tmp/wavehand-copy" 2>/dev/null
    mknod -m 0666 "$tmp/tun" c 10 200
    unshare --mount bash -c 'mount --bind "$0" /dev/net/tun; exec "$@"' "$tmp/tun" \
        unshare --user --map-users=0,0,65536 --map-groups=0,0,65536 bash -c '
        echo 0 >/proc/sys/user/max_user_namespaces
        exec timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups "$@"' - \
        ${RUN/#"$WAVEHAND"/"$tmp/wavehand-copy"} -- touch ran 2>complaint
    expect "user namespaces forbidden: status" 125 $?
    expect_complaint "user namespaces forbidden" "user namespace" complaint
fi
[[ ! -e ran ]] || fail "a program ran without its network"
expect_nothing_left "after all that"

# wavehand itself is killed: connections end, nothing of it stays.
start silent python3 "$here/peer.py" silent 7803
start count python3 "$here/peer.py" count 7804 counted
await_port 7803
await_port 7804
LIMIT=40 run_behind -- bash -c 'nc -N 10.0.2.2 7804 </dev/zero >/dev/null & nc 10.0.2.2 7803 </dev/zero & touch ready; sleep 30'
await 10 test -e ready
sleep 0.5
kill -KILL "$command"
wait "$behind" 2>/dev/null
expect_nothing_left "killed in the middle"
await 5 test -s counted && pass "killed in the middle: the host's side sees its connection end" ||
    fail "killed in the middle: the host's connection lives on"
expect "killed in the middle: no socket left" "" "$(ss -Htn state established '( dport = :7803 or dport = :7804 )')"
finish

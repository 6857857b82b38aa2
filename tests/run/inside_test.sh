#!/bin/bash
# SPDX-License-Identifier: MIT
# What a program finds inside: addresses, names, its own user, its own processes, no more than that.
. "$(dirname "$0")/lib.sh"
needs ping nc curl

has() { run -- ip -o address show 2>/dev/null; }
addresses=$(has)
expect_match "IPv4 address" "10\.0\.2\.100/24" "$addresses"
expect_match "IPv6 address" "fd00::100/64" "$addresses"
expect_match "loopback is up" "127\.0\.0\.1/8" "$addresses"
expect "loopback answers" 0 "$(run -- ping -q -c 1 -W 2 127.0.0.1 >/dev/null; echo $?)"
expect_match "IPv4 route" "default via 10\.0\.2\.2" "$(run -- ip route)"
expect_match "IPv6 route" "default via fd00::2" "$(run -- ip -6 route)"
expect_match "MTU by default" "mtu 65520" "$(run -- ip -o link show)"
expect_match "--mtu 1500" "mtu 1500" "$(run --mtu 1500 -- ip -o link show)"
expect "two devices: lo and ours" 2 "$(run -- ip -o link show | wc -l)"

expect "its own user" "$("${user[@]}" id -u):$("${user[@]}" id -g)" "$(run -- sh -c 'echo $(id -u):$(id -g)')"
expect "--root maps it to root" 0 "$(run --root -- id -u)"
if [[ -n ${WH_TEST_USER-} ]]; then
    expect "no capabilities" "0000000000000000" "$(run -- awk '/^CapEff/ {print $2}' /proc/self/status)"
fi
expect "low ports may be bound" "low" "$(run -- bash -c 'echo low | nc -N -l 127.0.0.1 80 & sleep 0.3
    nc -N 127.0.0.1 80 </dev/null; wait')"
expect_number "processes of its own: few are seen" -le 4 "$(run -- sh -c 'ls -d /proc/[0-9]* | wc -l')"

# Standard streams, arguments, environment, directory: the program's, untouched.
expect "standard input and output" "$(noise 300000 7 | digest)" "$(noise 300000 7 | run -- cat | digest)"
expect "standard error, and nothing else on it" "said" "$(run -- sh -c 'echo said >&2' 2>&1)"
expect "arguments" "a b||-x|--|*" "$(run -- printf '%s|%s|%s|%s|%s' 'a b' '' -x -- '*')"
expect "environment" "kept" "$(KEEP=kept run -- sh -c 'echo $KEEP')"
expect "working directory" "$PWD" "$(run -- pwd)"
expect "files it opened are its own" "$(id -u):0" "$(run -- sh -c 'echo data >written' && stat -c %u:%a written |
    sed "s/^$("${user[@]}" id -u):.*/$(id -u):0/")"

# The host's loopback, which the gateway stands for, and how to close that door.
start answer python3 "$here/peer.py" answer 7601 hello
await_port 7601
expect "the gateway is the host's loopback" hello "$(run -- nc -N 10.0.2.2 7601 </dev/null)"
expect "127.0.0.1 inside is not the host's" 1 "$(run -- nc -N 127.0.0.1 7601 </dev/null >/dev/null 2>&1; echo $?)"
expect "--no-host-loopback" 1 "$(run --no-host-loopback -- nc -N -w 3 10.0.2.2 7601 </dev/null >/dev/null 2>&1; echo $?)"
expect "--no-host-loopback, IPv6" 1 "$(run --no-host-loopback -- nc -N -w 3 fd00::2 7601 </dev/null >/dev/null 2>&1; echo $?)"
finish

#!/bin/bash
# SPDX-License-Identifier: MIT
# UDP, names and ping: a resolver on the host where systemd-resolved would be, and an echo service.
. "$(dirname "$0")/lib.sh"
needs ping getent

# The host's resolver is a stub on its loopback, which only wavehand can reach.
echo "nameserver 127.0.0.53" >"$tmp/resolv.conf"
mount --bind "$tmp/resolv.conf" "$(readlink -f /etc/resolv.conf)" || skip "cannot mount over resolv.conf"
start resolver python3 "$here/peer.py" resolver 53 127.0.0.53
start echo python3 "$here/peer.py" udp-echo 7501
await_port 53 u
await_port 7501 u

expect "resolv.conf inside names 10.0.2.3" "10.0.2.3" \
    "$(run -- awk '/^nameserver/ {print $2; exit}' /etc/resolv.conf)"
expect "a name through libc's resolver" "192.0.2.7" \
    "$(run -- getent ahostsv4 one.example | awk '{print $1; exit}')"
cat >ask.py <<'END'
import socket, struct, sys
query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\3one\7example\0" + struct.pack(">HH", 1, 1)
for family, address in ((socket.AF_INET, "10.0.2.3"), (socket.AF_INET6, "fd00::3")):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.sendto(query, (address, 53))
    data, source = s.recvfrom(1500)
    print("udp", source[0], socket.inet_ntoa(data[-4:]))
    t = socket.create_connection((address, 53), 5)
    t.sendall(struct.pack(">H", len(query)) + query)
    print("tcp", address, socket.inet_ntoa(t.makefile("rb").read()[-4:]))
END
expect "DNS over UDP and TCP, IPv4 and IPv6" "udp 10.0.2.3 192.0.2.7
tcp 10.0.2.3 192.0.2.7
udp fd00::3 192.0.2.7
tcp fd00::3 192.0.2.7" "$(run -- python3 ask.py 2>&1)"

cat >echo.py <<'END'
import os, socket, sys
good = 0
for family, address in ((socket.AF_INET, "10.0.2.2"), (socket.AF_INET6, "fd00::2")):
    flows = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(100)]
    for i, s in enumerate(flows):
        s.settimeout(5)
        s.sendto(b"flow %d" % i, (address, 7501))
    for i, s in enumerate(flows):
        data, source = s.recvfrom(100)
        good += data == b"flow %d" % i and source[:2] == (address, 7501)
    for length in (0, 1, 1400, 9000, 60000):
        data = os.urandom(length)
        flows[0].sendto(data, (address, 7501))
        good += flows[0].recv(65536) == data
print(good)
END
expect "200 flows, datagrams of 0 to 60000 bytes" 210 "$(run -- python3 echo.py 2>&1)"

received() { grep -o '[0-9]* received' <<<"$1"; }
expect "ping the gateway" "3 received" "$(received "$(run -- ping -c 3 -i 0.2 -W 3 10.0.2.2 2>&1)")"
expect "ping the gateway, IPv6" "3 received" "$(received "$(run -- ping -c 3 -i 0.2 -W 3 fd00::2 2>&1)")"
expect "ping with much to carry" "2 received" "$(received "$(run -- ping -c 2 -i 0.2 -W 3 -s 5000 10.0.2.2 2>&1)")"
finish

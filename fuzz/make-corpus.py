#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds that the fuzz targets start from: make-corpus.py DIRECTORY

DIRECTORY/parse holds packets as they are on the wire; DIRECTORY/frames holds
strings of decisions for frames_fuzz.c, put together by the functions below, which
mirror that file and peer.c. DIRECTORY/parse.list and frames.list name them all, for
libFuzzer's -seed_inputs, which unlike a corpus directory is not written to; captures.list does so for
DIRECTORY/captures, files that capture_fuzz.c reads.
"""
import os
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests/explain"))
from scene import Scene  # noqa: E402

SCENES = ROOT / "tests/explain/scenes"

# --------------------------------------------------------------------- frames

SERVE = 0xE0  # afterwards: output, events, give back
QUIET = 0x00
V4 = 1
IPV4_80, IPV6_80, IPV4_HELD = 0x05, 0x04, 0x01
ACK, PSH, FIN, RST, SYN_ACK, SYN, URG, RST_ACK = range(8)
NO_TIMESTAMPS = 0x40
B0, B1, B2, B100, B536, B1448 = 0x00, 0x18, 0x20, 0x28, 0x30, 0x38


def begin(how=0x10):
    return bytes([how])


def frame(how=0):
    """How a frame comes in: in the caller's memory, or the stack's (1), verified (2), as a super-segment (4)."""
    return bytes([how])


def syn(how, options=0x0F, mss=1460, scale=7, serve=SERVE):
    return bytes([serve | 6, how, 0, options]) + mss.to_bytes(2, "big") + bytes([scale]) + frame()


def segment(flags, length=B0, flow=0, seq=0x00, ack=0x00, window=0xFF, serve=SERVE, how=0, raw=None):
    which = flow | (0x10 if raw is not None else 0)
    body = bytes([serve | 1, which, flags | length, window])
    body += bytes([seq]) + bytes([ack])
    if flags == URG:
        body += bytes([1])
    if raw is not None:
        body += bytes([len(raw)]) + raw
    return body + frame(how)


def call(kind, handle=0, argument=None, serve=SERVE):
    which = kind << 4 | handle
    return bytes([serve | 10, which]) + (bytes([argument]) if argument is not None else b"")


def send(argument, handle=0):
    return call(0, handle, argument)


def receive(argument, handle=0):
    return call(4, handle, argument)


def shutdown(handle=0):
    return call(7, handle)


def close(handle=0):
    return call(10, handle)


def abort(handle=0):
    return call(12, handle)


def held(which, serve=SERVE):
    return bytes([serve | 12, which])


def connect(how=0x01):
    return bytes([SERVE | 13, how])


def wait(how=0x80):
    return bytes([SERVE | 9, how])


def datagram(how, data=b"hello"):
    return bytes([SERVE | 7, how, len(data)]) + data + (b"" if how & 8 or not how & 4 else b"\0\0") + frame()


def icmp_error(which, mtu=1280, cut=28):
    return bytes([SERVE | 8, which, 0]) + mtu.to_bytes(2, "big") + bytes([cut]) + frame()


def raw(data):
    return bytes([SERVE | 0, 1, len(data)]) + data + frame()


def listener(how):
    return bytes([SERVE | 15, how])


def answer(how=0, more=b""):
    """A neighbour's answer: from another (1), to another (2), another station (4), a question (8)."""
    return bytes([SERVE | 15, 1, how]) + more + frame()


def refuse_memory(times):
    return bytes([(times & 7) << 5 | 0x10 | 15])


OPEN4 = syn(IPV4_80) + segment(ACK)
OPEN6 = syn(IPV6_80) + segment(ACK)
ETHERNET = 0x50
OPEN_ACTIVE = connect() + segment(SYN_ACK)

FRAMES = {
    "passive-and-their-close": begin() + OPEN4 + segment(FIN) + receive(0xFE) + close() + segment(ACK),
    "passive-and-our-close": begin() + OPEN6 + shutdown() + segment(ACK) + segment(FIN) + wait() + wait(44 - 7),
    "active": begin() + OPEN_ACTIVE + send(0x3E) + segment(ACK) + segment(PSH, B100) + receive(0xFF) + close()
    + segment(FIN) + wait(),
    "active-refused": begin() + connect() + segment(RST_ACK),
    "simultaneous-open": begin() + connect() + segment(SYN) + segment(ACK),
    "simultaneous-close": begin() + OPEN_ACTIVE + close() + segment(FIN, ack=0x9F) + segment(ACK) + wait(),
    # the ACK of a handshake lacks the timestamps that both SYNs had
    "timestamps-missing": begin() + syn(IPV4_80) + segment(FIN | NO_TIMESTAMPS, B100) + wait() + segment(ACK),
    "held": begin() + syn(IPV4_HELD) + held(0) + segment(ACK) + send(0x3F) + segment(ACK) + close(),
    "held-refused": begin() + syn(IPV4_HELD) + held(0x80) + syn(IPV4_HELD | 16) + held(0x90),
    "held-withdrawn": begin() + syn(IPV4_HELD) + segment(RST) + syn(IPV4_HELD | 32) + wait(37),
    "time-wait-reopened": begin() + OPEN4 + close() + segment(ACK) + segment(FIN) + syn(IPV4_80) + segment(ACK),
    "reset": begin() + OPEN4 + segment(PSH, B536) + wait() + segment(RST) + receive(0x10) + close(),
    "abort": begin() + OPEN4 + send(0x3E) + abort(),
    "out-of-order": begin() + OPEN4 + segment(PSH, B1448, seq=0xA1) + segment(PSH, B1) + receive(0xF1)
    + segment(PSH, B1448, seq=0xA1) + segment(PSH, B1448) + receive(0xF1),
    "retransmit": begin() + OPEN4 + send(0x3E) + wait() + wait() + wait() + segment(ACK) + wait(),
    "lost-and-sacked": begin() + OPEN4 + send(0x3E) + send(0x3E) + segment(ACK, ack=0xF7) + bytes(4) + wait(),
    "zero-window": begin() + OPEN4 + segment(ACK, window=0) + send(0x3E) + wait() + wait() + segment(ACK) + wait(),
    "super-segments": begin(0x1C) + OPEN4 + send(0x3E) + send(0x3E) + segment(ACK) + segment(PSH, B1448, how=5)
    + receive(0xF3),
    "urgent": begin() + OPEN4 + segment(URG, B2) + receive(0x01) + send(0x84),
    "options": begin() + OPEN4 + segment(PSH, B1, raw=bytes([5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 3, 3]))
    + segment(PSH, B1, raw=bytes([77, 1, 0, 0])),
    "icmp": begin() + OPEN4 + send(0x3E) + icmp_error(0x40) + icmp_error(0x10) + connect() + icmp_error(0x31),
    "datagrams": begin() + datagram(1) + datagram(0) + datagram(13) + datagram(12) + datagram(15) + datagram(5),
    "short-of-memory": begin(0x11) + OPEN4 + refuse_memory(3) + send(0x3E) + segment(PSH, B1448) + refuse_memory(7)
    + syn(IPV6_80) + connect(),
    "listener-closed": begin() + syn(IPV4_80, serve=QUIET) + listener(2) + segment(ACK) + listener(0) + OPEN6,
    "many": begin(0x20) + b"".join(syn(IPV4_80 | i << 4) for i in range(9))
    + b"".join(segment(ACK, flow=i) for i in range(8)) + b"".join(segment(FIN, flow=i) for i in range(8)) + wait(),
    "ethernet4": begin(ETHERNET) + connect(0x01) + answer() + segment(SYN_ACK) + send(0x3E) + segment(ACK) + close()
    + segment(FIN) + wait(),
    "ethernet6": begin(ETHERNET) + connect(0x00) + answer() + segment(SYN_ACK) + send(0x3E) + wait(35) + send(0x3E)
    + wait() + answer() + segment(ACK),
    "ethernet-asked": begin(ETHERNET) + connect(0x01) + answer(9, b"d") + answer(4, b"7") + syn(IPV4_80) + segment(ACK),
    "ethernet-unanswered": begin(ETHERNET) + syn(IPV6_80) + connect(0x00) + wait() + wait() + wait() + wait(33),
    "keepalive": begin() + OPEN4 + call(13, 0, 1 << 5 | 7) + wait() + wait() + segment(ACK) + wait(),
}

# ---------------------------------------------------------------------- parse

V4_HEADER = bytes.fromhex("4500001c0000400040110000 0a000001 0a000002")
TCP = bytes.fromhex("0050c00101020304a1a2a3a4a012faf012340007 020405b40402080a1122334455667788 01030307 5a")
UDP = bytes.fromhex("000100020009aad641")
ADDRESSES = bytes.fromhex("fd000000000000000000000000000001fd000000000000000000000000000002")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def v4(protocol, payload, options=b""):
    header = bytearray(V4_HEADER + options)
    header[0] = 0x40 | len(header) // 4
    header[2:4] = (len(header) + len(payload)).to_bytes(2, "big")
    header[9] = protocol
    header[10:12] = checksum(bytes(header))
    return bytes(header) + payload


def v6(next_header, payload):
    return b"\x60\0\0\0" + len(payload).to_bytes(2, "big") + bytes([next_header, 255]) + ADDRESSES + payload


CHAIN = bytes.fromhex("3c00010400000000 2b00010400000000 2c00000000000000 0600000012345678")
SOLICITATION = bytes.fromhex("8700000000000000") + ADDRESSES[:16] + bytes.fromhex("0101020000000001")
ARP = bytes.fromhex("0001080006040001 020000000001 0a000001 000000000000 0a000002")

PARSE = {
    "tcp4": v4(6, TCP),
    "tcp6": v6(6, TCP),
    "tcp6-chain": v6(0, CHAIN + TCP),
    "ip4-options": v4(6, TCP, bytes.fromhex("94040000 01010100")),
    "udp4": v4(17, UDP),
    "udp6": v6(17, UDP),
    "unreachable4": v4(1, b"\3\3\0\0\0\0\0\0" + v4(6, TCP)),
    "too-big4": v4(1, b"\3\4\0\0\0\0\5\0" + v4(6, TCP)),
    "too-big6": v6(58, b"\2\0\0\0\0\0\5\0" + v6(6, TCP)),
    "echo4": v4(1, b"\x08\0\0\0\0\1\0\2ping"),
    "echo6": v6(58, b"\x80\0\0\0\0\1\0\2ping"),
    "solicitation": v6(58, SOLICITATION),
    "segment": TCP,
    "arp": ARP,
    "ethernet4": bytes.fromhex("020000000001 020000000002 0800") + v4(6, TCP),
    "ethernet6": bytes.fromhex("020000000001 020000000002 86dd") + v6(6, TCP),
    "text4": b"10.0.2.100",
    "text6": b"2001:db8::1:1.2.3.4",
}


def captures(folder):
    """Scenes of explain's tests, and one packet in a classic file."""
    seeds = []
    for name in ("closed-four-way", "zero-window-stall", "unreachable", "paws-drop", "reset-injected", "half-open-client"):
        seeds += Scene(SCENES / f"{name}.scene").write(folder, name)
    packet = v4(6, TCP)
    classic = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + struct.pack("<IIII", 1800000000, 0, len(packet), len(packet)) + packet
    seeds.append(os.path.join(folder, "classic"))
    with open(seeds[-1], "wb") as file:
        file.write(classic)
    return seeds


def main():
    root = sys.argv[1]
    folder = os.path.join(root, "captures")
    os.makedirs(folder, exist_ok=True)
    with open(folder + ".list", "w") as file:
        file.write(",".join(captures(folder)))
    for name, seeds in (("frames", FRAMES), ("parse", PARSE)):
        folder = os.path.join(root, name)
        os.makedirs(folder, exist_ok=True)
        for seed, data in seeds.items():
            with open(os.path.join(folder, seed), "wb") as file:
                file.write(data)
        with open(folder + ".list", "w") as file:
            file.write(",".join(os.path.join(folder, seed) for seed in seeds))


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a scene, told a segment a line, as capture files.

    scene.py FILE.scene DIRECTORY        prints the names of the files it wrote

    # a comment
    verdict refused certain              what `wavehand explain` must say (scenes_test.py)
    at server                            which end the capture was taken at: its packets are marked
                                         as outgoing, the others as incoming; "at both" writes two
                                         files, of which "lost" segments reach the sender's only
    address 10.0.0.1:40000 10.0.0.2:80   the two ends, unless other ones are given
    0.000 client SYN seq 0 mss 1460 ws 7 sackok ts 1 0
    0.030 server SYN+ACK seq 0 ack 1 mss 1460
    0.031 client ACK seq 1 ack 1 len 100 win 512 ttl 60 id 7
    0.040 server icmp host-unreachable quoting client seq 0
    0.050 server ACK seq 1 ack 101 lost  never reaches the other end
    0.000 client SYN seq 0 sackok ... strip sackok   the other end's capture has NOPs in its place
    repeat 5 every 0.010 0.000 client ...            the same line five times; "step N" before it adds N to
                                         the port asked for each time, "hosts" takes another client each time

Numbers are relative to the ends' first numbers; `isn N` on a SYN begins a new connection of the same
ends. A word that is not understood is an error with its line.
"""
import ipaddress
import struct
import sys
from pathlib import Path

FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}
ICMP = {"net-unreachable": (3, 0), "host-unreachable": (3, 1), "port-unreachable": (3, 3), "too-big": (3, 4),
        "prohibited": (3, 13), "time-exceeded": (11, 0)}
START = 1_800_000_000
ONE_WAY = 0.015  # seconds between the captures of a scene "at both"


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip_packet(source, destination, protocol, payload, ttl, ident):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, 0x4000, ttl, protocol, 0,
                       source.packed, destination.packed)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


class Segment:
    """One line of a scene."""

    def __init__(self, words):
        self.when = float(words.pop(0))
        self.side = words.pop(0)
        if self.side not in ("client", "server"):
            raise ValueError(f"'client' or 'server' ought to stand in place of '{self.side}'")
        self.kind = words.pop(0)
        self.icmp, self.quoting = None, None
        if self.kind == "icmp":
            self.icmp = ICMP[words.pop(0)]
        self.seq = self.ack = self.len = self.isn = 0
        self.win, self.ttl, self.id, self.mtu = 500, 64, None, 0
        self.options, self.lost, self.port, self.host, self.strip = [], False, 0, 0, None
        self.read(words)

    def read(self, words):
        """The fields after the flags."""
        options = {"mss": (2, ">H"), "ws": (3, ">B")}
        while words:
            word = words.pop(0)
            if word in ("seq", "ack", "len", "win", "ttl", "id", "isn", "mtu"):
                setattr(self, word, int(words.pop(0)))
            elif word in options:
                kind, form = options[word]
                body = struct.pack(form, int(words.pop(0)))
                self.options.append(bytes([kind, 2 + len(body)]) + body)
            elif word == "sackok":
                self.options.append(b"\x04\x02")
            elif word == "nop":
                self.options.append(b"\x01")
            elif word == "ts":
                self.options.append(b"\x08\x0a" + struct.pack(">II", int(words.pop(0)), int(words.pop(0))))
            elif word == "sack":
                self.options.append(("sack", int(words.pop(0)), int(words.pop(0))))
            elif word == "quoting":
                self.quoting = words.pop(0)
            elif word == "strip":
                self.strip = {"sackok": 4, "ws": 3}[words.pop(0)]
            elif word == "lost":
                self.lost = True
            else:
                raise ValueError(f"'{word}' is no field")


class Scene:
    def __init__(self, path):
        self.verdict, self.confidence, self.place = None, None, "middle"
        self.ends = {"client": (ipaddress.ip_address("10.0.0.1"), 40000),
                     "server": (ipaddress.ip_address("10.0.0.2"), 80)}
        self.segments = []
        self.until = 0.0
        for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
            words = line.split("#")[0].split()
            try:
                if words:
                    self.take(words)
            except (ValueError, KeyError, IndexError) as error:
                raise SystemExit(f"{path}:{number}: {error}") from error
        self.segments.sort(key=lambda segment: segment.when)

    def take(self, words):
        if words[0] == "verdict":
            self.verdict, self.confidence = words[1], " ".join(words[2:])
        elif words[0] == "at":
            self.place = words[1]
        elif words[0] == "until":
            self.until = float(words[1])
        elif words[0] == "address":
            for side, word in zip(("client", "server"), words[1:]):
                address, port = word.rsplit(":", 1)
                self.ends[side] = (ipaddress.ip_address(address), int(port))
        elif words[0] == "repeat":
            times, every = int(words[1]), float(words[3])
            step, hosts = 0, 0
            rest = words[4:]
            if rest[0] == "step":
                step, rest = int(rest[1]), rest[2:]
            elif rest[0] == "hosts":
                hosts, rest = 1, rest[1:]
            for turn in range(times):
                segment = Segment(list(rest))
                segment.when += turn * every
                segment.port = turn * step
                segment.host = turn * hosts
                self.segments.append(segment)
        else:
            self.segments.append(Segment(list(words)))

    # ---- frames ----

    def packets(self, place):
        """Yields (segment, bytes of the IP packet) as they are at this place."""
        isn = {"client": 1_000_000, "server": 4_294_960_000}
        ident = {"client": 100, "server": 5000}
        for segment in self.segments:
            side, peer = segment.side, "server" if segment.side == "client" else "client"
            if segment.isn:
                isn[side] = segment.isn
            ident[side] += 1
            if segment.icmp is None:
                yield segment, self.tcp(segment, side, peer, isn, ident, segment.side != place)
            else:
                yield segment, self.icmp(segment, isn)

    def tcp(self, segment, side, peer, isn, ident, far):
        flags = sum(FLAGS[flag] for flag in segment.kind.split("+") if flag != "none")
        options = b""
        for option in segment.options:
            if isinstance(option, tuple):
                option = b"\x05\x0a" + struct.pack(">II", *((isn[peer] + edge) & 0xffffffff for edge in option[1:]))
            stripped = far and segment.strip is not None and option[0] == segment.strip
            options += b"\x01" * len(option) if stripped else option
        options += b"\x01" * (-len(options) % 4)
        (source, sport), (destination, dport) = self.ends[side], self.ends[peer]
        if side == "client":
            source, dport = source + segment.host, dport + segment.port
        ack = (isn[peer] + segment.ack) & 0xffffffff if flags & 16 else 0
        head = struct.pack(">HHIIBBHHH", sport, dport, (isn[side] + segment.seq) & 0xffffffff, ack,
                           (20 + len(options)) << 2, flags, segment.win, 0, 0)
        body = head + options + bytes(segment.len)
        pseudo = source.packed + destination.packed + struct.pack(">BBH", 0, 6, len(body))
        body = body[:16] + struct.pack(">H", checksum(pseudo + body)) + body[18:]
        return ip_packet(source, destination, 6, body, segment.ttl, segment.id if segment.id is not None else ident[side])

    def icmp(self, segment, isn):
        side = segment.quoting
        peer = "server" if side == "client" else "client"
        (source, sport), (destination, dport) = self.ends[side], self.ends[peer]
        quoted = ip_packet(source, destination, 6,
                           struct.pack(">HHI", sport, dport, (isn[side] + segment.seq) & 0xffffffff), 60, 1)
        body = struct.pack(">BBHHH", *segment.icmp, 0, 0, segment.mtu) + quoted
        body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
        router = ipaddress.ip_address("10.0.0.254") if segment.side != side else self.ends[segment.side][0]
        return ip_packet(router, source, 1, body, 64, 9)

    def write(self, directory, name):
        """Writes the capture, or the two; returns their paths."""
        places = ["client", "server"] if self.place == "both" else [self.place]
        paths = []
        for place in places:
            path = Path(directory) / (f"{name}-{place}.pcapng" if len(places) > 1 else f"{name}.pcapng")
            with open(path, "wb") as out:
                self.write_one(out, place, len(places) > 1)
            paths.append(str(path))
        return paths

    def write_one(self, out, place, both):
        block(out, 0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
        block(out, 1, struct.pack("<HHI", 101, 0, 0) + struct.pack("<HHBxxx", 9, 1, 9) + bytes(4))  # raw IP, nanoseconds
        frames = []
        for segment, packet in self.packets(place):
            mine = segment.side == place
            if both and segment.lost and not mine:
                continue
            when = segment.when + (ONE_WAY if both and not mine else 0)
            frames.append((when, mine, packet))
        if self.until:
            other = ip_packet(ipaddress.ip_address("10.9.9.9"), ipaddress.ip_address("10.9.9.8"), 17, bytes(8), 64, 1)
            frames.append((self.until, None, other))
        for when, mine, packet in sorted(frames, key=lambda frame: frame[0]):
            nanoseconds = START * 10**9 + round(when * 10**9)
            options = b""
            if place != "middle" and mine is not None:
                options = struct.pack("<HHI", 2, 4, 2 if mine else 1) + bytes(4)
            body = struct.pack("<IIIII", 0, nanoseconds >> 32, nanoseconds & 0xffffffff, len(packet), len(packet))
            block(out, 6, body + packet + bytes(-len(packet) % 4) + options)


def block(out, kind, body):
    length = 12 + len(body)
    out.write(struct.pack("<II", kind, length) + body + struct.pack("<I", length))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: scene.py FILE.scene DIRECTORY")
    for made in Scene(sys.argv[1]).write(sys.argv[2], Path(sys.argv[1]).stem):
        print(made)

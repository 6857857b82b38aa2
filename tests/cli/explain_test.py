#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`wavehand explain` as a command: options, filters, exit statuses, bad input.

    explain_test.py WAVEHAND
"""
import gzip
import json
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
EXPLAIN = Path(__file__).resolve().parent.parent / "explain"
sys.path.insert(0, str(EXPLAIN))
from scene import Scene  # noqa: E402

WAVEHAND, SCENES = sys.argv[1], EXPLAIN / "scenes"


def explain(*arguments, stdin=b"", status=0):
    run = subprocess.run([WAVEHAND, "explain", *map(str, arguments)], input=stdin, capture_output=True, timeout=100, check=False,
                         env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    out, complaint = run.stdout.decode(), run.stderr.decode()
    assert run.returncode == status, f"exit status {run.returncode}, not {status}: {complaint}"
    return out, complaint


def objects(*arguments, **more):
    return [json.loads(line) for line in explain("--json", *arguments, **more)[0].splitlines()]


def connections(*arguments, **more):
    return [thing for thing in objects(*arguments, **more) if thing["type"] == "connection"]


def scene(directory, name):
    return Scene(SCENES / f"{name}.scene").write(directory, name)[0]


def classic(packets, swapped=False, nanoseconds=False):
    """A classic file of these (seconds, fraction, IP packet)."""
    order = ">" if swapped else "<"
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 101)]
    for seconds, fraction, packet in packets:
        parts += [struct.pack(order + "IIII", seconds, fraction, len(packet), len(packet)), packet]
    return b"".join(parts)


def syn(number):
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, number & 0xFFFF, 0x4000, 64, 6, 0, 0x0B000000 + number, 0x0A000001)
    return ip + struct.pack(">HHIIBBHHH", 1024 + number % 60000, 80, number, 0, 0x50, 2, 512, 0, 0)


# ---------------------------------------------------------------------------------- tests

def usage_is_told(_):
    for wrong in ([], ["--frobnicate", "x"], ["--limit", "x", "y"], ["--verdict", "nonsense", "x"], ["--address", "10.0.0", "x"], ["--address", "10.0.0.1/33", "x"],
                  ["--memory", "12", "x"], ["-i", "lo", "x"], ["--follow", "x"], ["--port", "0", "x"], ["--width", "10", "x"]):
        _, complaint = explain(*wrong, status=2)
        assert complaint.startswith("wavehand explain: ") and complaint.count("\n") == 1, complaint
    assert "Usage:" in explain("--help")[0]
    assert "closed-four-way" in explain("--verdict", "help")[0]


def files_that_cannot_be_read_are_told(directory):
    assert "No such file" in explain("/nonexistent", status=1)[1]
    path = Path(directory) / "text"
    path.write_text("this is no capture at all, but a sentence")
    assert "neither pcap nor pcapng" in explain(path, status=1)[1]
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(60))
    assert "zstd -dc" in explain(path, status=1)[1]
    path.write_bytes(b"")
    assert "cannot read" in explain(path, status=1)[1]


def what_is_whole_of_a_damaged_file_is_explained(directory):
    whole = Path(scene(directory, "refused")).read_bytes()
    for cut in range(len(whole) - 200, len(whole), 7):
        run = subprocess.run([WAVEHAND, "explain", "--json", "-"], input=whole[:cut], capture_output=True, timeout=60, check=False)
        assert run.returncode in (0, 1), f"cut at {cut}: {run.returncode}"
        assert json.loads(run.stdout.decode().splitlines()[0])["type"] == "summary"
    out, complaint = explain("-", stdin=whole[:-3], status=1)
    assert "after frame 1" in complaint and "1 packets" in out, complaint


def every_form_of_file_is_read(directory):
    packets = [(1800000000, 5, syn(1)), (1800000010, 0, syn(2))]
    for swapped in (False, True):
        for nanoseconds in (False, True):
            told = objects("-", stdin=classic(packets, swapped, nanoseconds))
            assert told[0]["packets"] == 2 and told[0]["connections"] == 2, told[0]
            assert told[0]["began"].endswith("00.000000005Z" if nanoseconds else "00.000005000Z"), told[0]["began"]
    plain = Path(scene(directory, "refused")).read_bytes()
    assert connections("-", stdin=gzip.compress(plain))[0]["verdict"]["name"] == "refused"
    half = len(plain) // 2
    two = gzip.compress(plain[:half]) + gzip.compress(plain[half:])
    assert connections("-", stdin=two)[0]["verdict"]["name"] == "refused", "two members"
    assert "cut short" in explain("-", stdin=gzip.compress(plain)[:-30], status=1)[1]
    packed = bytearray(gzip.compress(plain))
    packed[len(packed) // 2] ^= 0xFF
    explain("-", stdin=bytes(packed), status=1)
    assert zlib.ZLIB_VERSION


def filters_narrow(directory):
    path = Path(directory) / "two.pcapng"
    first, second = Scene(SCENES / "refused.scene"), Scene(SCENES / "closed-four-way.scene")
    second.ends["client"] = (type(second.ends["client"][0])("10.0.9.7"), 41000)
    path.write_bytes(Path(first.write(directory, "a")[0]).read_bytes() + Path(second.write(directory, "b")[0]).read_bytes())
    assert len(connections(path)) == 2
    for narrow, name in ((["--port", 41000], "closed-four-way"), (["--address", "10.0.9.0/24"], "closed-four-way"), (["--verdict", "refused"], "refused"),
                         (["--connection", 1], "refused"), (["--address", "10.0.0.1", "--port", 40000], "refused")):
        found = [thing["verdict"]["name"] for thing in connections(*narrow, path)]
        assert found == [name], f"{narrow}: {found}"
    out, _ = explain(path)
    assert "#1 " in out and "#2 " not in out, "clean ones are not told in detail"
    assert "#2 10.0.9.7:41000" in explain("--all", path)[0]
    explain("--strict", path, status=3)
    explain("--strict", "--connection", 2, path)


def ladders_are_as_asked(directory):
    path = scene(directory, "closed-four-way")
    assert explain("--all", "--ascii", path)[0].isascii()
    out, _ = explain("--all", "--width", 120, path)
    assert "\u2192 ESTABLISHED" in out, "wide rails show both states"
    assert "\033" not in out
    assert "ladder" not in connections(path)[0] and len(connections("--ladder", path)[0]["ladder"]) > 8


def millions_of_openings_are_borne(_):
    data = classic([(1800000000 + n // 20000, n % 1000000, syn(n)) for n in range(200000)])
    out, _ = explain("--memory", "32mb", "-", stdin=data)
    assert "syn-flood" in out and "the memory limit" in out, out


def absurd_times_are_counted(_):
    packets = [(1800000000, 0, syn(1)), (5, 0, syn(2)), (4294967295, 999999, syn(3)), (0, 4294967295, syn(4))]
    assert objects("-", stdin=classic(packets))[0]["clock_jumps"] >= 2


def several_links_in_one_file(directory):
    """Two interfaces of different kinds in one pcapng, and one that is not understood."""
    def block(kind, body):
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

    def packet(interface, frame):
        return block(6, struct.pack("<IIIII", interface, 0, 0, len(frame), len(frame)) + frame + bytes(-len(frame) % 4))
    data = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    for link in (101, 1, 105):
        data += block(1, struct.pack("<HHI", link, 0, 0))
    data += packet(0, syn(1)) + packet(1, bytes(12) + b"\x81\x00\x00\x05\x08\x00" + syn(2)) + packet(2, bytes(40))
    path = Path(directory) / "links.pcapng"
    path.write_bytes(data)
    out, complaint = explain("--json", path)
    summary = json.loads(out.splitlines()[0])
    assert summary["packets"] == 3 and summary["segments"] == 2, summary
    assert "IEEE802_11" in complaint, complaint


TESTS = [usage_is_told, files_that_cannot_be_read_are_told, what_is_whole_of_a_damaged_file_is_explained, every_form_of_file_is_read, filters_narrow,
         ladders_are_as_asked, millions_of_openings_are_borne, absurd_times_are_counted, several_links_in_one_file]


def main():
    failed = 0
    for number, test in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as directory:
            try:
                test(directory)
                print(f"ok {number} {test.__name__}")
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} {test.__name__}\n# {error}")
    print(f"1..{len(TESTS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

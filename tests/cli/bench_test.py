#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`wavehand bench --json`: lines of the form that bench/run and others read. What they say of speed is no test."""
import json
import subprocess
import sys

ROWS = ["bulk_1500", "bulk_9000", "bulk_super", "lifecycle_1", "lifecycle_100", "lifecycle_tw_10k", "round_trips"]
UNITS = {"bulk": "Gbit/s", "lifecycle": "1/s", "round": "1/s"}


def run(*options):
    return subprocess.run([sys.argv[1], "bench", *options], stdout=subprocess.PIPE, text=True, check=True).stdout


def check(line, name):
    row = json.loads(line)
    expected = {"name", "unit", "median", "least", "most", "rounds", "notes", "checksum"}
    assert set(row) == expected, (row, expected)
    assert row["name"] == f"core.{name}.wavehand", row
    assert row["unit"] == UNITS[name.split("_")[0]], row
    assert len(row["rounds"]) == 2 and all(value > 0 for value in row["rounds"]), row
    assert row["least"] == min(row["rounds"]) and row["most"] == max(row["rounds"]), row
    assert row["least"] <= row["median"] <= row["most"], row
    if name == "lifecycle_tw_10k":
        assert 8000 <= row["notes"]["time_wait"] <= 12000, row
    if name == "lifecycle_1":
        assert row["notes"]["time_wait"] < 10, row


def check_point(line):
    point = json.loads(line)
    expected = {"growth", "x", "x_unit", "median", "least", "most", "unit", "notes", "who"}
    assert set(point) == expected, (point, expected)
    assert point["growth"] == "lifecycle_in_flight" and point["x_unit"] == "connections", point
    assert isinstance(point["x"], int) and point["least"] <= point["median"] <= point["most"], point
    return point["x"]


def main():
    lines = run("--quick", "--json", "--rounds", "2", "--seconds", "0.002", "--only", ",".join(ROWS)).splitlines()
    assert len(lines) == len(ROWS), lines
    for line, name in zip(lines, ROWS):
        check(line, name)
    lines = run("--growth", "--quick", "--rounds", "1", "--seconds", "0.001", "--only", "lifecycle_in_flight")
    x = [check_point(line) for line in lines.splitlines()]
    assert x == sorted(set(x)) and len(x) > 4 and max(x) >= 1000 * min(x), x


main()

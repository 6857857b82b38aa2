# SPDX-License-Identifier: MIT
"""Figures of a run: collected round by round, told as medians beside the peers' of the same run."""
import os
import platform
import statistics
import sys

OURS = "wavehand"
# The kinds of rows, in the order in which they are told.
PARTS = ["network", "core", "instructions"]
# Who else a row may be measured with, in the order in which they are told.
WHO = [OURS, "wavehand_scalar", "lwip", "gvisor", "linux_loopback", "linux_veth", "direct", "bare_relay", "pasta",
       "slirp4netns"]


class Report:
    """{"core.bulk_1500.lwip": [12.2, 12.4]} and what belongs to it."""
    def __init__(self):
        self.values = {}
        self.units = {}

    def add(self, key, value, unit):
        self.values.setdefault(key, []).append(value)
        self.units[key] = unit

    def middle(self, key):
        return statistics.median(self.values[key])

    def ordered(self):
        """Keys by part and row, rows in the order in which they first came, ours before the peers'."""
        rows = list(dict.fromkeys(row_of(key) for key in self.values))
        part = lambda key: PARTS.index(key.partition(".")[0])
        return sorted(self.values, key=lambda key: (part(key), rows.index(row_of(key)), rank(key)))

    def ratios(self, key):
        """What our figure is of each peer's."""
        row, _, who = key.rpartition(".")
        if who != OURS:
            return ""
        peers = [other for other in self.ordered() if row_of(other) == row and other != key and self.middle(other)]
        return ", ".join(f"{times(self.middle(key) / self.middle(other))} {who_of(other)}" for other in peers)

    def print(self, out=sys.stdout):
        for key in self.ordered():
            values = self.values[key]
            spread = f"({number(min(values))} to {number(max(values))})" if len(values) > 1 else ""
            line = f"{key:42} {number(self.middle(key)):>10} {self.units[key]:7} {spread:26} {self.ratios(key)}"
            print(line.rstrip(), file=out)

    def figures(self):
        return [{"name": key, "unit": self.units[key], "median": self.middle(key), "least": min(self.values[key]),
                 "most": max(self.values[key]), "rounds": self.values[key]} for key in self.ordered()]


def row_of(key):
    return key.rpartition(".")[0]


def who_of(key):
    return key.rpartition(".")[2]


def rank(key):
    who = who_of(key)
    return WHO.index(who) if who in WHO else len(WHO)


def times(ratio):
    return f"{ratio:.2f} x" if ratio < 10 else f"{ratio:.0f} x"


def number(value):
    return f"{value:.2f}" if value < 1000 else f"{value:,.0f}"


def machine():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "")
    return {"processor": model or platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load": os.getloadavg()[0]}


SAID = set()


def missing(what):
    """Names once what is left out because it is not there."""
    if what not in SAID:
        SAID.add(what)
        print(f"bench/run: without {what} (tools/install-deps bench)", file=sys.stderr)

# SPDX-License-Identifier: MIT
"""What a stack does in memory alone: `wavehand bench` beside other stacks, each on the same core.

Every program prints its figures as lines, either of JSON or of key, value and unit between tabs, and what
there is to say about them as lines that begin with "#" on its standard error.
"""
import json
import os
import shutil
import subprocess
import sys
import time

import report

# Who, what runs it, and what has to be installed for it to be built.
PEERS = [("lwip", ["bench_lwip"], "liblwip-dev"),
         ("gvisor", ["bench_gvisor"], "golang-gvisor-gvisor-dev and golang-go"),
         ("linux_loopback", ["bench_linux", "loopback"], "the build"),
         ("linux_veth", ["bench_linux", "veth"], "the build")]
SECONDS = {"quick": 0.1, "normal": 0.5}  # of a core, a figure and round
LIMIT = 3600
GRACE = 6   # seconds that a program which a quick run has begun with may take beyond its time
# Where the portable checksum makes a difference; these are measured with it, too.
SCALAR = "bulk_1500,bulk_9000"
# Of the peers; what of ours is left out, `wavehand bench --list` tells.
LEFT_OUT_OF_QUICK = ["peers' rows that take long", "more than one round"]


def core():
    """The one that `wavehand bench` takes too."""
    return min(os.sched_getaffinity(0))


def lines(command, pinned, limit=LIMIT):
    """What a program prints within so many seconds; if it failed, that is said."""
    pin = (lambda: os.sched_setaffinity(0, {core()})) if pinned else None
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=limit, check=False, preexec_fn=pin)
    for line in done.stderr.splitlines():
        if line not in report.SAID:
            report.SAID.add(line)
            print(line, file=sys.stderr)
    if done.returncode != 0:
        print(f"bench/run: {' '.join(command)} failed ({done.returncode})", file=sys.stderr)
    return done.stdout.splitlines()


def add_lines(figures, text):
    for line in text:
        if line.startswith("{"):
            row = json.loads(line)
            for value in row["rounds"]:
                figures.add(row["name"], value, row["unit"])
        elif line.count("\t") == 2:
            key, value, unit = line.split("\t")
            figures.add(key, float(value), unit)


def peers_here(args):
    found = []
    for who, command, package in PEERS:
        program = os.path.join(args.build, command[0])
        if not os.path.exists(program):
            report.missing(f"{who}, which was not built: {package} is not there")
        elif command[0] == "bench_linux" and not shutil.which("ip"):
            report.missing(f"{who}: iproute2 is not there")
        else:
            found.append((who, [program] + command[1:]))
    return found


def ours(args, rounds, *more):
    return [args.wavehand, "bench", "--json", "--rounds", str(rounds), "--seconds", str(args.in_memory_seconds), *more]


def slow_rows(args):
    """The rows of ours that --quick leaves out: (name, what it is)."""
    text = lines([args.wavehand, "bench", "--list"], False)
    return [(line.split()[0], line) for line in text if "(not with --quick)" in line or "(needs --full)" in line]


def lines_in_time(what, args, command, pinned):
    """The same; but a quick run that has no time left does not begin with it, or ends it, and notes that."""
    left = LIMIT if args.until is None else args.until - time.monotonic()
    try:
        if left > 0:
            return lines(command, pinned, left + GRACE)
    except subprocess.TimeoutExpired:
        pass
    args.late.append(f"{what} (time was up)")
    return []


def measure_round(figures, peers, long, args):
    how = [str(args.in_memory_seconds)] + (["full"] if long else [])
    ways = [("wavehand", ours(args, 1, "--quick"), False),
            ("wavehand_scalar", ours(args, 1, "--only", SCALAR, "--checksum", "scalar"), False)]
    ways += [(who, [*command, *how], True) for who, command in peers]
    for who, command, pinned in ways:
        add_lines(figures, lines_in_time(who, args, command, pinned))


def measure(figures, args):
    """
    Ours and the peers take turns, round by round. What takes peers long is measured once; rows with a million
    connections, which no peer has, are set up once for all rounds.
    """
    args.in_memory_seconds = SECONDS["quick" if args.quick else "normal"]
    peers = peers_here(args)
    for number in range(args.rounds):
        measure_round(figures, peers, number == 0 and not args.quick, args)
    slow = [name for name, line in slow_rows(args) if args.full or "(needs --full)" not in line]
    if not args.quick and slow:
        more = ["--full"] if args.full else []
        add_lines(figures, lines(ours(args, args.rounds, "--only", ",".join(slow), *more), False))


def growth(args):
    """Draws how our figures grow; the plots belong to docs/performance.md."""
    here = os.path.dirname(os.path.abspath(__file__))
    more = ["--quick"] if args.quick else []
    points = lines([args.wavehand, "bench", "--growth", "--rounds", str(args.rounds), *more], False)
    return subprocess.run([os.path.join(here, "plot-growth")], input="\n".join(points), text=True, check=False).returncode

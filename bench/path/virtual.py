# SPDX-License-Identifier: MIT
"""Runs cells in virtual time: feeds them to bench_path_sim and bench_path_lwip and gathers what they print."""
import json
import os
import signal
import statistics
import subprocess
import sys
import threading

import grid

SUMS = ["goodput", "late", "seconds", "bytes", "frames", "lost", "overflows", "retransmitted", "timeouts", "queued_ms",
        "queued_most_ms", "jain", "core_seconds"]


def line_of(one, seed, args):
    extra = []
    if args.buffers:
        extra.append(f"buffers={args.buffers}")
    if args.time:
        extra.append(f"time={args.time}s")
    return " ".join([grid.key(one), f"seed={seed}", *extra])


class _Progress:
    def __init__(self, what, total):
        self.what, self.total, self.done, self.lock = what, total, 0, threading.Lock()

    def step(self):
        with self.lock:
            self.done += 1
            if sys.stderr.isatty() and (self.done % 50 == 0 or self.done == self.total):
                end = "\n" if self.done == self.total else ""
                print(f"\r{self.what}: {self.done} of {self.total}", end=end, file=sys.stderr, flush=True)


def _feed_once(program, lines, answers, progress):
    """One process; `answers` gets an object a line, in order. The exit status."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        def write():
            try:
                process.stdin.write("\n".join(lines) + "\n")
                process.stdin.close()
            except BrokenPipeError:
                pass
        writer = threading.Thread(target=write)
        writer.start()
        for text in process.stdout:
            answers.append(json.loads(text))
            progress.step()
        writer.join()
        return process.wait()


def _feed(program, lines, answers, progress):
    """Another process for what is left, where one ended at a cell."""
    while len(answers) < len(lines):
        status = _feed_once(program, lines[len(answers):], answers, progress)
        if len(answers) < len(lines):
            why = "takes too much of a core" if status == -signal.SIGPROF else f"ended the program: status {status}"
            print(f"bench/path/run: {lines[len(answers)]}: {why}", file=sys.stderr, flush=True)
            answers.append({"error": why})
            progress.step()


def _run(program, lines, args, what):
    """All lines, by --jobs processes that take turns at them; answers in order."""
    parts = [lines[i::args.jobs] for i in range(args.jobs)]
    answers = [[] for _ in parts]
    progress = _Progress(what, len(lines))
    threads = [threading.Thread(target=_feed, args=(program, part, answer, progress))
               for part, answer in zip(parts, answers) if part]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[i % args.jobs][i // args.jobs] for i in range(len(lines))]


def algorithms_here(args, names):
    """Those of the names that this build of wavehand knows."""
    program = os.path.join(args.build, "bench_path_sim")
    probe = [f"cc={name} rtt=2us bytes=1" for name in names]
    text = subprocess.run([program, *probe], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [name for name, line in zip(names, text.splitlines()) if "error" not in json.loads(line)]


def measure(cells, args, who):
    """
    {key: row} for who = "wavehand" or "lwip". A row is the medians over the seeds (timeouts and Jain's index:
    means), and the cell. Cells that chance has no part in are run once.
    """
    program = os.path.join(args.build, "bench_path_lwip" if who == "lwip" else "bench_path_sim")
    runs = [(one, seed) for one in cells for seed in range(1, (args.seeds if grid.is_random(one) else 1) + 1)]
    answers = _run(program, [line_of(one, seed, args) for one, seed in runs], args, f"{who} in virtual time")
    gathered = {}
    for (one, _), answer in zip(runs, answers):
        gathered.setdefault(grid.key(one), (one, []))[1].append(answer)
    rows = {}
    for key, (one, series) in gathered.items():
        wrong = [answer["error"] for answer in series if "error" in answer]
        if wrong:
            rows[key] = {"cell": one, "error": wrong[0]}
            continue
        row = {"cell": one, "ideal": series[0]["ideal"], "goodputs": [answer["goodput"] for answer in series]}
        for name in SUMS:
            values = [answer[name] for answer in series if name in answer]
            if values:
                row[name] = (statistics.fmean if name in ("timeouts", "jain") else statistics.median)(values)
        row["utilisation"] = row["goodput"] / row["ideal"]
        row["late_utilisation"] = row["late"] / row["ideal"]
        rows[key] = row
    return rows

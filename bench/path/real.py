# SPDX-License-Identifier: MIT
"""
Real time. Each lane of --jobs is two network namespaces of the run's own, "near" (where data comes from) and
"far". In each stand two TUN devices: path0, whose other side is bench_path_emulator, and wave0, behind which
wavehand's end stands. The kernel forwards between the two, so that what wavehand sends passes the same device as
what Linux sends, and the emulator does not know whose it is.

         near namespace                                   far namespace
  Linux 10.0.1.1 ---\\                                  /--- Linux 10.0.2.1
                    path0 === bench_path_emulator === path0
  wave0 10.0.1.2 ---/                                  \\--- wave0 10.0.2.2
"""
import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import threading
import time

import grid
import report

PAIRINGS = {"ww": ("wavehand", "wavehand"), "wl": ("wavehand", "linux"), "lw": ("linux", "wavehand"),
            "ll": ("linux", "linux")}
NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
OVERHEAD = 0.35     # seconds that a run takes beside its time
MEMORY = 67108864   # what Linux may buffer each way of a connection

SETUP = """
set -e
# Nothing but what is measured shall be on the path.
for which in all default; do echo 1 >/proc/sys/net/ipv6/conf/$which/disable_ipv6 2>/dev/null || true; done
ip link set lo up
for device in path0 wave0; do
  ip tuntap add name $device mode tun
  ip link set $device mtu 1500 txqueuelen 20000 up
done
ip address add 10.0.{own}.1/32 dev path0
ip route add 10.0.{other}.0/24 dev path0 src 10.0.{own}.1
ip route add 10.0.{own}.2/32 dev wave0
echo 1 >/proc/sys/net/ipv4/ip_forward
for device in all default path0 wave0; do echo 0 >/proc/sys/net/ipv4/conf/$device/rp_filter; done
# A run shall not learn from the one before.
echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save
echo "4096 131072 {memory}" >/proc/sys/net/ipv4/tcp_rmem
echo "4096 16384 {memory}" >/proc/sys/net/ipv4/tcp_wmem
"""


class Broken(RuntimeError):
    """A run that came to nothing; its text says why."""


class Lane:
    """Two namespaces with their devices. They end with the processes that hold them."""
    def __init__(self, args):
        self.args = args
        self.holders = []
        for own, other in ((1, 2), (2, 1)):
            holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            self.holders.append(holder)
            mine = os.readlink("/proc/self/ns/net")
            for _ in range(500):
                if os.readlink(f"/proc/{holder.pid}/ns/net") != mine:
                    break
                time.sleep(0.01)
            script = SETUP.format(own=own, other=other, memory=MEMORY)
            subprocess.run([*self.inside(own), "sh", "-c", script], check=True)

    def space(self, side):
        return f"/proc/{self.holders[side - 1].pid}/ns/net"

    def inside(self, side):
        return ["nsenter", f"--net={self.space(side)}"]

    def close(self):
        for holder in self.holders:
            holder.stdin.close()
            holder.wait()

    def start(self, command, ready=True):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if ready and process.stdout.readline() != "ready\n":
            process.wait()
            raise Broken(f"{os.path.basename(command[0])} did not begin")
        return process

    def end(self, side, role, kind, line):
        """The command of one end."""
        host = {"linux": 1, "wavehand": 2}
        sender, receiver = self.kinds
        own = f"10.0.{side}.{host[kind]}"
        other = f"10.0.{3 - side}.{host[receiver if role == 'send' else sender]}"
        return [*self.inside(side), os.path.join(self.args.build, "bench_path_end"), role, kind, line, own, other,
                "wave0"]

    def run(self, line, pairing, seconds):
        """One run. Answers what the receiver, the sender and the emulator told."""
        self.kinds = PAIRINGS[pairing]
        running = []
        try:
            running.append(self.start([os.path.join(self.args.build, "bench_path_emulator"), line, self.space(1),
                                       self.space(2), "path0"]))
            running.append(self.start(self.end(2, "receive", self.kinds[1], line)))
            running.append(self.start(self.end(1, "send", self.kinds[0], line), ready=False))
            emulator, receiver, sender = running
            limit = threading.Timer(seconds + 15, receiver.kill)
            limit.start()
            text = receiver.stdout.read()
            limit.cancel()
            answer = {}
            for name, process in (("receiver", text), ("sender", sender), ("emulator", emulator)):
                told = process if isinstance(process, str) else process.communicate(timeout=10)[0]
                if not told:
                    raise Broken(f"the {name} told nothing")
                answer[name] = json.loads(told)
            return answer
        except (subprocess.TimeoutExpired, json.JSONDecodeError, OSError) as error:
            raise Broken(str(error)) from error
        finally:
            for process in running:
                process.kill()
                process.wait()
                process.stdin.close()
                process.stdout.close()


def seconds_of(one, args):
    """Thirty round trips, at least two and a half seconds, at most six."""
    return args.time or min(6.0, max(2.5, 30 * grid.number(one["rtt"])))


def line_of(one, seed, args):
    extra = [f"buffers={args.buffers}"] if args.buffers else []
    # The bytes are no limit here.
    return " ".join([grid.key(one), f"seed={seed}", f"time={seconds_of(one, args):g}s", "bytes=1000000mb", *extra])


def here(algorithms):
    """Of the algorithms those that this kernel has, too."""
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control", encoding="ascii") as file:
        kernel = file.read().split()
    return [name for name in algorithms if ("reno" if name == "newreno" else name) in kernel]


def carries(args):
    """What the emulator carries from Linux to Linux where the path is no limit, in bits a second."""
    lane = Lane(args)
    try:
        one = grid.cell(rate="20gbit", rtt="0.2ms", queue="4")
        line = " ".join([grid.key(one), "seed=1", "time=1s", "bytes=1000000mb"]).replace("cc=newreno", "cc=cubic")
        found = [lane.run(line, "ll", 1)["receiver"]["late"] for _ in range(3)]
        return statistics.median(found)
    finally:
        lane.close()


def is_slow(one):
    """Runs of such cells leave a core idle most of the time: two may run at once."""
    return grid.number(one["rate"]) <= 100e6


class _Work:
    """The runs of a number of lanes: all pairings of a cell and seed one behind the other in the same lane."""
    def __init__(self, args, pairings, total):
        self.args, self.pairings, self.total = args, pairings, total
        self.done, self.lock, self.rows = 0, threading.Lock(), {}

    def note(self, one, pairing, seed, answer):
        with self.lock:
            row = self.rows.setdefault(grid.key(one), {"cell": one, "goodput": {}, "late": {}, "jain": {}, "runs": []})
            for name in ("goodput", "late", "jain"):
                series = row[name].setdefault(pairing, [None] * self.args.seeds)
                series[seed - 1] = answer["receiver"].get(name) if answer else None
            row["runs"].append({"pairing": pairing, "seed": seed, **(answer or {})})
            self.done += 1
            if sys.stderr.isatty():
                print(f"\rreal time: {self.done} of {self.total}", end="", file=sys.stderr, flush=True)

    def serve(self, tasks):
        lane = Lane(self.args)
        try:
            while True:
                try:
                    one, seed = tasks.get_nowait()
                except queue.Empty:
                    return
                # Another pairing begins each time: what changes with the hour falls on all alike.
                turned = self.pairings[seed % len(self.pairings):] + self.pairings[:seed % len(self.pairings)]
                for pairing in turned:
                    answer = None
                    try:
                        answer = lane.run(line_of(one, seed, self.args), pairing, seconds_of(one, self.args))
                    except Broken as error:
                        print(f"bench/path/run: {grid.key(one)} seed {seed} {pairing}: {error}", file=sys.stderr)
                    self.note(one, pairing, seed, answer)
        finally:
            lane.close()

    def run(self, cells, lanes):
        tasks = queue.Queue()
        for seed in range(1, self.args.seeds + 1):
            for one in cells:
                tasks.put((one, seed))
        threads = [threading.Thread(target=self.serve, args=(tasks,)) for _ in range(lanes if cells else 0)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def watch_the_emulator(out, rows):
    """Whether it was the path that was measured."""
    told = [run["emulator"] for row in rows.values() for run in row["runs"] if "emulator" in run]
    if not told:
        return
    late = [one["late_us"] for one in told]
    out.say(f"emulator: {len(told)} runs; behind its timetable {statistics.median(late):.0f} us in the median run, "
            f"{max(late):.0f} us in the worst; frames lost by devices {sum(one['dropped'] for one in told)}, refused "
            f"{sum(one['refused'] for one in told)}")
    for row in rows.values():
        for run in row["runs"]:
            emulator = run.get("emulator")
            if emulator and (emulator["dropped"] + emulator["refused"] > 0 or emulator["late_us"] > 1000):
                out.say(f"! {report.short(row['cell'])} {run['pairing']} seed {run['seed']}: the emulator was late by "
                        f"{emulator['late_us']:.0f} us, {emulator['dropped']} frames were lost beside it")


def in_real_time(out, args, algorithms):
    """Runs and prints the real part; answers what --json keeps of it."""
    pairings = args.pairings.split(",")
    lanes = args.real_jobs
    args.seeds = args.real_seeds
    # Linux alone can be measured with what wavehand lacks, too.
    ours = here(["newreno", "cubic", "bbr"] if pairings == ["ll"] else algorithms)
    cells = [one for one in grid.real() if one["cc"] in ours]
    if args.algorithms is None and "cubic" not in ours:
        # A wavehand that has only this one: the same paths, for what can be had.
        cells = [dict(item) for item in {tuple({**one, "cc": "newreno"}.items()) for one in grid.real()}]
        cells.sort(key=grid.key)
    cells = grid.select(cells, args.cells)
    if args.quick:
        cells = grid.select(cells, "rtt=20ms,66ms loss=0%,1% queue=1")[:6]
    most = carries(args)
    allowed = [one for one in cells if grid.number(one["rate"]) <= most / 2]
    slow = [one for one in allowed if is_slow(one)]
    fast = [one for one in allowed if not is_slow(one)]
    total = len(allowed) * args.seeds * len(pairings)
    cost = sum(seconds_of(one, args) + OVERHEAD for one in allowed) * args.seeds * len(pairings)
    spent = sum((seconds_of(one, args) + OVERHEAD) / (lanes if is_slow(one) else 1) for one in allowed)
    print(f"# real time: the emulator carries {report.rate_text(most)}; {len(allowed)} cells of {len(cells)}, "
          f"{args.seeds} seeds, {len(pairings)} pairings: {total} runs, {lanes} at a time up to 100 Mbit/s; about "
          f"{spent * args.seeds * len(pairings) / 60:.0f} minutes ({cost / 60:.0f} one by one)", flush=True)
    if args.dry_run or not allowed:
        return {}
    work = _Work(args, pairings, total)
    work.run(slow, lanes)
    work.run(fast, 1)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    rows = {grid.key(one): work.rows[grid.key(one)] for one in allowed}
    report.ratios_to_linux(out, rows)
    report.real_fairness(out, rows)
    watch_the_emulator(out, rows)
    return {"carries": most, "rows": rows}


def enter():
    """Starts this program again in namespaces of its own, unless it is there already."""
    if os.environ.get("PATH_BENCH_INSIDE") is None:
        more = [] if os.geteuid() == 0 else ["--map-root-user"]
        os.environ["PATH_BENCH_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", *more, *NAMESPACES, sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

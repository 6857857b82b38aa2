# SPDX-License-Identifier: MIT
"""`wavehand run` beside other ways from a program to a server on the host's loopback.

All of it happens in namespaces that bench/run has made: nothing leaves the machine, and nothing stays.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import time

import report

MTU = "65520"
IPERF, NGINX, ECHO = 5201, 5202, 5203  # on the host's loopback
RELAYED = 1000                         # the bare relay listens that much higher
DOORS = ["direct", "bare_relay", "wavehand", "pasta", "slirp4netns"]


# ------------------------------------------------------------------------- doors

def door_command(door, program, args):
    """The command that runs a program behind a door."""
    if door == "wavehand":
        return [args.wavehand, "run", "--no-ladder", "--mtu", MTU, "--"] + program
    if door == "pasta":
        return ["pasta", "--config-net", "--foreground", "--quiet", "--runas", "0:0", "--mtu", MTU,
                "--address", "10.0.2.100", "--netmask", "24", "--gateway", "10.0.2.2", "--"] + program
    return program


def run_slirp4netns(program, limit):
    """slirp4netns joins the namespace of a program that waits for it."""
    waiting = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", 'ip link set lo up; read -r _; exec "$@"', "sh"] + program,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    own = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{waiting.pid}/ns/net") == own:
        time.sleep(0.01)
    ready, told = os.pipe()
    relay = subprocess.Popen(
        ["slirp4netns", "--configure", "--mtu=" + MTU, f"--ready-fd={told}", str(waiting.pid), "tap0"],
        pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(told)
    os.read(ready, 1)
    os.close(ready)
    try:
        return waiting.communicate("\n", timeout=limit)[0]
    finally:
        waiting.kill()
        relay.terminate()
        relay.wait()


def through(door, program, limit, args):
    """What a program behind a door prints."""
    if door == "slirp4netns":
        return run_slirp4netns(program, limit)
    return subprocess.run(door_command(door, program, args), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit, check=False).stdout


def host_of(door):
    return "127.0.0.1" if door in ("direct", "bare_relay") else "10.0.2.2"


def port_of(door, port):
    return port + RELAYED if door == "bare_relay" else port


# ------------------------------------------------------------------------ figures

def iperf(door, args, *more):
    text = through(door, ["iperf3", "--client", host_of(door), "--port", str(port_of(door, IPERF)), "--json",
                          "--time", str(args.seconds), "--omit", "0", *more], args.seconds + 20, args)
    return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9


def to_host(door, args):
    return iperf(door, args)


def to_program(door, args):
    return iperf(door, args, "--reverse")


def connections(door, args):
    text = through(door, ["wrk", "--threads", "1", "--connections", "32", "--duration", f"{args.seconds}s",
                          "--header", "Connection: close",
                          f"http://{host_of(door)}:{port_of(door, NGINX)}/"], args.seconds + 20, args)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))


def round_trips(door, args):
    text = through(door, [os.path.join(args.build, "bench_round_trip"), host_of(door),
                          str(port_of(door, ECHO)), str(args.seconds / 2), "64"], args.seconds + 20, args)
    return float(text.split("\t")[1])


ROWS = [("to_host", to_host, "Gbit/s"), ("to_program", to_program, "Gbit/s"),
        ("connections", connections, "1/s"), ("round_trips", round_trips, "1/s")]


# ------------------------------------------------------------------------ servers

def nginx_configuration(place):
    page = os.path.join(place, "index.html")
    with open(page, "w", encoding="ascii") as out:
        out.write("x" * 128)
    text = f"""daemon off; pid {place}/nginx.pid; error_log stderr crit; worker_processes 1; user root;
worker_rlimit_nofile 16384;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {place}/b; proxy_temp_path {place}/p;
fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
server {{ listen 127.0.0.1:{NGINX} backlog=4096; root {place}; }} }}"""
    path = os.path.join(place, "nginx.conf")
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return path


def prepare_host():
    """Our own network: loopback, and a device that pasta can take for the way out."""
    for command in ("ip link set lo up", "ip tuntap add name outside0 mode tap",
                    "ip address add 192.0.2.1/24 dev outside0", "ip link set outside0 up",
                    "ip route add default via 192.0.2.2"):
        subprocess.run(command.split(), check=True)
    for name, value in (("ip_local_port_range", "10000 65000"), ("tcp_max_tw_buckets", "262144")):
        try:
            with open("/proc/sys/net/ipv4/" + name, "w", encoding="ascii") as out:
                out.write(value)
        except OSError:
            pass


def start_servers(place, args):
    tool = lambda name: os.path.join(args.build, name)
    commands = [["iperf3", "--server", "--bind", "127.0.0.1", "--port", str(IPERF)],
                ["nginx", "-e", "stderr", "-p", place, "-c", nginx_configuration(place)],
                [tool("bench_round_trip"), "serve", str(ECHO)]]
    commands += [[tool("bench_bare_relay"), str(port + RELAYED), str(port)] for port in (IPERF, NGINX, ECHO)]
    servers = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for command in commands if shutil.which(command[0])]
    await_listeners(len(servers))
    return servers


def await_listeners(n):
    """Until so many programs listen, or ten seconds are over."""
    for _ in range(1000):
        with open("/proc/net/tcp", encoding="ascii") as table:
            if sum(line.split()[3] == "0A" for line in table) >= n:  # TCP_LISTEN of the kernel's headers
                return
        time.sleep(0.01)


def doors_here(args):
    """The doors that can be opened here; the others are named."""
    doors = []
    for door in DOORS:
        program = {"wavehand": args.wavehand, "pasta": "pasta", "slirp4netns": "slirp4netns"}.get(door)
        if program and not shutil.which(program):
            report.missing(program + ", which is not there")
        elif through(door, ["echo", "here"], 20, args) != "here\n":
            report.missing(door + ", which does not run here")
        else:
            doors.append(door)
    return doors


def measure(figures, place, args):
    """The doors take turns in each row, so that what else the machine does falls on all alike."""
    prepare_host()
    servers = start_servers(place, args)
    tools = [("iperf3", ("to_host", "to_program")), ("wrk", ("connections",)), ("nginx", ("connections",))]
    absent = {row for tool, rows in tools if not shutil.which(tool) for row in rows}
    for tool, _ in tools:
        if not shutil.which(tool):
            report.missing(tool + ", which is not there")
    doors = doors_here(args)
    for _ in range(args.rounds):
        for name, row, unit in ROWS:
            for door in doors if name not in absent else ():
                try:
                    figures.add(f"network.{name}.{door}", row(door, args), unit)
                except (subprocess.TimeoutExpired, ValueError, KeyError, AttributeError, IndexError) as error:
                    print(f"bench/run: {name} through {door} failed: {error!r}"[:200], file=sys.stderr)
    for server in servers:
        server.kill()
        server.wait()

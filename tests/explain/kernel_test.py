#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Linux's own connections, explained live: `wavehand explain -i lo` looks on in a network namespace of its own.

    kernel_test.py WAVEHAND

Each play has a port; what it does is the cause, and the verdict must be it.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

LINGER_ZERO = struct.pack("ii", 1, 0)
REQUEST, ANSWER = b"q" * 300, b"a" * 4000


def read_all(sock):
    while sock.recv(65536):
        pass


def served(port, serve, backlog=8):
    """A listener, and a thread that serves one connection of it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen(backlog)

    def run():
        connection, _ = listener.accept()
        connection.settimeout(9)
        try:
            serve(connection)
        except OSError:
            pass
        KEPT.append(connection)

    threading.Thread(target=run, daemon=True).start()
    return listener


KEPT = []  # what is not closed on purpose must not be closed by the collector


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), timeout=9)
    KEPT.append(sock)
    return sock


# ------------------------------------------------------------------------------- the plays

def closed_three_segments(port):
    def serve(connection):
        connection.recv(1000)
        connection.sendall(ANSWER)
        read_all(connection)
        connection.close()
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.recv(4000, socket.MSG_WAITALL)
    client.close()


def closed_four_way(port):
    def serve(connection):
        connection.recv(1000)
        connection.sendall(ANSWER)
        read_all(connection)
        time.sleep(0.5)
        connection.close()
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.recv(4000, socket.MSG_WAITALL)
    client.close()


def half_close_respected(port):
    def serve(connection):
        read_all(connection)
        time.sleep(0.3)
        connection.sendall(ANSWER)
        connection.close()
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.shutdown(socket.SHUT_WR)
    read_all(client)
    client.close()


def half_close_cut(port):
    def serve(connection):
        read_all(connection)
        time.sleep(0.3)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        connection.close()
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.shutdown(socket.SHUT_WR)


def refused(port):
    try:
        connect(port)
    except ConnectionRefusedError:
        pass


def reset(port):
    def serve(connection):
        connection.recv(1000)
        connection.sendall(ANSWER)
        time.sleep(0.3)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        connection.close()
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.recv(4000, socket.MSG_WAITALL)


def reset_data_after_close(port):
    def serve(connection):
        connection.recv(1000)
        time.sleep(0.3)
        connection.sendall(ANSWER)
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.close()


def close_wait_leak(port):
    def serve(connection):
        connection.recv(1000)
        connection.sendall(ANSWER)
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.recv(4000, socket.MSG_WAITALL)
    client.close()


def silent_after_connect(port):
    served(port, lambda connection: connection.recv(1000))
    client = connect(port)
    client.sendall(REQUEST)


def zero_window_stall(port):
    def serve(connection):
        time.sleep(3)
        read_all(connection)
        connection.close()
    served(port, serve)
    client = connect(port)
    client.setblocking(False)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        try:
            client.send(bytes(65536))
        except BlockingIOError:
            time.sleep(0.05)
    client.setblocking(True)
    client.close()


def still_open(port):
    def serve(connection):
        connection.recv(1000)
        connection.sendall(ANSWER)
    served(port, serve)
    client = connect(port)
    client.sendall(REQUEST)
    client.recv(4000, socket.MSG_WAITALL)


PLAYS = {
    "closed-three-segments": closed_three_segments, "closed-four-way": closed_four_way,
    "half-close-respected": half_close_respected, "half-close-cut": half_close_cut, "refused": refused, "reset": reset,
    "reset-data-after-close": reset_data_after_close, "close-wait-leak": close_wait_leak,
    "silent-after-connect": silent_after_connect, "zero-window-stall": zero_window_stall, "still-open": still_open,
}


def run_plays(wavehand):
    """In the namespace: (name, port, what was said)."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    explain = subprocess.Popen([wavehand, "explain", "-i", "lo", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    for number, play in enumerate(PLAYS.values()):
        threading.Thread(target=play, args=(9000 + number,), daemon=True).start()
    time.sleep(7)
    explain.send_signal(signal.SIGINT)
    out, complaints = explain.communicate(timeout=30)
    if explain.returncode != 0 or complaints:
        print(f"Bail out! exit status {explain.returncode}: {complaints}")
        return 1
    said = {}
    for thing in map(json.loads, out.splitlines()):
        if thing["type"] == "connection":
            said.setdefault(thing["server"]["port"], []).append(thing["verdict"])
    failed = 0
    for number, name in enumerate(PLAYS):
        verdicts = said.get(9000 + number, [])
        good = len(verdicts) == 1 and verdicts[0]["name"] == name
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number + 1} {name}")
        if not good:
            print(f"# said {[(verdict['name'], verdict['text']) for verdict in verdicts]}")
    print(f"1..{len(PLAYS)}")
    return 1 if failed else 0


def main():
    if sys.argv[2:] == ["inside"]:
        status = run_plays(sys.argv[1])
        sys.stdout.flush()
        os._exit(status)  # threads may wait for what never comes
    inside = ["unshare", "--user", "--map-root-user", "--net", sys.executable, __file__, sys.argv[1], "inside"]
    if subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], check=False, capture_output=True).returncode != 0:
        print("skipped: no network namespace can be made")
        return 77
    return subprocess.run(inside, check=False, timeout=100).returncode


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""A program with very many connections.

  crowd.py ADDRESS PORT COUNT BYTES OPENED-FILE GO-FILE

Opens COUNT connections that receive through buffers of the least size, writes OPENED-FILE when all
are open and each has brought its first byte, reads nothing until GO-FILE exists, then reads all of
them to the end and prints how many brought exactly BYTES bytes.
"""
import errno
import os
import resource
import select
import socket
import sys
import time

address, port, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
opened_file, go_file = sys.argv[5:7]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 100, hard), hard))

poll = select.epoll()
opening, connections, failures = {}, {}, []


def begin():
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    result = sock.connect_ex((address, port))
    if result not in (0, errno.EINPROGRESS):
        failures.append(os.strerror(result))
        return
    opening[sock.fileno()] = sock
    poll.register(sock, select.EPOLLIN)


began = 0
deadline = time.monotonic() + 100
while len(connections) + len(failures) < count and time.monotonic() < deadline:
    while began < count and len(opening) < 200:
        begin()
        began += 1
    for fd, _ in poll.poll(1):
        sock = opening.pop(fd)
        poll.unregister(fd)
        try:
            sock.recv(1, socket.MSG_PEEK)
            connections[fd] = sock
        except OSError as error:
            failures.append(str(error))
for fd in opening:
    poll.unregister(fd)
print("open", len(connections), "failed", len(failures), *set(failures), flush=True)
with open(opened_file, "w", encoding="ascii"):
    pass
while not os.path.exists(go_file):
    time.sleep(0.05)

whole, got = 0, dict.fromkeys(connections, 0)
for fd, sock in connections.items():
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    poll.register(fd, select.EPOLLIN)
while connections and time.monotonic() < deadline + 100:
    for fd, _ in poll.poll(1):
        try:
            piece = connections[fd].recv(65536)
        except OSError:
            piece = b""
        got[fd] += len(piece)
        if not piece:
            poll.unregister(fd)
            connections.pop(fd).close()
            whole += got[fd] == size
print("whole", whole)

# SPDX-License-Identifier: MIT
"""The host's side of the tests: small servers, one a subcommand, on loopback only.

  answer-after-eof PORT QUESTION-FILE ANSWER-FILE SECONDS
                    one connection: store what comes until the end of file,
                    wait, send the answer, close
  answer PORT TEXT  every connection: send TEXT, then the end of file
  reset PORT        every connection: read a byte, then reset
  unread PORT       every connection: send "x", wait for bytes, close without reading them
  echo PORT         every connection: send back what comes
  silent PORT       accept and never read
  flood PORT BYTES  every connection: send BYTES, then the end of file
  say-nothing PORT  a full backlog: whoever connects gets no answer at all
  resolver PORT     DNS over UDP and TCP: every name has the address 192.0.2.7
  udp-echo PORT     send back what comes
  pipe ADDRESS PORT one connection: standard input to it and it to standard output, until both ends of
                    file; unlike a listening nc it does not quit at the first of them
  count PORT FILE   every connection: read to the end; append bytes and how it ended
"""
import asyncio
import signal
import socket
import struct
import sys
import threading
import time

LOOPBACK = ("127.0.0.1", "::1")


def listening(port, address="127.0.0.1", backlog=4096):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(backlog)
    return sock


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def each_connection(port, serve):
    sock = listening(port)
    while True:
        connection, _ = sock.accept()
        try:
            serve(connection)
        except OSError as error:
            print("connection:", error, flush=True)


def answer_after_eof(port, question, answer, seconds):
    connection, _ = listening(int(port)).accept()
    with open(question, "wb") as out:
        while piece := connection.recv(65536):
            out.write(piece)
    time.sleep(float(seconds))
    with open(answer, "rb") as source:
        connection.sendall(source.read())
    connection.close()


def answer_all(port, text):
    def serve(connection):
        connection.sendall(text.encode())
        connection.close()
    each_connection(int(port), serve)


def reset_all(port):
    def serve(connection):
        connection.recv(1)
        reset(connection)
    each_connection(int(port), serve)


def unread(port):
    def serve(connection):
        connection.sendall(b"x")
        connection.recv(1, socket.MSG_PEEK)
        connection.close()
    each_connection(int(port), serve)


def silent(port):
    kept = []
    each_connection(int(port), kept.append)


def say_nothing(port):
    sock = listening(int(port), backlog=0)
    fill = [socket.socket() for _ in range(4)]
    for one in fill:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", int(port)))
    signal.pause()
    sock.close()


async def serve_forever(port, handle):
    servers = [await asyncio.start_server(handle, sock=listening(port, a)) for a in LOOPBACK]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def echo(port):
    async def handle(reader, writer):
        try:
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()
    asyncio.run(serve_forever(int(port), handle))


def flood(port, count):
    piece = b"f" * 65536

    async def handle(reader, writer):
        left = int(count)
        try:
            while left > 0:
                writer.write(piece[:left])
                left -= min(left, len(piece))
                await writer.drain()
            writer.write_eof()
            await reader.read()
            writer.close()
        except OSError:
            writer.transport.abort()
    asyncio.run(serve_forever(int(port), handle))


def count_all(port, log):
    async def handle(reader, writer):
        got, end = 0, "EOF"
        try:
            while piece := await reader.read(1 << 20):
                got += len(piece)
            writer.close()
        except ConnectionResetError:
            end = "RESET"
        with open(log, "a", encoding="ascii") as out:
            print(got, end, file=out)
    asyncio.run(serve_forever(int(port), handle))


def dns_answer(query):
    name_end = query.index(b"\0", 12) + 5
    kind = struct.unpack(">H", query[name_end - 4:name_end - 2])[0]
    head = query[:2] + b"\x81\x80\0\x01" + (b"\0\x01" if kind == 1 else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + socket.inet_aton("192.0.2.7")
    return head + query[12:name_end] + (record if kind == 1 else b"")


def datagrams(port, reply, addresses):
    """Answers datagrams in threads of their own. (asyncio cannot send empty ones.)"""
    def serve(sock):
        while True:
            data, source = sock.recvfrom(65536)
            sock.sendto(reply(data), source)
    for address in addresses:
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, int(port)))
        threading.Thread(target=serve, args=[sock], daemon=True).start()


def resolver(port, address="127.0.0.1"):
    async def handle(reader, writer):
        length = struct.unpack(">H", await reader.readexactly(2))[0]
        reply = dns_answer(await reader.readexactly(length))
        writer.write(struct.pack(">H", len(reply)) + reply)
        writer.close()

    async def serve():
        server = await asyncio.start_server(handle, sock=listening(int(port), address))
        await server.serve_forever()
    datagrams(port, dns_answer, [address])
    asyncio.run(serve())


def udp_echo(port):
    datagrams(port, lambda data: data, LOOPBACK)
    signal.pause()


def pipe(address, port):
    connection, _ = listening(int(port), address).accept()

    def send():
        while piece := sys.stdin.buffer.read1(1 << 18):
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    while piece := connection.recv(1 << 18):
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    sender.join()
    connection.close()


COMMANDS = {
    "answer-after-eof": answer_after_eof, "answer": answer_all, "reset": reset_all, "unread": unread,
    "echo": echo, "silent": silent, "flood": flood, "say-nothing": say_nothing,
    "resolver": resolver, "udp-echo": udp_echo, "count": count_all, "pipe": pipe,
}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])

/* SPDX-License-Identifier: MIT */
/*
 * Linux on the same tasks as the in-memory suite: both ends in one process, on one core, over the
 * loopback device or a veth pair between two network namespaces.
 *
 *   bench_linux loopback|veth [SECONDS [full | PART]]
 *
 * Calls block, and hardly ever do: what one end sends is with the other when send() comes back,
 * because the kernel runs the receiver's half right after the sender's, on the same core and in
 * this process's time. Each row has fresh namespaces. Each figure takes about SECONDS of the
 * process's time; "full" adds what takes long, PART (bulk, lifecycle, round_trips, memory) is one
 * kind alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "figure.h"
#include "linux_link.h"

enum {
    FIRST_PORT = 5000,
    PORTS = 64,
    BACKLOG = 4096,
    MESSAGE = 64,
    PIECE = 65536,
    IDLE = 10000,
    LEAST = IDLE / 100 * 95, /* of connections, for a row to bear the name of IDLE */
    SPARE = 200,             /* open files that are no connections */
    BUFFER = 131072 /* of which Linux makes twice as much; left alone it grows beyond the cache */
};

static const char *name; /* of the link, as in the figures' keys */
static bool veth;
static unsigned many = IDLE;

static const struct linux_way plain = { .mtu = 1500, .offload = false };

static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "bench_linux: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void row(const char *key, double value, const char *unit)
{
    char whole[80];
    snprintf(whole, sizeof whole, "core.%s.linux_%s", key, name);
    figure(whole, value, unit);
}

/* ----------------------------------------------------------------- world -- */

struct connection {
    int client, server;
};

struct world {
    struct linux_link link;
    int listeners[PORTS];
    unsigned opened;
};

static struct sockaddr_in name_of(const struct world *world, unsigned which)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_addr = world->link.address[LINUX_SERVER],
                                 .sin_port = htons((uint16_t)(FIRST_PORT + which)) };
}

static void make_world(struct world *world, struct linux_way way)
{
    world->opened = 0;
    linux_link_open(&world->link, veth, way);
    for (unsigned i = 0; i < PORTS; i++) {
        const struct sockaddr_in own = name_of(world, i);
        world->listeners[i] = linux_link_socket(&world->link, LINUX_SERVER);
        need(bind(world->listeners[i], (const struct sockaddr *)&own, sizeof own) == 0, "bind");
        need(listen(world->listeners[i], BACKLOG) == 0, "listen");
    }
}

static void end_world(struct world *world)
{
    for (unsigned i = 0; i < PORTS; i++)
        close(world->listeners[i]);
    linux_link_close(&world->link);
}

static void open_one(struct world *world, struct connection *conn)
{
    unsigned which = world->opened++ % PORTS;
    const struct sockaddr_in other = name_of(world, which);
    conn->client = linux_link_socket(&world->link, LINUX_CLIENT);
    need(connect(conn->client, (const struct sockaddr *)&other, sizeof other) == 0, "connect");
    conn->server = accept4(world->listeners[which], NULL, NULL, SOCK_CLOEXEC);
    need(conn->server >= 0, "accept");
}

static void close_one(const struct connection *conn)
{
    close(conn->client);
    close(conn->server);
}

/* --------------------------------------------------------------- figures -- */

static void set_buffers(const struct connection *conn)
{
    const int sender = BUFFER, receiver = 2 * BUFFER;
    setsockopt(conn->client, SOL_SOCKET, SO_SNDBUF, &sender, sizeof sender);
    setsockopt(conn->server, SOL_SOCKET, SO_RCVBUF, &receiver, sizeof receiver);
}

/* As much as there is room for, then as much as has arrived; the number of bytes that did. */
static size_t pump(const struct connection *conn)
{
    static char out[PIECE], in[PIECE];
    size_t arrived = 0;
    ssize_t n;
    while (send(conn->client, out, sizeof out, MSG_DONTWAIT) > 0)
        ;
    while ((n = recv(conn->server, in, sizeof in, MSG_DONTWAIT)) > 0)
        arrived += (size_t)n;
    return arrived;
}

static void bulk(const char *key, double length, struct linux_way way)
{
    struct world world;
    struct connection conn;
    make_world(&world, way);
    open_one(&world, &conn);
    set_buffers(&conn);
    double arrived = 0, start = cpu_seconds(), at = start;
    while (at - start < length) {
        for (int i = 0; i < 16; i++)
            arrived += (double)pump(&conn);
        at = cpu_seconds();
    }
    row(key, arrived * 8e-9 / (at - start), "Gbit/s");
    close_one(&conn);
    end_world(&world);
}

/* A message that is small enough for every buffer. */
static void pass(int from, int to, void *bytes, size_t length)
{
    need(send(from, bytes, length, 0) == (ssize_t)length, "send");
    need(recv(to, bytes, length, MSG_WAITALL) == (ssize_t)length, "recv");
}

/* Opens so many connections, sends a byte each way on each, closes them from both sides. */
static void lives(struct world *world, struct connection *conns, unsigned n)
{
    char byte = 'x';
    for (unsigned i = 0; i < n; i++)
        open_one(world, &conns[i]);
    for (unsigned i = 0; i < n; i++)
        pass(conns[i].client, conns[i].server, &byte, 1);
    for (unsigned i = 0; i < n; i++)
        pass(conns[i].server, conns[i].client, &byte, 1);
    for (unsigned i = 0; i < n; i++)
        close(conns[i].client);
    for (unsigned i = 0; i < n; i++) {
        need(recv(conns[i].server, &byte, 1, 0) == 0, "no end of the data");
        close(conns[i].server);
    }
}

static void lifecycle(const char *key, double length, struct connection *conns, unsigned n)
{
    struct world world;
    make_world(&world, plain);
    double count = 0, start = cpu_seconds(), at = start;
    while (at - start < length) {
        for (unsigned done = 0; done < 100; done += n, count += n)
            lives(&world, conns, n);
        at = cpu_seconds();
    }
    row(key, count / (at - start), "1/s");
    end_world(&world);
}

static void round_trips(const char *key, double length, const struct connection *conns, unsigned n)
{
    char message[MESSAGE] = { 0 };
    double trips = 0, start = cpu_seconds(), at = start;
    unsigned which = 0;
    while (at - start < length) {
        for (int i = 0; i < 256; i++, trips++) {
            which = (which + 7919) % n;
            pass(conns[which].client, conns[which].server, message, MESSAGE);
            pass(conns[which].server, conns[which].client, message, MESSAGE);
        }
        at = cpu_seconds();
    }
    row(key, trips / (at - start), "1/s");
}

static void all_round_trips(double length, struct connection *conns)
{
    struct world world;
    unsigned n = 0;
    make_world(&world, plain);
    open_one(&world, &conns[n++]);
    round_trips("round_trips", length, conns, 1);
    if (many >= LEAST) {
        while (n < many)
            open_one(&world, &conns[n++]);
        round_trips("round_trips_10k_idle", length, conns, 1);
        round_trips("round_trips_among_10k", length, conns, n);
    }
    while (n > 0)
        close_one(&conns[--n]);
    end_world(&world);
}

/* What a socket consists of, and what stands for it in TIME-WAIT (beside its port's entry), as slabs. */
static const char *const socket_parts[] = { "TCP", "sock_inode_cache", "filp", "dentry", NULL };
static const char *const time_wait_parts[] = { "tw_sock_TCP", NULL };

static bool one_of(const char *const *parts, const char *part)
{
    while (*parts != NULL && strcmp(*parts, part) != 0)
        parts++;
    return *parts != NULL;
}

/* Bytes of such objects in the whole machine; 0 if we may not know (it takes root). */
static double bytes_of(const char *const *parts)
{
    char line[256], part[64];
    double bytes = 0, objects, size;
    FILE *file = fopen("/proc/slabinfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "%63s %lf %*s %lf", part, &objects, &size) == 3 && one_of(parts, part))
            bytes += objects * size;
    if (file != NULL)
        fclose(file);
    return bytes;
}

/* The kernel frees what an earlier row has left in its own time: until it hardly does, or five seconds. */
static double settled_bytes_of(const char *const *parts)
{
    const struct timespec moment = { .tv_nsec = 200000000 };
    double before, now = bytes_of(parts);
    int moments = 25;
    do {
        before = now;
        nanosleep(&moment, NULL);
        now = bytes_of(parts);
    } while (before - now > 65536 && --moments > 0);
    return now;
}

/* So many bytes, in what pieces the buffers take. */
static void pass_all(int from, int to, size_t length)
{
    static char piece[PIECE];
    for (size_t left = length, sent = 0; left > 0;) {
        ssize_t n = send(from, piece, length - sent, MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        n = recv(to, piece, left, 0);
        need(n > 0, "recv");
        left -= (size_t)n;
    }
}

/* An endpoint at rest after 64 KiB each way, with the file that holds it. */
static void established_memory(struct connection *conns)
{
    struct world world;
    make_world(&world, plain);
    double before = settled_bytes_of(socket_parts);
    for (unsigned i = 0; i < many; i++) {
        open_one(&world, &conns[i]);
        pass_all(conns[i].client, conns[i].server, PIECE);
        pass_all(conns[i].server, conns[i].client, PIECE);
    }
    row("bytes_established", (bytes_of(socket_parts) - before) / (2.0 * many), "bytes");
    for (unsigned i = 0; i < many; i++)
        close_one(&conns[i]);
    end_world(&world);
}

/* What is left of a connection whose both ends have been closed: the opener's in TIME-WAIT. */
static void time_wait_memory(struct connection *conns)
{
    struct world world;
    make_world(&world, plain);
    double before = settled_bytes_of(time_wait_parts);
    lives(&world, conns, many);
    row("bytes_time_wait", (bytes_of(time_wait_parts) - before) / many, "bytes");
    end_world(&world);
}

static void memory(struct connection *conns)
{
    if (bytes_of(socket_parts) > 0) {
        established_memory(conns);
        time_wait_memory(conns);
    } else {
        fputs("# bench_linux: without bytes_*: /proc/slabinfo cannot be read\n", stderr);
    }
}

/* ------------------------------------------------------------------- main -- */

static const char *part;

static bool wanted(const char *which)
{
    return *part == '\0' || strcmp(part, "full") == 0 || strcmp(part, which) == 0;
}

static void measure(double length)
{
    static struct connection conns[IDLE];
    if (wanted("bulk")) {
        bulk("bulk_1500", length, plain);
        bulk("bulk_9000", length, (struct linux_way){ .mtu = 9000, .offload = false });
        bulk("bulk_super", length,
             (struct linux_way){ .mtu = veth ? 1500 : 65536, .offload = true });
    }
    if (wanted("lifecycle")) {
        lifecycle("lifecycle_1", length, conns, 1);
        lifecycle("lifecycle_100", length, conns, 100);
        if (*part != '\0' && many >= LEAST)
            lifecycle("lifecycle_10k", length, conns, many);
    }
    if (wanted("round_trips"))
        all_round_trips(length, conns);
    if (wanted("memory") && *part != '\0')
        memory(conns);
}

/* How many connections a process may have here, both ends open, that is meant to have IDLE. */
static void find_room(void)
{
    const struct rlimit enough = { 2 * IDLE + SPARE, 2 * IDLE + SPARE };
    struct rlimit files;
    if (setrlimit(RLIMIT_NOFILE, &enough) != 0) {
        need(getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        many = files.rlim_max < enough.rlim_max ? ((unsigned)files.rlim_max - SPARE) / 2 : IDLE;
    }
    if (many < IDLE)
        fprintf(stderr, "# bench_linux: %u connections stand for %d, by the limit of open files\n",
                many, IDLE);
}

int main(int argc, char **argv)
{
    name = argc > 1 ? argv[1] : "";
    veth = strcmp(name, "veth") == 0;
    part = argc > 3 ? argv[3] : "";
    if (!veth && strcmp(name, "loopback") != 0) {
        fprintf(stderr, "usage: bench_linux loopback|veth [SECONDS [full | PART]]\n");
        return 2;
    }
    find_room();
    measure(argc > 2 ? atof(argv[2]) : 1.0);
    return 0;
}

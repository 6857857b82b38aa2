/* SPDX-License-Identifier: MIT */
/*
 * Two of our stacks back to back in memory, both on one core: what one puts out
 * is copied once into a buffer of the other's and summed on the way, as a link
 * may (wh_carry), and goes in.
 * Checksums are made by one and verified by the other, except where a row says
 * "super-segments": there the link is one that offers segmentation offload, as
 * TUN devices and virtual machines' networks do. Time is virtual; a turn of the
 * loop takes a microsecond of it.
 *
 *   core_bench [SECONDS [full | PART]]
 *
 * Each figure takes about SECONDS of a core's time; "full" adds those with a
 * million connections; PART (bulk, connections, round_trips) is one kind alone,
 * for a profiler.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <wavehand/link.h>
#include <wavehand/wavehand.h>

#include "figure.h"

enum {
    BATCH = 64,
    EVENTS = 64,
    MESSAGE = 64,
    PIECE = 65536,
    FIRST_PORT = 5000,
    PORTS = 64,
    IDLE = 10000
};

static wh_time now = WH_SECOND;

static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "core_bench: %s\n", what);
        exit(1);
    }
}

/* ------------------------------------------------------------------ ends -- */

struct end {
    wh_stack *host;
    wh_addr address;
};

struct world {
    struct end client, server;
    wh_listener *listeners[PORTS];
    uint64_t arrived; /* bytes at the server */
    bool echo;        /* the server answers what it gets */
    unsigned long answers, ended;
};

static void make_end(struct end *end, uint8_t last, bool super, uint32_t time_wait)
{
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    config.memory_cap = (size_t)8 << 30;
    wh_seed(config.seed, last);
    config.mtu = super ? 65535 : 1500;
    config.link_features = super ? WH_TX_CHECKSUM | WH_TX_SEGMENTATION : 0;
    if (time_wait > 0) {
        config.max_time_wait = time_wait;
    }
    need(wh_stack_new(&end->host, &config, now) == 0, "cannot make a stack");
    end->address = wh_ipv4(10, 0, 0, last);
    need(wh_address_add(end->host, &end->address, 24) == 0, "cannot add an address");
    /* In flight stays within the second-level cache, for the peers' windows are no larger. */
    wh_stack_set(end->host, WH_OPT_RECEIVE_BUFFER, 262144);
    wh_stack_set(end->host, WH_OPT_SEND_BUFFER, 262144);
    wh_stack_set(end->host, WH_OPT_NAGLE, 0);
}

static struct world *make_world(bool super, uint32_t time_wait)
{
    struct world *world = calloc(1, sizeof *world);
    need(world != NULL, "no memory");
    make_end(&world->client, 1, super, time_wait);
    make_end(&world->server, 2, super, time_wait);
    for (int i = 0; i < PORTS; i++) {
        wh_listen_options options;
        wh_listen_options_init(&options);
        options.local = (wh_endpoint){ world->server.address, (uint16_t)(FIRST_PORT + i) };
        need(wh_listen(world->server.host, &options, &world->listeners[i]) == 0, "cannot listen");
    }
    return world;
}

static void free_world(struct world *world)
{
    wh_stack_free(world->client.host);
    wh_stack_free(world->server.host);
    free(world);
}

/* ------------------------------------------------------------------ link -- */

/* One batch from one end to the other; false if there was nothing. */
static bool carry(struct end *from, struct end *to)
{
    wh_frame out[BATCH], in[BATCH];
    size_t count = wh_output(from->host, out, BATCH, now), crossed = 0;
    for (size_t i = 0; i < count; i++) {
        crossed += wh_carry(to->host, &out[i], &in[crossed]);
    }
    wh_sent(from->host, out, count);
    wh_input(to->host, in, crossed, now);
    return count > 0;
}

/* ----------------------------------------------------------- applications -- */

static void server_reads(struct world *world, wh_conn *conn, uint32_t ready)
{
    wh_slice slices[8];
    int n;
    while ((ready & WH_READABLE) && (n = wh_peek(conn, slices, 8)) > 0) {
        size_t length = 0;
        for (int i = 0; i < n; i++) {
            length += slices[i].length;
            if (world->echo) {
                wh_send(conn, slices[i].base, slices[i].length, 0);
            }
        }
        world->arrived += length;
        wh_consume(conn, length);
    }
    if (ready & (WH_EOF | WH_DEAD)) {
        wh_close(conn);
        world->ended++;
    }
}

static void serve(struct world *world)
{
    wh_event events[EVENTS];
    size_t n = wh_events(world->server.host, events, EVENTS);
    for (size_t i = 0; i < n; i++) {
        wh_conn *conn;
        if (events[i].listener != NULL) {
            while (wh_accept(events[i].listener, NULL, &conn) == 0) {
            }
        } else if (events[i].conn != NULL) {
            server_reads(world, events[i].conn, events[i].ready);
        }
    }
}

static void client_serves(struct world *world)
{
    wh_event events[EVENTS];
    char answer[MESSAGE];
    size_t n = wh_events(world->client.host, events, EVENTS);
    for (size_t i = 0; i < n; i++) {
        if (events[i].conn != NULL && (events[i].ready & WH_READABLE) &&
            wh_recv(events[i].conn, answer, sizeof answer) > 0) {
            world->answers++;
        }
    }
}

static void turn(struct world *world)
{
    now += WH_MICROSECOND;
    carry(&world->client, &world->server);
    serve(world);
    carry(&world->server, &world->client);
    client_serves(world);
}

static wh_conn *open_one(struct world *world, unsigned number)
{
    wh_connect_options options;
    wh_conn *conn;
    wh_connect_options_init(&options);
    options.remote =
        (wh_endpoint){ world->server.address, (uint16_t)(FIRST_PORT + number % PORTS) };
    need(wh_connect(world->client.host, &options, now, &conn) == 0, "cannot connect");
    while (wh_conn_state(conn) == WH_SYN_SENT) {
        turn(world);
    }
    need(wh_conn_state(conn) == WH_ESTABLISHED, "the connection does not open");
    return conn;
}

/* ---------------------------------------------------------------- figures -- */

/* The bytes never change, so that it does not matter when they are done with. */
static void done(void *argument) { (void)argument; }

static int64_t send_piece(wh_conn *conn, bool by_reference)
{
    static char piece[PIECE];
    return by_reference ? wh_send_ref(conn, piece, sizeof piece, 0, done, NULL)
                        : wh_send(conn, piece, sizeof piece, 0);
}

static void bulk(const char *key, double length, bool super, bool by_reference)
{
    struct world *world = make_world(super, 0);
    wh_conn *conn = open_one(world, 0);
    double start = cpu_seconds(), at = start;
    while (at - start < length) {
        for (int i = 0; i < 64; i++) {
            while (send_piece(conn, by_reference) == PIECE) {
            }
            turn(world);
        }
        at = cpu_seconds();
    }
    need(world->arrived > 0, "nothing arrives");
    figure(key, (double)world->arrived * 8e-9 / (at - start), "Gbit/s");
    free_world(world);
}

/* Opens, sends a byte each way, closes both sides; the client's end goes through TIME-WAIT. */
static void open_and_close(struct world *world, unsigned number)
{
    unsigned long answers = world->answers, ended = world->ended;
    wh_conn *conn = open_one(world, number);
    wh_send(conn, "x", 1, 0);
    while (world->answers == answers) {
        turn(world);
    }
    wh_close(conn);
    while (world->ended == ended) {
        turn(world);
    }
    turn(world);
}

/*
 * The clock moves `step` further after each connection, so that 60 s / step
 * entries stand in TIME-WAIT and expire at the rate at which new ones come.
 */
static void connections(const char *key, double length, wh_time step, unsigned warm_up)
{
    struct world *world = make_world(false, 2 << 20);
    unsigned number = 0, first;
    world->echo = true;
    for (; number < warm_up; number++) {
        open_and_close(world, number);
        now += step;
    }
    first = number;
    double start = cpu_seconds(), at = start;
    while (at - start < length) {
        for (int i = 0; i < 256; i++, number++) {
            open_and_close(world, number);
            now += step;
        }
        at = cpu_seconds();
    }
    figure(key, (double)(number - first) / (at - start), "1/s");
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(world->client.host, &stats);
    fprintf(stderr, "# %s: %u in TIME-WAIT at the end\n", key, stats.time_wait);
    free_world(world);
}

static void round_trips(const char *key, double length, struct world *world, wh_conn **conns,
                        unsigned n)
{
    static const char message[MESSAGE];
    unsigned long trips = 0;
    unsigned which = 0;
    double start = cpu_seconds(), at = start;
    while (at - start < length) {
        for (int i = 0; i < 256; i++, trips++) {
            unsigned long before = world->answers;
            which = (which + 7919) % n;
            wh_send(conns[which], message, MESSAGE, 0);
            while (world->answers == before) {
                turn(world);
            }
        }
        at = cpu_seconds();
    }
    figure(key, (double)trips / (at - start), "1/s");
}

static void all_round_trips(double length, bool full)
{
    unsigned most = full ? 1000000 : IDLE, count = 0;
    struct world *world = make_world(false, 0);
    wh_conn **conns = calloc((size_t)most + 1, sizeof *conns);
    need(conns != NULL, "no memory");
    world->echo = true;
    conns[count++] = open_one(world, 0);
    round_trips("core.round_trips.wavehand", length, world, conns, 1);
    for (; count <= IDLE; count++) {
        conns[count] = open_one(world, count);
    }
    round_trips("core.round_trips_10k_idle.wavehand", length, world, conns, 1);
    round_trips("core.round_trips_among_10k.wavehand", length, world, conns, IDLE);
    if (full) {
        for (; count <= most; count++) {
            conns[count] = open_one(world, count);
        }
        round_trips("core.round_trips_1m_idle.wavehand", length, world, conns, 1);
        round_trips("core.round_trips_among_1m.wavehand", length, world, conns, most);
    }
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(world->client.host, &stats);
    figure("core.bytes_idle.wavehand", (double)stats.memory / count, "bytes");
    free(conns);
    free_world(world);
}

int main(int argc, char **argv)
{
    double length = argc > 1 ? atof(argv[1]) : 1.0;
    const char *part = argc > 2 ? argv[2] : "all";
    bool full = strcmp(part, "full") == 0, all = full || strcmp(part, "all") == 0;
    if (all || strcmp(part, "bulk") == 0) {
        bulk("core.bulk.wavehand", length, false, false);
        bulk("core.bulk_ref.wavehand", length, false, true);
        bulk("core.bulk_super.wavehand", length, true, false);
        bulk("core.bulk_super_ref.wavehand", length, true, true);
    }
    if (all || strcmp(part, "connections") == 0) {
        connections("core.connections.wavehand", length, 4 * WH_MILLISECOND, 20000);
    }
    if (full) {
        connections("core.connections_1m_time_wait.wavehand", length, 60 * WH_MICROSECOND, 1000000);
    }
    if (all || strcmp(part, "round_trips") == 0) {
        all_round_trips(length, full);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "bench/world.h"

#include <stdlib.h>
#include <string.h>

#include <wavehand/link.h>

#include "base/bytes.h"
#include "bench/pattern.h"
#include "stack/stack.h"

enum {
    PORT = 5000,
    PATH_BATCH = 16,    /* frames that leave in a turn, of a path with a round-trip time */
    SLICES = 8,         /* of what waits, at a time */
    OPEN_AT_ONCE = 256, /* connections that are being opened */
    PATIENCE = 100000,  /* turns until what does not come will not come */
};

/* ------------------------------------------------------------------ making -- */

void world_options_init(struct world_options *options)
{
    memset(options, 0, sizeof *options);
    options->mtu = 1500;
    options->buffer = 262144; /* in flight stays within a second-level cache */
    options->msl = 30 * WH_SECOND;
    options->half_open = 65536;
    options->time_wait = 65536;
    options->connections = 10000;
}

void world_fail(struct world *world, const char *what)
{
    if (world->failed == NULL) {
        world->failed = what;
    }
}

/* The nth of the client's addresses, from 0; the server has the last but one of the network. */
static wh_addr client_address(const struct world *world, uint32_t n)
{
    wh_addr address = world->client.address;
    put32(address.bytes + 12, get32(address.bytes + 12) + n);
    return address;
}

static void set_options(wh_stack *host, uint32_t buffer)
{
    /* Of one fixed size: what is measured is the stack, not how it finds out about the path. */
    wh_stack_set(host, WH_OPT_RECEIVE_BUFFER, buffer);
    wh_stack_set(host, WH_OPT_SEND_BUFFER, buffer);
    wh_stack_set(host, WH_OPT_NAGLE, 0);
}

static void make_end(struct world *world, struct world_end *end,
                     const struct world_options *options)
{
    bool server = end == &world->server;
    wh_config config;
    wh_config_init(&config);
    config.memory = options->memory[server];
    if (config.memory.alloc == NULL) {
        config.memory = wh_memory_malloc();
    }
    config.memory_cap = (size_t)16 << 30;
    wh_seed(config.seed, server ? 2 : 1);
    config.mtu = options->mtu;
    config.link_features = options->super ? WH_TX_CHECKSUM | WH_TX_SEGMENTATION : 0;
    config.msl = options->msl;
    config.max_half_open = options->half_open;
    config.max_time_wait = options->time_wait;
    config.any_address = !server && world->addresses > 1;
    if (wh_stack_new(&end->host, &config, world->now) != 0) {
        world_fail(world, "no memory for a stack");
        return;
    }
    if (options->checksum != NULL) {
        end->host->tcp.checksum = options->checksum;
    }
    wh_address_add(end->host, &end->address, options->ipv6 ? 64 : 8);
    set_options(end->host, options->buffer);
}

static void make_listener(struct world *world, uint32_t backlog)
{
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local = (wh_endpoint){ world->server.address, PORT };
    options.backlog = backlog;
    if (wh_listen(world->server.host, &options, &world->listener) != 0) {
        world_fail(world, "cannot listen");
    }
}

/* On a path of some rate, a turn takes as long as what leaves in it takes to leave. */
static void set_path(struct world *world, const struct world_options *options)
{
    world->one_way = options->rtt / 2;
    world->batch = options->rtt > 0 ? PATH_BATCH : WORLD_BATCH;
    world->tick = WH_MICROSECOND;
    if (options->rtt > 0) {
        world->tick = (wh_time)PATH_BATCH * options->mtu * 8 * WH_SECOND / WORLD_RATE;
    }
}

struct world *world_new(const struct world_options *options)
{
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL) {
        return NULL;
    }
    world->now = WH_SECOND;
    set_path(world, options);
    world->addresses =
        (uint32_t)((options->connections + WORLD_PER_ADDRESS - 1) / WORLD_PER_ADDRESS);
    if (options->ipv6) {
        wh_addr_parse("fd00::1:0:0", &world->client.address);
        wh_addr_parse("fd00::ffff:ffff:fffe", &world->server.address);
    } else {
        world->client.address = wh_ipv4(10, 1, 0, 0);
        world->server.address = wh_ipv4(10, 255, 255, 254);
    }
    make_end(world, &world->client, options);
    if (world->failed == NULL) {
        make_end(world, &world->server, options);
    }
    if (world->failed == NULL) {
        make_listener(world, options->half_open);
    }
    return world;
}

void world_free(struct world *world)
{
    if (world != NULL) {
        delay_free(&world->client.coming, world->client.host);
        delay_free(&world->server.coming, world->server.host);
        wh_stack_free(world->client.host);
        wh_stack_free(world->server.host);
        free(world);
    }
}

/* -------------------------------------------------------------------- link -- */

/* Copies an outgoing frame into a buffer of the receiver's; false, and it is lost, if it has none. */
static bool cross(struct world *world, wh_stack *to, const wh_frame *out, wh_frame *in)
{
    if (!wh_carry(to, out, in)) {
        world_fail(world, "no memory for a frame");
        return false;
    }
    if (world->spoil != NULL) {
        world->spoil(world, (uint8_t *)(uintptr_t)in->slice[0].base, in->length);
        in->flags &= (uint16_t)~WH_FRAME_SUMMED; /* the sum is that of the frame as it was */
    }
    return true;
}

bool world_carry(struct world *world, struct world_end *from, struct world_end *to)
{
    size_t count = wh_output(from->host, world->out, world->batch, world->now), crossed = 0;
    for (size_t i = 0; i < count; i++) {
        crossed += cross(world, to->host, &world->out[i], &world->in[crossed]);
    }
    wh_sent(from->host, world->out, count);
    if (world->one_way > 0) {
        if (!delay_put(&to->coming, world->in, crossed, world->now + world->one_way)) {
            world_fail(world, "no memory for what is on its way");
        }
        crossed = delay_take(&to->coming, world->in, WORLD_BATCH, world->now);
    }
    wh_input(to->host, world->in, crossed, world->now);
    return count > 0;
}

/* ------------------------------------------------------------ applications -- */

static void take(struct world *world, wh_conn *conn, const wh_slice *slice)
{
    if (world->echo && wh_send(conn, slice->base, slice->length, 0) != (int64_t)slice->length) {
        world_fail(world, "the server cannot answer");
    }
    if (world->verify &&
        pattern_match(world->arrived, slice->base, slice->length) != slice->length) {
        world_fail(world, "what arrived is not what was sent");
    }
    world->arrived += slice->length;
}

static void server_reads(struct world *world, wh_conn *conn, uint32_t ready)
{
    wh_slice slices[SLICES];
    int n;
    while ((ready & WH_READABLE) && (n = wh_peek(conn, slices, SLICES)) > 0) {
        size_t length = 0;
        for (int i = 0; i < n; i++) {
            take(world, conn, &slices[i]);
            length += slices[i].length;
        }
        wh_consume(conn, length);
    }
    if (ready & WH_DEAD) {
        world_fail(world, "a connection of the server's died");
    }
    if (ready & (WH_EOF | WH_DEAD)) {
        wh_close(conn);
        world->ended++;
    }
}

void world_serve(struct world *world)
{
    wh_event events[WORLD_EVENTS];
    size_t n;
    do {
        n = wh_events(world->server.host, events, WORLD_EVENTS);
        for (size_t i = 0; i < n; i++) {
            wh_conn *conn;
            if (events[i].conn != NULL) {
                server_reads(world, events[i].conn, events[i].ready);
            }
            while (events[i].listener != NULL && wh_accept(events[i].listener, NULL, &conn) == 0) {
                world->accepted++;
            }
        }
    } while (n == WORLD_EVENTS && world->failed == NULL);
}

static void client_serves(struct world *world)
{
    wh_event events[WORLD_EVENTS];
    size_t n;
    do {
        n = wh_events(world->client.host, events, WORLD_EVENTS);
        for (size_t i = 0; i < n; i++) {
            world->connected += (events[i].ready & WH_CONNECTED) != 0;
            if (events[i].ready & WH_DEAD) {
                world_fail(world, "a connection of the client's died");
            }
            if (world->heard != NULL) {
                world->heard(world, &events[i]);
            }
        }
    } while (n == WORLD_EVENTS && world->failed == NULL);
}

void world_turn(struct world *world)
{
    world->now += world->tick;
    world_carry(world, &world->client, &world->server);
    world_serve(world);
    world_carry(world, &world->server, &world->client);
    client_serves(world);
}

void world_rest(struct world *world, wh_time duration)
{
    wh_time end = world->now + duration;
    while (world->failed == NULL) {
        wh_time wake = MIN(wh_wake(world->client.host), wh_wake(world->server.host));
        if (wake > end) {
            break;
        }
        world->now = MAX(world->now, wake);
        world_turn(world);
    }
    world->now = MAX(world->now, end);
    world_turn(world);
}

/* ----------------------------------------------------------------- opening -- */

wh_conn *world_connect(struct world *world, void *user)
{
    wh_connect_options options;
    wh_conn *conn;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ world->server.address, PORT };
    options.user = user;
    if (world->addresses > 1) {
        uint32_t n = (uint32_t)(world->opened / WORLD_PER_ADDRESS % world->addresses);
        options.local.addr = client_address(world, n);
    }
    if (wh_connect(world->client.host, &options, world->now, &conn) != 0) {
        world_fail(world, "cannot connect");
        return NULL;
    }
    world->opened++;
    return conn;
}

void world_open(struct world *world, wh_conn **conns, uint64_t n)
{
    uint64_t begun = 0, before = world->connected, before_there = world->accepted;
    unsigned patience = PATIENCE;
    while (world->failed == NULL &&
           (world->connected - before < n || world->accepted - before_there < n)) {
        while (begun < n && begun - (world->connected - before) < OPEN_AT_ONCE) {
            wh_conn *conn = world_connect(world, NULL);
            if (conn == NULL) {
                return;
            }
            if (conns != NULL) {
                conns[begun] = conn;
            }
            begun++;
        }
        uint64_t last = world->connected;
        world_turn(world);
        patience = world->connected > last ? PATIENCE : patience - 1;
        if (patience == 0) {
            world_fail(world, "connections do not open");
        }
    }
}

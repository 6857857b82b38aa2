/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT 7
#define START (5 * WH_SECOND)
#define MOST_PIECE 65536

uint64_t luck_next(struct luck *luck)
{
    uint64_t z = (luck->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t luck_below(struct luck *luck, uint64_t below) { return luck_next(luck) % below; }

static void *take(void *context, size_t size)
{
    struct counted *counted = context;
    counted->calls++;
    if (counted->fail_at != 0 && counted->calls >= counted->fail_at &&
        (counted->calls - counted->fail_at) % counted->fail_every == 0) {
        return NULL;
    }
    void *memory = malloc(size);
    counted->now += memory != NULL ? size : 0;
    if (counted->now > counted->peak) {
        counted->peak = counted->now;
    }
    return memory;
}

static void give(void *context, void *memory, size_t size)
{
    struct counted *counted = context;
    counted->now -= size;
    free(memory);
}

wh_memory counted_memory(struct counted *counted) { return (wh_memory){ counted, take, give }; }

bool world_fail(struct world *world, const char *format, ...)
{
    if (world->why[0] == 0) {
        va_list list;
        va_start(list, format);
        vsnprintf(world->why, sizeof world->why, format, list);
        va_end(list);
    }
    return false;
}

uint8_t talk_byte(const struct talk *talk, bool from_client, uint64_t at)
{
    uint64_t block = (at >> 8) + 2 * (uint64_t)talk->number + from_client;
    return (uint8_t)(at + (block * UINT64_C(0x9e3779b97f4a7c15) >> 56));
}

/* --------------------------------------------------------------- drawing -- */

static const char *const possible_faults[][4] = {
    { NULL },
    { "delay 20ms", NULL },
    { "loss 3%", "delay 10ms", NULL },
    { "loss 1%", "reorder 3%", "duplicate 2%", NULL },
    { "corrupt 1%", "delay 5ms", "jitter 4ms", NULL },
    { "reorder 10%", "delay 3ms", NULL },
    { "rate 20mbit", "delay 2ms", NULL },
    { "duplicate 20%", "loss 5%", "delay 1ms", NULL },
};

static void draw_options(struct luck *luck, int64_t options[8][2])
{
    static const struct {
        wh_option option;
        int64_t value[3];
    } choices[] = {
        { WH_OPT_SACK, { 0, 1, 1 } },
        { WH_OPT_TIMESTAMPS, { 0, 1, 1 } },
        { WH_OPT_WINDOW_SCALING, { 0, 1, 1 } },
        { WH_OPT_NAGLE, { 0, 1, 1 } },
        { WH_OPT_SEND_BUFFER, { 4096, 65536, 4194304 } },
        { WH_OPT_RECEIVE_BUFFER, { 4096, 65536, 1048576 } },
        { WH_OPT_ACK_DELAY, { 0, 40000000, 200000000 } },
        { WH_OPT_ECN, { 0, 1, 2 } },
    };
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        options[i][0] = (int64_t)choices[i].option + 1;
        options[i][1] = choices[i].value[luck_below(luck, 3)];
    }
}

void plan_draw(struct plan *plan, uint64_t seed)
{
    struct luck luck = { seed * 1000003 };
    memset(plan, 0, sizeof *plan);
    plan->seed = seed;
    plan->v6 = seed % 2 == 0;
    plan->talks = 250;
    plan->at_once = 1 + (uint32_t)luck_below(&luck, 100);
    plan->most_bytes = UINT64_C(1) << (10 + luck_below(&luck, 10));
    plan->aborts = luck_below(&luck, 2) == 0;
    const size_t kinds = sizeof possible_faults / sizeof possible_faults[0];
    memcpy(plan->faults, possible_faults[seed % kinds], sizeof possible_faults[0]);
    static const uint32_t mtus[] = { 0, 1280, 9000, 65520 };
    plan->mtu = mtus[luck_below(&luck, 4)];
    static const uint32_t features[] = { 0, WH_TX_CHECKSUM, WH_TX_CHECKSUM | WH_TX_SEGMENTATION };
    plan->features = features[luck_below(&luck, 3)];
    draw_options(&luck, plan->options[0]);
    draw_options(&luck, plan->options[1]);
}

/* --------------------------------------------------------------- making -- */

static bool make_host(struct world *world, int side)
{
    const struct plan *plan = &world->plan;
    wh_config config;
    wh_config_init(&config);
    config.memory = counted_memory(&world->memory[side]);
    config.memory_cap = plan->cap[side] != 0 ? plan->cap[side] : config.memory_cap;
    wh_seed(config.seed, plan->seed * 2 + (unsigned)side + 1);
    config.mtu = plan->mtu != 0 ? plan->mtu : config.mtu;
    config.link_features = plan->features;
    config.trace_records = plan->trace_records;
    config.trace_sender = plan->trace_sender;
    config.max_half_open = plan->no_half_open ? 0 : config.max_half_open;
    if (wh_stack_new(&world->host[side], &config, START) < 0) {
        return world_fail(world, "wh_stack_new");
    }
    const char *text[2][2] = { { "10.0.0.1", "10.0.0.2" }, { "fd00::1", "fd00::2" } };
    wh_addr_parse(text[plan->v6][side], &world->address[side]);
    if (wh_address_add(world->host[side], &world->address[side], plan->v6 ? 64 : 24) < 0) {
        return world_fail(world, "wh_address_add");
    }
    for (int i = 0; i < 8 && plan->options[side][i][0] != 0; i++) {
        wh_option option = (wh_option)(plan->options[side][i][0] - 1);
        if (wh_stack_set(world->host[side], option, plan->options[side][i][1]) < 0) {
            return world_fail(world, "option %s", wh_option_name(option));
        }
    }
    return true;
}

static bool make_path(struct world *world)
{
    const struct plan *plan = &world->plan;
    wh_path_options options;
    char error[160];
    wh_path_options_init(&options);
    options.mtu = plan->mtu != 0 ? plan->mtu : 1500;
    wh_seed(options.seed, plan->seed * 2 + 77);
    if (wh_path_new(&world->path, &options) < 0) {
        return world_fail(world, "wh_path_new");
    }
    for (int i = 0; i < 8 && plan->faults[i] != NULL; i++) {
        if (wh_path_fault(world->path, plan->faults[i], error, sizeof error) < 0) {
            return world_fail(world, "fault %s: %s", plan->faults[i], error);
        }
    }
    if (wh_sim_new(&world->sim, START) < 0 ||
        wh_sim_join(world->sim, world->host[0], world->host[1], world->path) < 0) {
        return world_fail(world, "wh_sim");
    }
    return true;
}

static void draw_end(struct world *world, struct talk *talk, bool client)
{
    struct end *end = &talk->end[!client];
    struct luck *luck = &world->luck;
    end->talk = talk;
    end->client = client;
    /* Small ones, large ones, none at all; the logarithm is what is even. */
    uint64_t most = world->plan.most_bytes;
    uint64_t limit = UINT64_C(1) << luck_below(luck, 40);
    limit = limit > most ? most : limit;
    end->to_send = luck_below(luck, 8) == 0 ? 0 : luck_below(luck, limit + 1);
    end->to_send += client && world->plan.client_speaks && end->to_send == 0;
    end->piece = 1 + (uint32_t)luck_below(luck, UINT64_C(1) << (2 + luck_below(luck, 15)));
    end->abort_at = UINT64_MAX;
    bool aborts = talk->ending == (client ? END_CLIENT_ABORT : END_SERVER_ABORT);
    if (aborts) {
        end->abort_at = luck_below(luck, end->to_send + 1);
    }
}

bool world_make(struct world *world, const struct plan *plan)
{
    memset(world, 0, sizeof *world);
    world->plan = *plan;
    world->luck.state = plan->seed;
    world->talk = calloc(plan->talks, sizeof *world->talk);
    if (world->talk == NULL) {
        abort();
    }
    if (!make_host(world, 0) || !make_host(world, 1) || !make_path(world)) {
        return false;
    }
    for (uint32_t i = 0; i < plan->talks; i++) {
        struct talk *talk = &world->talk[i];
        talk->world = world;
        talk->number = i;
        talk->ending =
            (enum ending)luck_below(&world->luck, plan->aborts ? ENDINGS : END_CLIENT_ABORT);
        draw_end(world, talk, true);
        draw_end(world, talk, false);
    }
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local.port = PORT;
    options.backlog = plan->at_once + 16;
    options.fast_open = plan->fast_open ? plan->at_once + 16 : 0;
    if (wh_listen(world->host[1], &options, &world->listener) < 0) {
        return world_fail(world, "wh_listen");
    }
    return true;
}

/* -------------------------------------------------------------- talking -- */

/* Keeps a talk from waiting for ever when the RST that ended its other half was lost. */
static void watch_peer(wh_conn *conn)
{
    wh_set(conn, WH_OPT_KEEPALIVE_IDLE, (int64_t)(20 * WH_SECOND));
    wh_set(conn, WH_OPT_KEEPALIVE_INTERVAL, (int64_t)(10 * WH_SECOND));
    wh_set(conn, WH_OPT_KEEPALIVE, 1);
    wh_watch(conn, WH_ANY_EVENT & ~(unsigned)WH_ACKED);
}

static bool write_some(struct end *end);

static bool start_talk(struct world *world)
{
    struct talk *talk = &world->talk[world->started];
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ world->address[1], PORT };
    options.user = &talk->end[0];
    options.flags = world->plan.fast_open ? WH_CONNECT_FAST_OPEN : 0;
    int result = wh_connect(world->host[0], &options, wh_sim_now(world->sim), &talk->end[0].conn);
    if (result == WH_E_ADDRNOTAVAIL || result == WH_E_NOMEM) {
        talk->end[0].conn = NULL;
        if (world->lenient) {
            world->started++;
            world->failed_opens++;
            world->finished += 2;
        }
        return world->lenient;
    }
    if (result < 0) {
        return world_fail(world, "wh_connect: %s", wh_strerror(result));
    }
    wh_endpoint local, remote;
    wh_endpoints(talk->end[0].conn, &local, &remote);
    world->by_port[local.port] = talk;
    watch_peer(talk->end[0].conn);
    if (world->plan.fast_open) {
        (void)write_some(&talk->end[0]);
    }
    world->started++;
    return true;
}

static void accept_all(struct world *world)
{
    wh_conn *conn;
    while (wh_accept(world->listener, NULL, &conn) >= 0) {
        wh_endpoint local, remote;
        wh_endpoints(conn, &local, &remote);
        struct talk *talk = world->by_port[remote.port];
        if (talk == NULL || talk->end[1].conn != NULL || talk->end[1].done) {
            /* Nobody asked for it: an old SYN that was delayed may look like this; it must die by itself. */
            wh_abort(conn);
            if (talk == NULL) {
                world_fail(world, "a connection from port %u, which never opened one", remote.port);
            }
            continue;
        }
        talk->end[1].conn = conn;
        wh_set_user(conn, &talk->end[1]);
        watch_peer(conn);
    }
}

static void over(struct world *world, struct end *end)
{
    if (!end->done) {
        end->done = true;
        world->finished++;
    }
}

static bool read_some(struct world *world, struct end *end)
{
    static uint8_t data[MOST_PIECE];
    const struct end *other = &end->talk->end[end->client];
    bool acted = false;
    int64_t n;
    while ((n = wh_recv(end->conn, data, end->piece)) > 0) {
        for (int64_t i = 0; i < n; i++) {
            uint64_t at = end->received + (uint64_t)i;
            if (data[i] != talk_byte(end->talk, !end->client, at)) {
                world_fail(world, "talk %u: byte %" PRIu64 " from the %s is wrong",
                           end->talk->number, at, end->client ? "server" : "client");
                return false;
            }
        }
        end->received += (uint64_t)n;
        world->bytes += (uint64_t)n;
        acted = true;
        if (end->received > other->sent) {
            world_fail(world, "talk %u: more arrived than was sent", end->talk->number);
            return false;
        }
    }
    if (n == 0 && !end->eof) {
        end->eof = true;
        acted = true;
        if (end->received != other->to_send || !other->shut) {
            world_fail(world, "talk %u: end of file after %" PRIu64 " of %" PRIu64 " bytes",
                       end->talk->number, end->received, other->to_send);
        }
    }
    return acted;
}

/* When may this end begin to send? */
static bool may_send(const struct end *end)
{
    return !(end->talk->ending == END_HALF_CLOSE && !end->client && !end->eof);
}

static bool write_some(struct end *end)
{
    static uint8_t data[MOST_PIECE];
    bool acted = false;
    while (may_send(end) && end->sent < end->to_send) {
        uint64_t length = end->to_send - end->sent;
        length = length < end->piece ? length : end->piece;
        for (uint64_t i = 0; i < length; i++) {
            data[i] = talk_byte(end->talk, end->client, end->sent + i);
        }
        int64_t n = wh_send(end->conn, data, (size_t)length, 0);
        if (n <= 0) {
            break;
        }
        end->sent += (uint64_t)n;
        acted = true;
    }
    return acted;
}

/* Is it this end's turn to shut down? */
static bool may_shut(const struct end *end)
{
    switch (end->talk->ending) {
    case END_CLIENT_FIRST: return end->client || end->eof;
    case END_SERVER_FIRST: return !end->client || end->eof;
    case END_HALF_CLOSE: return end->client || end->eof;
    default: return true;
    }
}

static bool aborted_by_plan(const struct talk *talk)
{
    return talk->ending == END_CLIENT_ABORT || talk->ending == END_SERVER_ABORT;
}

/* The connection is over by somebody else's doing. */
static void bury(struct world *world, struct end *end)
{
    int error = wh_conn_error(end->conn);
    bool whole = end->eof && end->shut && end->sent == end->to_send;
    bool pardoned = aborted_by_plan(end->talk) || world->lenient;
    if (error != 0 && !pardoned) {
        world_fail(world, "talk %u (ending %d): the %s's connection died: %s", end->talk->number,
                   (int)end->talk->ending, end->client ? "client" : "server", wh_strerror(error));
    } else if (error == 0 && !whole && !pardoned) {
        world_fail(world, "talk %u: over before its end", end->talk->number);
    }
    end->error = error;
    wh_close(end->conn);
    end->conn = NULL;
    over(world, end);
}

/* Does whatever this end can do now. True if anything changed. */
static bool serve(struct world *world, struct end *end)
{
    if (end->conn == NULL || wh_conn_state(end->conn) == WH_SYN_SENT) {
        if (end->conn == NULL || !(wh_ready(end->conn) & WH_DEAD)) {
            return false;
        }
    }
    bool acted = read_some(world, end);
    acted |= write_some(end);
    if (end->sent >= end->abort_at && !(wh_ready(end->conn) & WH_DEAD)) {
        wh_abort(end->conn);
        end->conn = NULL;
        over(world, end);
        return true;
    }
    if (!end->shut && end->sent == end->to_send && may_send(end) && may_shut(end)) {
        end->shut = wh_shutdown(end->conn, WH_WRITE) >= 0;
        acted |= end->shut;
    }
    if (wh_ready(end->conn) & WH_DEAD) {
        bury(world, end);
        return true;
    }
    if (end->shut && end->eof) {
        wh_close(end->conn);
        end->conn = NULL;
        over(world, end);
        return true;
    }
    return acted;
}

static bool serve_events(struct world *world)
{
    wh_event event[64];
    bool acted = false;
    for (int side = 0; side < 2; side++) {
        size_t n = wh_events(world->host[side], event, 64);
        for (size_t i = 0; i < n && world->why[0] == 0; i++) {
            if (event[i].listener != NULL) {
                accept_all(world);
                acted = true;
            } else if (event[i].conn != NULL && event[i].user != NULL) {
                acted |= serve(world, event[i].user);
            }
        }
    }
    return acted;
}

wh_time world_turn(struct world *world)
{
    wh_time next;
    do {
        next = wh_sim_settle(world->sim);
    } while (serve_events(world) && world->why[0] == 0);
    return next;
}

/* A conversation aborted before the server accepted it never had a second end. */
static bool bury_ghosts(struct world *world)
{
    bool any = false;
    for (uint32_t i = 0; i < world->started; i++) {
        struct talk *talk = &world->talk[i];
        struct end *server = &talk->end[1];
        if (aborted_by_plan(talk) && talk->end[0].done && !server->done && server->conn == NULL) {
            over(world, server);
            any = true;
        }
    }
    return any;
}

bool world_run(struct world *world)
{
    const struct plan *plan = &world->plan;
    wh_time limit = START + 24 * 3600 * WH_SECOND;
    while (world->finished < 2 * plan->talks && world->why[0] == 0) {
        while (world->started < plan->talks &&
               2 * world->started - world->finished < 2 * plan->at_once) {
            if (!start_talk(world)) {
                break;
            }
        }
        wh_time next = world_turn(world);
        if (world->finished == 2 * plan->talks) {
            break;
        }
        bool room = world->started < plan->talks &&
                    2 * world->started - world->finished < 2 * plan->at_once;
        if (next == WH_NEVER && !room && bury_ghosts(world)) {
            continue;
        }
        if (next == WH_NEVER && !room) {
            /* An end whose other end was never accepted, or died unseen. */
            if (!world->lenient) {
                return world_fail(world, "nothing more happens, and %u of %u ends are open",
                                  2 * plan->talks - world->finished, 2 * plan->talks);
            }
            return true;
        }
        if (next > limit) {
            return world->lenient || world_fail(world, "a day has passed");
        }
        wh_sim_advance(world->sim, next);
    }
    return world->why[0] == 0;
}

bool world_settle(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.talks; i++) {
        for (int side = 0; side < 2; side++) {
            struct end *end = &world->talk[i].end[side];
            if (end->conn != NULL) {
                wh_abort(end->conn);
                end->conn = NULL;
            }
        }
    }
    if (world->listener != NULL) {
        wh_listener_close(world->listener);
        world->listener = NULL;
    }
    for (unsigned turns = 0; turns < 1000000; turns++) {
        wh_time next = wh_sim_settle(world->sim);
        if (next == WH_NEVER) {
            break;
        }
        wh_sim_advance(world->sim, next);
    }
    for (int side = 0; side < 2; side++) {
        wh_stats stats = { .size = sizeof stats };
        wh_stats_get(world->host[side], &stats);
        if (stats.connections + stats.half_open + stats.time_wait + stats.held + stats.listeners +
                stats.timers + stats.frames_lent !=
            0) {
            return world_fail(
                world,
                "host %d: %u connections, %u half-open, %u in TIME-WAIT, %u timers, %u frames left",
                side, stats.connections, stats.half_open, stats.time_wait, stats.timers,
                stats.frames_lent);
        }
        const char *broken = wh_check(world->host[side]);
        if (broken != NULL) {
            return world_fail(world, "host %d: %s", side, broken);
        }
        if (world->plan.cap[side] != 0 && world->memory[side].peak > world->plan.cap[side]) {
            return world_fail(world, "host %d: the cap of %zu was exceeded: %zu", side,
                              world->plan.cap[side], world->memory[side].peak);
        }
    }
    return world->why[0] == 0;
}

bool world_free(struct world *world)
{
    for (int side = 0; side < 2; side++) {
        if (world->host[side] != NULL) {
            wh_stack_free(world->host[side]);
            world->host[side] = NULL;
        }
    }
    wh_sim_free(world->sim);
    free(world->talk);
    world->talk = NULL;
    for (int side = 0; side < 2; side++) {
        if (world->memory[side].now != 0) {
            world_fail(world, "host %d: %zu bytes not given back", side, world->memory[side].now);
        }
    }
    return world->why[0] == 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Very many connections in one process, all of them established at once, over IPv6;
 * then all of them closed in order. The client's end of each goes through TIME-WAIT,
 * whose table is bounded: the oldest entry makes room.
 */
#include <malloc.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "bench/kinds.h"
#include "bench/machine.h"

enum {
    CLOSE_AT_ONCE = 256, /* connections that are being closed */
    PATIENCE = 100000,   /* turns in which none ends */
    LAST_TURNS = 4,      /* until the last ACK has arrived */
};

struct crowd_state {
    struct world *world;
    wh_conn **conns;
    uint32_t pairs;
};

static void prepare(struct bench_task *task)
{
    const struct crowd *crowd = task->row->parameters;
    struct world_options options;
    struct crowd_state *state = calloc(1, sizeof *state);
    task->state = state;
    if (state == NULL) {
        bench_fail(task, "no memory");
        return;
    }
    malloc_trim(0);
    machine_forget_peak();
    state->pairs = crowd->pairs;
    state->conns = calloc(crowd->pairs, sizeof(wh_conn *));
    world_options_init(&options);
    options.ipv6 = true;
    options.connections = crowd->pairs;
    state->world = bench_world(task, &options);
    if (state->conns == NULL) {
        bench_fail(task, "no memory");
    }
}

static void close_all(struct crowd_state *state)
{
    struct world *world = state->world;
    uint32_t closed = 0;
    unsigned patience = PATIENCE;
    while (world->ended < state->pairs && world->failed == NULL) {
        uint64_t before = world->ended;
        while (closed < state->pairs && closed - before < CLOSE_AT_ONCE) {
            wh_close(state->conns[closed++]);
        }
        world_turn(world);
        patience = world->ended > before ? PATIENCE : patience - 1;
        if (patience == 0) {
            world_fail(world, "connections do not end");
        }
    }
    for (unsigned i = 0; i < LAST_TURNS; i++) {
        world_turn(world);
    }
}

/* How many connections each of both ends has; the lesser number. */
static uint32_t standing(const struct world *world, uint32_t *time_wait)
{
    wh_stats client = { .size = sizeof client }, server = { .size = sizeof server };
    wh_stats_get(world->client.host, &client);
    wh_stats_get(world->server.host, &server);
    *time_wait = client.time_wait;
    return MIN(client.connections, server.connections);
}

static void measure(struct bench_task *task, double seconds)
{
    struct crowd_state *state = task->state;
    struct world *world = state->world;
    uint32_t time_wait;
    (void)seconds;
    double start = machine_core_seconds();
    world_open(world, state->conns, state->pairs);
    double opened = machine_core_seconds();
    uint64_t held = machine_resident();
    if (standing(world, &time_wait) != state->pairs) {
        world_fail(world, "not all are established");
    }
    close_all(state);
    double closed = machine_core_seconds();
    if (standing(world, &time_wait) != 0) {
        world_fail(world, "not all are closed");
    }
    task->value = (double)machine_resident_peak() / (1 << 30);
    bench_note(task, "endpoints", 2.0 * state->pairs);
    bench_note(task, "bytes_each", (double)held / 2 / state->pairs);
    bench_note(task, "opened_per_second", state->pairs / (opened - start));
    bench_note(task, "closed_per_second", state->pairs / (closed - opened));
    bench_note(task, "time_wait", time_wait);
    bench_fail(task, world->failed);
}

static void release(struct bench_task *task)
{
    struct crowd_state *state = task->state;
    if (state != NULL) {
        world_free(state->world);
        free(state->conns);
        free(state);
    }
}

const struct bench_kind crowd_kind = { prepare, measure, release, true };

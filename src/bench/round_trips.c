/* SPDX-License-Identifier: MIT */
/*
 * A message there and back, then the next: on one connection, alone or beside others
 * that say nothing, or on each of many in an order that skips about.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/kinds.h"
#include "bench/machine.h"
#include "bench/pattern.h"

enum {
    MESSAGE = 64,     /* bytes */
    LOOK = 256,       /* round trips between two looks at the clock */
    CHECKED = 2000,   /* round trips of the pass that looks at each byte */
    STRIDE = 7919,    /* a prime: the next connection is never a neighbour of the last */
    PATIENCE = 10000, /* turns without an answer */
};

struct round_trips_state {
    struct world *world;
    wh_conn **conns;
    uint32_t count; /* that take turns */
    uint32_t which;
    uint64_t sent, answers; /* messages */
    uint8_t message[MESSAGE];
};

static void heard(struct world *world, const wh_event *event)
{
    struct round_trips_state *state = world->owner;
    uint8_t answer[MESSAGE + 1];
    if ((event->ready & WH_READABLE) == 0) {
        return;
    }
    int64_t length = wh_recv(event->conn, answer, sizeof answer);
    if (length != MESSAGE) {
        world_fail(world, "the answer is longer or shorter than what was said");
    } else if (world->verify && memcmp(answer, state->message, MESSAGE) != 0) {
        world_fail(world, "the answer is not what was said");
    }
    state->answers++;
}

static void make_trips(struct round_trips_state *state, unsigned trips)
{
    struct world *world = state->world;
    for (unsigned i = 0; i < trips && world->failed == NULL; i++) {
        unsigned patience = PATIENCE;
        state->which = (state->which + STRIDE) % state->count;
        if (world->verify) {
            pattern_fill(state->sent * MESSAGE, state->message, MESSAGE);
        }
        wh_send(state->conns[state->which], state->message, MESSAGE, 0);
        state->sent++;
        while (state->answers < state->sent && world->failed == NULL) {
            world_turn(world);
            if (--patience == 0) {
                world_fail(world, "no answer comes");
            }
        }
    }
}

/* The server verifies a stream; of messages on many connections only the client can. */
static void check(struct round_trips_state *state)
{
    state->world->arrived = 0;
    state->world->verify = true;
    make_trips(state, CHECKED);
    state->world->verify = false;
}

static void prepare(struct bench_task *task)
{
    const struct round_trips *trips = task->row->parameters;
    struct world_options options;
    struct round_trips_state *state = calloc(1, sizeof *state);
    task->state = state;
    if (state == NULL) {
        bench_fail(task, "no memory");
        return;
    }
    world_options_init(&options);
    options.connections = (uint64_t)trips->idle + 1;
    state->conns = calloc((size_t)trips->idle + 1, sizeof *state->conns);
    state->world = bench_world(task, &options);
    if (state->world == NULL || state->conns == NULL) {
        bench_fail(task, "no memory");
        return;
    }
    state->world->echo = true;
    state->world->heard = heard;
    state->world->owner = state;
    world_open(state->world, state->conns, (uint64_t)trips->idle + 1);
    state->count = trips->among ? trips->idle : 1;
    check(state);
    bench_fail(task, state->world->failed);
}

static void measure(struct bench_task *task, double seconds)
{
    struct round_trips_state *state = task->state;
    uint64_t before = state->answers;
    double start = machine_core_seconds(), at = start;
    while (at - start < seconds && state->world->failed == NULL) {
        make_trips(state, LOOK);
        at = machine_core_seconds();
    }
    task->value = (double)(state->answers - before) / (at - start);
    bench_fail(task, state->world->failed);
}

static void release(struct bench_task *task)
{
    struct round_trips_state *state = task->state;
    if (state != NULL) {
        world_free(state->world);
        free(state->conns);
        free(state);
    }
}

const struct bench_kind round_trips_kind = { prepare, measure, release, false };

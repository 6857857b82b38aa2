/* SPDX-License-Identifier: MIT */
/*
 * The whole life of a connection: handshake, a byte there and back, both sides close.
 * The client closes first and passes through TIME-WAIT. A number of them is under way at
 * once; whenever one is over, the next one opens.
 *
 * How many stand in TIME-WAIT is a matter of the clock: at a steady pace of new ones, 2MSL
 * is chosen such that as many expire as come. A turn takes a millisecond of virtual time,
 * which is the finest that TIME-WAIT ends by: a million of them stand for a minute. The
 * other timers (retransmission, delayed acknowledgement) are longer than a life's few turns.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "bench/kinds.h"
#include "bench/machine.h"

enum {
    LOOK = 256,        /* connections between two looks at the clock, at least */
    TURNS_OF_LIFE = 6, /* turns from one SYN to the next in its place */
    CHECKED = 2000,    /* connections of the pass that looks at each answer */
    PATIENCE = 100000, /* turns in which no connection ends */
};

#define TURN WH_MILLISECOND

struct lifecycle_state {
    struct world *world;
    uint64_t over;    /* connections that had ended a turn ago: their last ACK is here */
    uint64_t answers; /* bytes that came back */
};

/* Each connection says a byte of its own, and expects it back. */
static uint8_t byte_of(const void *user) { return (uint8_t)(uintptr_t)user; }

static void heard(struct world *world, const wh_event *event)
{
    struct lifecycle_state *state = world->owner;
    uint8_t byte = byte_of(event->user);
    if (event->ready & WH_CONNECTED) {
        if (wh_send(event->conn, &byte, 1, 0) != 1) {
            world_fail(world, "the client cannot speak");
        }
    }
    if (event->ready & WH_READABLE) {
        uint8_t answer[2];
        if (wh_recv(event->conn, answer, sizeof answer) != 1 || answer[0] != byte) {
            world_fail(world, "the answer is not what was said");
        }
        state->answers++;
        wh_close(event->conn);
    }
}

static void turn(struct lifecycle_state *state, uint32_t in_flight)
{
    struct world *world = state->world;
    uint64_t ended = world->ended;
    while (world->opened - state->over < in_flight && world->failed == NULL) {
        world_connect(world, (void *)(uintptr_t)world->opened);
    }
    world_turn(world);
    state->over = ended;
}

/* So many lives more, begun and ended in passing. */
static void live(struct lifecycle_state *state, uint32_t in_flight, uint64_t lives)
{
    struct world *world = state->world;
    uint64_t goal = world->ended + lives;
    unsigned patience = PATIENCE;
    while (world->ended < goal && world->failed == NULL) {
        uint64_t before = world->ended;
        turn(state, in_flight);
        patience = world->ended > before ? PATIENCE : patience - 1;
        if (patience == 0) {
            world_fail(world, "connections do not end");
        }
    }
}

static uint32_t standing(const struct world *world)
{
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(world->client.host, &stats);
    return stats.time_wait;
}

/* A turn sees a TURNS_OF_LIFE-th of those in flight begin, and as many enter TIME-WAIT. */
static wh_time two_msl(const struct lifecycle *lifecycle)
{
    uint64_t entries = lifecycle->time_wait, a_turn = lifecycle->in_flight / TURNS_OF_LIFE;
    return (a_turn > 0 ? entries / a_turn : entries * TURNS_OF_LIFE / lifecycle->in_flight) * TURN;
}

static void prepare(struct bench_task *task)
{
    const struct lifecycle *lifecycle = task->row->parameters;
    struct world_options options;
    struct lifecycle_state *state = calloc(1, sizeof *state);
    task->state = state;
    if (state == NULL) {
        bench_fail(task, "no memory");
        return;
    }
    world_options_init(&options);
    options.msl = two_msl(lifecycle) / 2;
    options.time_wait = 2 * (lifecycle->time_wait + lifecycle->in_flight); /* never the bound */
    options.connections = 2 * ((uint64_t)lifecycle->time_wait + lifecycle->in_flight);
    state->world = bench_world(task, &options);
    if (state->world != NULL) {
        state->world->echo = true;
        state->world->tick = TURN;
        state->world->heard = heard;
        state->world->owner = state;
        live(state, lifecycle->in_flight, CHECKED + lifecycle->in_flight);
        /* Until the first of them have expired. */
        live(state, lifecycle->in_flight, lifecycle->time_wait + lifecycle->time_wait / 4);
        bench_fail(task, state->world->failed);
    }
}

static void measure(struct bench_task *task, double seconds)
{
    const struct lifecycle *lifecycle = task->row->parameters;
    struct lifecycle_state *state = task->state;
    struct world *world = state->world;
    uint64_t before = world->ended;
    double start = machine_core_seconds(), at = start;
    while (at - start < seconds && world->failed == NULL) {
        live(state, lifecycle->in_flight, LOOK);
        at = machine_core_seconds();
    }
    task->value = (double)(world->ended - before) / (at - start);
    bench_note(task, "time_wait", standing(world));
    bench_fail(task, world->failed);
}

static void release(struct bench_task *task)
{
    struct lifecycle_state *state = task->state;
    if (state != NULL) {
        world_free(state->world);
        free(state);
    }
}

const struct bench_kind lifecycle_kind = { prepare, measure, release, false };

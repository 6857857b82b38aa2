/* SPDX-License-Identifier: MIT */
/* One way, as much as goes: the sender's bytes are copied in, or lent; the receiver reads in place. */
#include <stdlib.h>

#include "base/bytes.h"
#include "bench/kinds.h"
#include "bench/machine.h"
#include "bench/pattern.h"

enum {
    WARM_UP = 30,        /* round-trip times */
    PIECE = 65536,       /* bytes handed to wh_send at a time */
    TURNS = 64,          /* between two looks at the clock */
    VERIFIED = 16 << 20, /* bytes of the pass that looks at each */
    PATIENCE = 1000,     /* turns in which nothing arrives */
};

struct bulk_state {
    struct world *world;
    wh_conn *conn;
    uint64_t sent;
    uint8_t *lent; /* VERIFIED bytes, the first of the stream, where pieces are not copied */
    uint8_t piece[PIECE];
};

/* What was lent stays as it is until the stacks are gone. */
static void done(void *argument) { (void)argument; }

static int64_t send_piece(struct bulk_state *state, bool pattern)
{
    if (state->lent != NULL) {
        const uint8_t *piece = pattern ? state->lent + state->sent : state->piece;
        return wh_send_ref(state->conn, piece, PIECE, 0, done, NULL);
    }
    if (pattern) {
        pattern_fill(state->sent, state->piece, PIECE);
    }
    return wh_send(state->conn, state->piece, PIECE, 0);
}

/* Fills the send queue. With a pattern, the bytes are those of their place in the stream. */
static void fill(struct bulk_state *state, bool pattern)
{
    int64_t taken = PIECE;
    while (taken == PIECE && !(pattern && state->lent != NULL && state->sent >= VERIFIED)) {
        taken = send_piece(state, pattern);
        state->sent += taken > 0 ? (uint64_t)taken : 0;
    }
    if (taken < 0 && taken != WH_E_AGAIN) {
        world_fail(state->world, "the sender cannot send");
    }
}

/* Turns in which something arrives if all is well. */
static unsigned patience_of(const struct world *world)
{
    return PATIENCE + (unsigned)(4 * world->one_way / world->tick);
}

static void verify(struct bulk_state *state)
{
    struct world *world = state->world;
    unsigned most = patience_of(world), patience = most;
    world->verify = true;
    while (world->failed == NULL && world->arrived < VERIFIED) {
        uint64_t before = world->arrived;
        fill(state, true);
        world_turn(world);
        patience = world->arrived > before ? most : patience - 1;
        if (patience == 0) {
            world_fail(world, "what was sent does not arrive");
        }
    }
    for (unsigned i = 0; i < most && world->arrived < state->sent; i++) {
        world_turn(world);
    }
    if (world->arrived != state->sent) {
        world_fail(world, "less has arrived than was sent");
    }
    world->verify = false;
}

/* Until the congestion window is what the path wants. */
static void warm_up(struct bulk_state *state)
{
    struct world *world = state->world;
    wh_time end = world->now + WARM_UP * 2 * world->one_way;
    while (world->now < end && world->failed == NULL) {
        fill(state, false);
        world_turn(world);
    }
}

static void prepare(struct bench_task *task)
{
    const struct bulk *bulk = task->row->parameters;
    struct world_options options;
    struct bulk_state *state = calloc(1, sizeof *state);
    task->state = state;
    if (state == NULL) {
        bench_fail(task, "no memory");
        return;
    }
    if (bulk->reference) {
        state->lent = malloc(VERIFIED);
        if (state->lent == NULL) {
            bench_fail(task, "no memory");
            return;
        }
        pattern_fill(0, state->lent, VERIFIED);
    }
    world_options_init(&options);
    options.mtu = bulk->mtu;
    options.super = bulk->super;
    options.rtt = bulk->rtt;
    options.buffer = bulk->buffer != 0 ? bulk->buffer : options.buffer;
    state->world = bench_world(task, &options);
    if (state->world != NULL) {
        world_open(state->world, &state->conn, 1);
        if (state->world->failed == NULL) {
            verify(state);
            warm_up(state);
        }
        bench_fail(task, state->world->failed);
    }
}

static void measure(struct bench_task *task, double seconds)
{
    struct bulk_state *state = task->state;
    struct world *world = state->world;
    uint64_t before = world->arrived;
    wh_time began = world->now;
    double start = machine_core_seconds(), at = start;
    while (at - start < seconds && world->failed == NULL) {
        for (unsigned i = 0; i < TURNS; i++) {
            fill(state, false);
            world_turn(world);
        }
        at = machine_core_seconds();
    }
    if (world->arrived == before) {
        world_fail(world, "nothing arrives");
    }
    task->value = (double)(world->arrived - before) * 8e-9 / (at - start);
    if (world->one_way > 0) { /* what the path carried, by its own clock */
        bench_note(task, "path_gbit",
                   (double)(world->arrived - before) * 8 / (double)(world->now - began));
    }
    bench_fail(task, world->failed);
}

static void release(struct bench_task *task)
{
    struct bulk_state *state = task->state;
    if (state != NULL) {
        world_free(state->world);
        free(state->lent);
        free(state);
    }
}

const struct bench_kind bulk_kind = { prepare, measure, release, false };

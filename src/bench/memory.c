/* SPDX-License-Identifier: MIT */
/*
 * What a record costs when nothing happens: what there is with very many of them, less
 * what there was with none, divided by their number. Counted in two ways: what the
 * stack has asked its memory hooks for, and what the system says this process holds
 * (RSS), which adds what malloc and the page size make of it. IPv6.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/kinds.h"
#include "bench/machine.h"

enum {
    FEW = 10000, /* records, with --quick, of those that take long to make */
    MANY = 100000,
    BURST = 65536, /* bytes that go each way before the rest */
    AT_ONCE = 64,  /* connections under way */
    PATIENCE = 100000,
};
/* After this much silence everything that a burst needed has been given back. */
#define REST (10 * WH_SECOND)

/* Memory hooks that know how much is out. */
struct counted {
    uint64_t bytes;
};

struct memory_state {
    struct world *world;
    struct counted counted[2]; /* the client's, the server's */
    uint32_t count;
    uint64_t back; /* bytes that came back to the client */
    uint64_t base_counted, base_resident;
};

static void *counted_alloc(void *context, size_t size)
{
    struct counted *counted = context;
    void *memory = malloc(size);
    counted->bytes += memory != NULL ? size : 0;
    return memory;
}

static void counted_free(void *context, void *memory, size_t size)
{
    struct counted *counted = context;
    counted->bytes -= memory != NULL ? size : 0;
    free(memory);
}

/* What counts for a record: both stacks if each has one, else the one that has it. */
static uint64_t counted_now(const struct memory_state *state, enum record record)
{
    uint64_t client = state->counted[0].bytes, server = state->counted[1].bytes;
    switch (record) {
    case RECORD_ESTABLISHED: return client + server;
    case RECORD_HALF_OPEN: return server;
    default: return client;
    }
}

/* ----------------------------------------------------------------- records -- */

static void hear_burst(struct world *world, const wh_event *event)
{
    struct memory_state *state = world->owner;
    uint8_t bytes[4096];
    int64_t length;
    while ((event->ready & WH_READABLE) &&
           (length = wh_recv(event->conn, bytes, sizeof bytes)) > 0) {
        state->back += (uint64_t)length;
    }
}

static void establish(struct memory_state *state)
{
    static const uint8_t burst[BURST];
    struct world *world = state->world;
    world->echo = true;
    world->heard = hear_burst;
    for (uint32_t i = 0; i < state->count && world->failed == NULL; i++) {
        unsigned patience = PATIENCE;
        wh_conn *conn;
        uint64_t goal = state->back + BURST;
        world_open(world, &conn, 1);
        if (world->failed == NULL && wh_send(conn, burst, BURST, 0) != BURST) {
            world_fail(world, "the client cannot send");
        }
        while (state->back < goal && world->failed == NULL) {
            world_turn(world);
            if (--patience == 0) {
                world_fail(world, "what was sent does not come back");
            }
        }
    }
    world_rest(world, REST);
}

/* SYNs arrive, and what answers them is lost; the client forgets that it asked. */
static void half_open(struct memory_state *state)
{
    struct world *world = state->world;
    wh_conn *conns[AT_ONCE];
    for (uint32_t i = 0; i < state->count && world->failed == NULL;) {
        uint32_t n = 0;
        while (n < AT_ONCE && i < state->count && world->failed == NULL) {
            conns[n++] = world_connect(world, NULL);
            i++;
        }
        world_carry(world, &world->client, &world->server);
        size_t lost = wh_output(world->server.host, world->out, WORLD_BATCH, world->now);
        wh_sent(world->server.host, world->out, lost);
        while (n-- > 0 && world->failed == NULL) {
            wh_abort(conns[n]);
        }
    }
}

static void close_at_once(struct world *world, const wh_event *event)
{
    (void)world;
    if (event->ready & WH_CONNECTED) {
        wh_close(event->conn);
    }
}

static void wait_in_time_wait(struct memory_state *state)
{
    struct world *world = state->world;
    unsigned patience = PATIENCE;
    world->heard = close_at_once;
    while (world->ended < state->count && world->failed == NULL) {
        while (world->opened < state->count && world->opened - world->ended < AT_ONCE &&
               world->failed == NULL) {
            world_connect(world, NULL);
        }
        uint64_t before = world->ended;
        world_turn(world);
        patience = world->ended > before ? PATIENCE : patience - 1;
        if (patience == 0) {
            world_fail(world, "connections do not end");
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        world_turn(world);
    }
}

/* True if there are as many as were made: else the quotient would be of something else. */
static bool all_there(const struct memory_state *state, enum record record)
{
    wh_stats client = { .size = sizeof client }, server = { .size = sizeof server };
    wh_stats_get(state->world->client.host, &client);
    wh_stats_get(state->world->server.host, &server);
    switch (record) {
    case RECORD_ESTABLISHED:
        return client.connections == state->count && server.connections == state->count;
    case RECORD_HALF_OPEN: return server.half_open == state->count;
    default: return client.time_wait == state->count && server.connections == 0;
    }
}

/* -------------------------------------------------------------------- kind -- */

static void prepare(struct bench_task *task)
{
    const struct memory_cost *cost = task->row->parameters;
    struct world_options options;
    struct memory_state *state = calloc(1, sizeof *state);
    task->state = state;
    if (state == NULL) {
        bench_fail(task, "no memory");
        return;
    }
    bool few = task->plan->quick && cost->record == RECORD_ESTABLISHED;
    state->count = cost->count != 0 ? cost->count : few ? FEW : MANY;
    world_options_init(&options);
    options.ipv6 = true;
    options.connections = options.half_open = options.time_wait = state->count;
    for (int i = 0; i < 2; i++) {
        options.memory[i] = (wh_memory){ &state->counted[i], counted_alloc, counted_free };
    }
    malloc_trim(0); /* what earlier rows have left would be used again, and look like nothing */
    state->world = bench_world(task, &options);
    if (state->world != NULL) {
        state->world->owner = state;
        state->base_counted = counted_now(state, cost->record);
        state->base_resident = machine_resident();
    }
}

static void measure(struct bench_task *task, double seconds)
{
    const struct memory_cost *cost = task->row->parameters;
    struct memory_state *state = task->state;
    (void)seconds;
    switch (cost->record) {
    case RECORD_ESTABLISHED: establish(state); break;
    case RECORD_HALF_OPEN: half_open(state); break;
    default: wait_in_time_wait(state); break;
    }
    if (state->world->failed == NULL && !all_there(state, cost->record)) {
        world_fail(state->world, "there are not as many records as were made");
    }
    uint64_t records =
        cost->record == RECORD_ESTABLISHED ? 2 * (uint64_t)state->count : state->count;
    uint64_t bytes = cost->resident ? machine_resident() - state->base_resident
                                    : counted_now(state, cost->record) - state->base_counted;
    if (cost->resident && state->base_resident == 0) {
        world_fail(state->world, "the system does not tell what this process holds");
    }
    task->value = (double)bytes / (double)records;
    bench_note(task, "records", (double)records);
    bench_fail(task, state->world->failed);
}

static void release(struct bench_task *task)
{
    struct memory_state *state = task->state;
    if (state != NULL) {
        world_free(state->world);
        free(state);
    }
}

const struct bench_kind memory_kind = { prepare, measure, release, true };

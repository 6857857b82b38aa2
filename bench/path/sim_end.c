/* SPDX-License-Identifier: MIT */
#include "sim_end.h"

#include "ends.h"

struct world {
    wh_sim *sim;
    wh_path *path; /* the simulation's */
    struct sender sender;
    struct receiver receiver;
};

static int make_world(struct world *world, const struct cell *cell)
{
    const wh_time now = WH_SECOND;
    const wh_addr near = wh_ipv4(10, 0, 0, 1), far = wh_ipv4(10, 0, 0, 2);
    int result = wh_sim_new(&world->sim, now);
    if (result == WH_OK)
        result = ends_stack(cell, near, 0, 2 * cell->seed, now, &world->sender.host);
    if (result == WH_OK)
        result = ends_stack(cell, far, 0, 2 * cell->seed + 1, now, &world->receiver.host);
    if (result == WH_OK)
        result = cell_path(cell, &world->path);
    if (result == WH_OK) {
        result = wh_sim_join(world->sim, world->sender.host, world->receiver.host, world->path);
        if (result != WH_OK)
            wh_path_free(world->path);
    }
    if (result == WH_OK)
        result = receiver_open(&world->receiver, cell);
    if (result == WH_OK)
        result = sender_open(&world->sender, cell, far, now);
    return result;
}

static void free_world(struct world *world)
{
    wh_sim_free(world->sim);
    wh_stack_free(world->sender.host);
    wh_stack_free(world->receiver.host);
}

/* Everything that happens at this instant, the applications' doings included; when the next is due. */
static wh_time settle(struct world *world)
{
    wh_time next;
    bool acted;
    do {
        next = wh_sim_settle(world->sim);
        acted = receiver_act(&world->receiver);
        acted = sender_act(&world->sender) || acted;
    } while (acted);
    return next;
}

/* Lets time pass until all connections are open; false if they do not. */
static bool open_all(struct world *world, const struct cell *cell)
{
    const wh_time last = wh_sim_now(world->sim) + 10 * WH_SECOND + 20 * cell->rtt;
    while (world->sender.connected < cell->flows || world->receiver.accepted < cell->flows) {
        wh_time next = settle(world);
        if (next > last)
            return false;
        wh_sim_advance(world->sim, next);
    }
    return true;
}

static void account(const struct world *world, struct outcome *outcome)
{
    outcome->retransmitted = 0;
    for (unsigned i = 0; i < world->sender.flows; i++) {
        wh_info info = { .size = sizeof info };
        wh_info_get(world->sender.conn[i], &info);
        outcome->retransmitted += info.bytes_retransmitted;
    }
    outcome->timeouts = wh_count(world->sender.host, WH_WHY_RETRANSMIT_TIMEOUT);
    outcome->path.size = sizeof outcome->path;
    wh_path_stats_get(world->path, WH_A_TO_B, &outcome->path);
}

static int run(struct world *world, const struct cell *cell, struct outcome *outcome)
{
    if (!open_all(world, cell))
        return WH_E_TIMEDOUT;
    int result = cell_impair(cell, world->path);
    if (result != WH_OK)
        return result;
    outcome_begin(outcome, cell, "wavehand", wh_sim_now(world->sim));
    for (;;) {
        wh_time next = settle(world);
        for (unsigned i = 0; i < cell->flows; i++)
            outcome->bytes[i] = world->receiver.bytes[i];
        if (outcome_over(outcome, wh_sim_now(world->sim)))
            break;
        wh_time tick = outcome_next(outcome);
        wh_sim_advance(world->sim, next < tick ? next : tick);
    }
    account(world, outcome);
    return WH_OK;
}

int sim_run(const struct cell *cell, struct outcome *outcome)
{
    struct world world = { 0 };
    int result = make_world(&world, cell);
    if (result == WH_OK)
        result = run(&world, cell, outcome);
    free_world(&world);
    return result;
}

/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A simulation is a list of joints, each a path between two
 * stacks, and a clock that only moves when told to. At one instant, what the
 * stacks have to say is put on the paths and what has arrived is handed in, joint
 * after joint in the order in which they were made, until a whole turn moves
 * nothing. So the order of everything is fixed by the calls alone.
 */
#include <wavehand/link.h>

#include <stdlib.h>

#include "base/bytes.h"

#define BATCH 64

struct joint {
    wh_stack *side[2]; /* by the direction in which it sends */
    wh_path *path;
};

struct wh_sim {
    wh_time now;
    struct joint *joints;
    size_t count, room;
};

int wh_sim_new(wh_sim **answer, wh_time start)
{
    wh_sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        return WH_E_NOMEM;
    sim->now = start;
    *answer = sim;
    return WH_OK;
}

void wh_sim_free(wh_sim *sim)
{
    if (sim == NULL)
        return;
    for (size_t i = 0; i < sim->count; i++)
        wh_path_free(sim->joints[i].path);
    free(sim->joints);
    free(sim);
}

wh_time wh_sim_now(const wh_sim *sim) { return sim->now; }

int wh_sim_join(wh_sim *sim, wh_stack *a, wh_stack *b, wh_path *path)
{
    if (a == b)
        return WH_E_INVAL;
    for (size_t i = 0; i < sim->count; i++) {
        const struct joint *joint = &sim->joints[i];
        if (joint->path == path || joint->side[0] == a || joint->side[0] == b ||
            joint->side[1] == a || joint->side[1] == b)
            return WH_E_INVAL;
    }
    if (sim->count == sim->room) {
        size_t room = sim->room == 0 ? 4 : 2 * sim->room;
        struct joint *joints = realloc(sim->joints, room * sizeof *joints);
        if (joints == NULL)
            return WH_E_NOMEM;
        sim->joints = joints;
        sim->room = room;
    }
    sim->joints[sim->count++] = (struct joint){ .side = { a, b }, .path = path };
    return WH_OK;
}

/* Puts all that a side has to say on its path. True if it said anything. */
static bool speak(struct joint *joint, wh_direction direction, wh_time now)
{
    wh_stack *host = joint->side[direction];
    wh_frame frames[BATCH];
    size_t n;
    bool spoke = false;
    do {
        n = wh_output(host, frames, BATCH, now);
        wh_path_send(joint->path, direction, frames, n, now);
        wh_sent(host, frames, n);
        spoke = spoke || n > 0;
    } while (n == BATCH);
    return spoke;
}

/* Hands in what has arrived from one direction. True if anything had. */
static bool hear(struct joint *joint, wh_direction direction, wh_time now)
{
    wh_stack *host = joint->side[!direction];
    wh_frame frames[BATCH];
    size_t n;
    bool heard = false;
    do {
        n = wh_path_receive(joint->path, direction, frames, BATCH, now);
        if (n > 0)
            wh_input(host, frames, n, now);
        heard = heard || n > 0;
    } while (n == BATCH);
    return heard;
}

/* One turn; true if anything moved. */
static bool turn(wh_sim *sim)
{
    bool moved = false;
    for (size_t i = 0; i < sim->count; i++) {
        struct joint *joint = &sim->joints[i];
        moved |= speak(joint, WH_A_TO_B, sim->now);
        moved |= speak(joint, WH_B_TO_A, sim->now);
        moved |= hear(joint, WH_A_TO_B, sim->now);
        moved |= hear(joint, WH_B_TO_A, sim->now);
    }
    return moved;
}

wh_time wh_sim_settle(wh_sim *sim)
{
    while (turn(sim))
        ;
    wh_time when = WH_NEVER;
    for (size_t i = 0; i < sim->count; i++) {
        const struct joint *joint = &sim->joints[i];
        when = MIN(when, wh_path_wake(joint->path));
        when = MIN(when, wh_wake(joint->side[0]));
        when = MIN(when, wh_wake(joint->side[1]));
    }
    /* A timer may be due within the stack's resolution and not yet run: time goes on all the same. */
    return when == WH_NEVER ? when : MAX(when, sim->now + 1);
}

void wh_sim_advance(wh_sim *sim, wh_time when) { sim->now = MAX(sim->now, when); }

/* SPDX-License-Identifier: MIT */
/*
 * prediction_test [SEED...]
 *
 * Header prediction decides nothing that the long way would decide otherwise. Each plan is run
 * twice, with it and without: every frame, every state and everything that the senders think of
 * their path must be the same at the same times. Without arguments the seeds are 1 to 32.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/stack.h"
#include "world.h"

#define SEEDS 32
#define RECORDS (UINT32_C(1) << 18)

struct account {
    wh_trace_record *record; /* of both hosts, RECORDS each */
    size_t count[2];
    uint64_t bytes;
};

static bool run(const struct plan *plan, bool unpredicted, struct account *account)
{
    static struct world world;
    bool good = world_make(&world, plan);
    for (int side = 0; side < 2 && good; side++) {
        world.host[side]->tcp.unpredicted = unpredicted;
    }
    good = good && world_run(&world) && world_settle(&world);
    for (int side = 0; side < 2 && good; side++) {
        uint64_t lost;
        account->count[side] =
            wh_trace(world.host[side], account->record + (size_t)side * RECORDS, RECORDS, &lost);
        good = lost == 0 || world_fail(&world, "the trace has no room for it all");
    }
    account->bytes = world.bytes;
    good = world_free(&world) && good;
    if (!good) {
        printf("not ok - seed %" PRIu64 ": %s\n", plan->seed, world.why);
    }
    return good;
}

/* Number of the first record that differs; SIZE_MAX: none does. */
static size_t difference(const struct account *a, const struct account *b, int side)
{
    for (size_t i = 0; i < a->count[side] && i < b->count[side]; i++) {
        size_t at = (size_t)side * RECORDS + i;
        if (memcmp(&a->record[at], &b->record[at], sizeof *a->record) != 0) {
            return i;
        }
    }
    return a->count[side] == b->count[side] ? SIZE_MAX : a->count[side];
}

static bool compare(uint64_t seed, struct account *with, struct account *without)
{
    struct plan plan;
    plan_draw(&plan, seed);
    plan.talks = 60;
    plan.most_bytes = seed % 4 == 0 ? 200000 : 20000;
    plan.trace_records = RECORDS;
    plan.trace_sender = true;
    if (!run(&plan, false, with) || !run(&plan, true, without)) {
        return false;
    }
    for (int side = 0; side < 2; side++) {
        size_t at = difference(with, without, side);
        if (at != SIZE_MAX) {
            printf("not ok - seed %" PRIu64 ": record %zu of the %s differs\n", seed, at,
                   side == 0 ? "client" : "server");
            return false;
        }
    }
    printf("ok - seed %" PRIu64 ": %zu records, %" PRIu64 " bytes\n", seed,
           with->count[0] + with->count[1], with->bytes);
    return true;
}

int main(int argc, char **argv)
{
    struct account account[2];
    bool good = true;
    for (int i = 0; i < 2; i++) {
        account[i].record = calloc((size_t)2 * RECORDS, sizeof *account[i].record);
        if (account[i].record == NULL) {
            printf("Bail out! no memory\n");
            return 1;
        }
    }
    for (int i = 1; i < argc; i++) {
        good = compare(strtoull(argv[i], NULL, 10), &account[0], &account[1]) && good;
    }
    for (uint64_t seed = 1; argc == 1 && seed <= SEEDS; seed++) {
        good = compare(seed, &account[0], &account[1]) && good;
    }
    free(account[0].record);
    free(account[1].record);
    return good ? 0 : 1;
}

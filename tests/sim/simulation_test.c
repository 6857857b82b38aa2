/* SPDX-License-Identifier: MIT */
/*
 * simulation_test [SEED...]
 *
 * Thousands of conversations over bad paths; every byte is checked, nothing may
 * be left behind. Without arguments the seeds are 1 to WAVEHAND_SEEDS (default
 * 24); WAVEHAND_SEED=N or an argument runs one seed alone. A seed draws
 * everything: address family, faults, MTU, offloads, options, sizes, endings.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static void mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * UINT64_C(0x100000001b3);
}

/* What left and arrived at both hosts, in one number. */
static uint64_t trace_hash(struct world *world)
{
    wh_trace_record record[64];
    uint64_t hash = UINT64_C(0xcbf29ce484222325), lost;
    for (int side = 0; side < 2; side++) {
        size_t n;
        while ((n = wh_trace(world->host[side], record, 64, &lost)) > 0) {
            for (size_t i = 0; i < n; i++) {
                mix(&hash, record[i].time);
                mix(&hash, record[i].frame);
                mix(&hash, (uint64_t)record[i].flags << 32 | record[i].seq);
                mix(&hash, (uint64_t)record[i].ack << 32 | record[i].length);
                mix(&hash, (uint64_t)record[i].reason << 32 | record[i].window);
                mix(&hash, (uint64_t)record[i].local.port << 32 | record[i].tsval);
            }
            mix(&hash, lost);
        }
    }
    return hash;
}

/* Runs a plan from beginning to end. */
static bool run_plan(const struct plan *plan, uint64_t *hash, uint64_t *bytes)
{
    static struct world world;
    bool good = world_make(&world, plan) && world_run(&world) && world_settle(&world);
    if (hash != NULL) {
        *hash = trace_hash(&world);
    }
    *bytes = world.bytes;
    good = world_free(&world) && good;
    if (!good) {
        printf("not ok - seed %" PRIu64 ": %s\n", plan->seed, world.why);
        printf("# run it again with: WAVEHAND_SEED=%" PRIu64 "\n", plan->seed);
    }
    return good;
}

static bool run_seed(uint64_t seed)
{
    struct plan plan;
    uint64_t bytes;
    plan_draw(&plan, seed);
    if (!run_plan(&plan, NULL, &bytes)) {
        return false;
    }
    printf("ok - seed %" PRIu64 ": %" PRIu32 " conversations over IPv%d, %" PRIu64
           " bytes checked\n",
           seed, plan.talks, plan.v6 ? 6 : 4, bytes);
    return true;
}

/* The same seed gives the same frames at the same times; another one does not. */
static bool run_twice(uint64_t seed)
{
    struct plan plan;
    uint64_t first, second, other, bytes;
    plan_draw(&plan, seed);
    plan.talks = 40;
    plan.most_bytes = 20000;
    plan.trace_records = 1 << 16;
    bool good = run_plan(&plan, &first, &bytes) && run_plan(&plan, &second, &bytes);
    plan.seed++;
    good = good && run_plan(&plan, &other, &bytes);
    good = good && first == second && first != other;
    printf("%s - seed %" PRIu64 " replays exactly\n", good ? "ok" : "not ok", seed);
    return good;
}

int main(int argc, char **argv)
{
    const char *one = argc > 1 ? argv[1] : getenv("WAVEHAND_SEED");
    const char *many = getenv("WAVEHAND_SEEDS");
    uint64_t last = many != NULL ? strtoull(many, NULL, 10) : 24;
    bool good = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (one != NULL) {
        for (int i = argc > 1 ? 1 : 0; i < (argc > 1 ? argc : 1); i++) {
            good = run_seed(strtoull(argc > 1 ? argv[i] : one, NULL, 10)) && good;
        }
        return good ? 0 : 1;
    }
    for (uint64_t seed = 1; seed <= last; seed++) {
        good = run_seed(seed) && good;
    }
    for (uint64_t seed = 1; seed <= 8; seed++) {
        good = run_twice(seed) && good;
    }
    return good ? 0 : 1;
}

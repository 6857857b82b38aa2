/* SPDX-License-Identifier: MIT */
/*
 * opening_test [SEED...]
 *
 * Handshakes out of the ordinary, over bad paths: every one by a SYN cookie, or with
 * data on the SYN. Every byte is checked, as in simulation_test. Without arguments
 * the seeds are 1 to WAVEHAND_SEEDS (default 16); an argument runs one seed alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static struct world world;

/* No duplicates with Fast Open: data on a SYN that comes again when all is over is delivered again
 * (RFC 7413 6.1). */
static const char *const faults[][4] = {
    { "delay 10ms", NULL },
    { "loss 3%", "delay 10ms", NULL },
    { "loss 10%", "delay 2ms", NULL },
    { "reorder 10%", "delay 3ms", NULL },
    { "loss 2%", "jitter 4ms", "delay 5ms", NULL },
    { "corrupt 1%", "delay 5ms", NULL },
};

static void draw(struct plan *plan, uint64_t seed)
{
    static const uint32_t mtus[] = { 0, 1280, 9000 };
    struct luck luck = { seed * 77773 };
    memset(plan, 0, sizeof *plan);
    plan->seed = seed;
    plan->v6 = seed % 2 == 0;
    plan->talks = 250;
    plan->at_once = 1 + (uint32_t)luck_below(&luck, 60);
    plan->most_bytes = UINT64_C(1) << (8 + luck_below(&luck, 10));
    plan->client_speaks = true;
    plan->mtu = mtus[luck_below(&luck, 3)];
    for (int side = 0; side < 2; side++) {
        plan->options[side][0][0] = WH_OPT_TIMESTAMPS + 1;
        plan->options[side][0][1] = (int64_t)luck_below(&luck, 3) != 0;
    }
    memcpy(plan->faults, faults[luck_below(&luck, sizeof faults / sizeof *faults)],
           sizeof faults[0]);
}

static bool run(struct plan *plan, uint64_t *used)
{
    bool good = world_make(&world, plan) && world_run(&world) && world_settle(&world);
    *used += wh_count(world.host[1],
                      plan->no_half_open ? WH_WHY_COOKIE_ACCEPTED : WH_WHY_FAST_OPEN_ACCEPTED);
    if (!good) {
        printf("# seed %" PRIu64 ": %s\n", plan->seed, world.why);
    }
    return world_free(&world) && good;
}

static bool run_all(bool cookies, uint64_t first, uint64_t last)
{
    uint64_t used = 0, talks = 0;
    bool good = true;
    for (uint64_t seed = first; seed <= last; seed++) {
        struct plan plan;
        draw(&plan, seed);
        plan.no_half_open = cookies;
        plan.fast_open = !cookies;
        good = run(&plan, &used) && good;
        talks += plan.talks;
    }
    printf("# %" PRIu64 " of %" PRIu64 " handshakes\n", used, talks);
    /* The first of each run has no cookie yet, and where the path is bad Fast Open rests. */
    return good && used > (cookies ? talks - 1 : talks / 4);
}

int main(int argc, char **argv)
{
    const char *seeds = getenv("WAVEHAND_SEEDS");
    uint64_t first = 1, last = seeds != NULL ? strtoull(seeds, NULL, 0) : 16;
    if (argc > 1) {
        first = last = strtoull(argv[1], NULL, 0);
    }
    bool cookies = run_all(true, first, last);
    bool early = run_all(false, first, last);
    printf("%sok 1 - B02 B03 conversations opened by SYN cookies, over bad paths\n",
           cookies ? "" : "not ");
    printf("%sok 2 - O15 H18 conversations opened with data on the SYN, over bad paths\n",
           early ? "" : "not ");
    printf("1..2\n# %d passed, %d failed\n", cookies + early, 2 - cookies - early);
    return cookies && early ? 0 : 1;
}

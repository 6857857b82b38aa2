/* SPDX-License-Identifier: MIT */
/*
 * goodput_test [FILTER]: a few cells of the goodput grid, and what must be true of them whatever the
 * seed: what more loss leaves is less, a path without loss is used, two flows share it, the same seed
 * gives the same bytes. Each figure is the median over seeds, and each ordering has room to either
 * side of what was measured. A filter such as "*_seed_*" runs some of the tests alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_end.h"

enum { SEEDS = 5 };

static const char *const algorithms[] = { "newreno", "cubic", "bbr", "dctcp" };

static void run(const char *algorithm, const char *text, uint64_t seed, struct outcome *outcome)
{
    static struct cell cell;
    char line[256], error[200];
    snprintf(line, sizeof line, "cc=%s %s seed=%llu", algorithm, text, (unsigned long long)seed);
    if (!cell_parse(&cell, line, error, sizeof error))
        fail_msg("%s: %s", line, error);
    int result = sim_run(&cell, outcome);
    if (result != WH_OK)
        fail_msg("%s: %s", line, wh_strerror(result));
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median over the seeds of what part of the path was used, slow start included or not. */
static double used(const char *algorithm, const char *text, bool late)
{
    static struct outcome outcome;
    double share[SEEDS];
    /* Where nothing is left to chance one run tells all. */
    unsigned seeds = strstr(text, "loss=0% ") != NULL ? 1 : SEEDS;
    for (unsigned i = 0; i < seeds; i++) {
        run(algorithm, text, i + 1, &outcome);
        double goodput = late ? outcome_late(&outcome) : outcome_goodput(&outcome);
        share[i] = goodput / cell_ideal(outcome.cell);
    }
    qsort(share, seeds, sizeof share[0], by_size);
    return share[seeds / 2];
}

static bool known(const char *algorithm)
{
    static struct outcome outcome;
    struct cell cell;
    char line[64], error[200];
    snprintf(line, sizeof line, "cc=%s time=1us", algorithm);
    assert_true(cell_parse(&cell, line, error, sizeof error));
    return sim_run(&cell, &outcome) != WH_E_NOENT;
}

/* Calls check for each algorithm that there is. */
static void each(void (*check)(const char *algorithm))
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (known(algorithms[i]))
            check(algorithms[i]);
    }
}

static void at_least(const char *algorithm, const char *text, bool late, double least)
{
    double share = used(algorithm, text, late);
    if (share < least)
        fail_msg("%s over \"%s\" uses %.3f of the path, less than %.3f", algorithm, text, share,
                 least);
}

/*
 * Floors: what part of the path is used at the least. At a loss of p a window grows to 1.22 / sqrt(p)
 * segments (RFC 5681's rules; RFC 9438 5.1 gives a little more over long paths), which is the most
 * that a window-based algorithm can bring; beside each floor under loss stands that. What recovery
 * itself wastes is what lies between the two. Floors are raised as it gets better, never lowered.
 */
static const struct floor {
    const char *text;
    bool late; /* slow start left out */
    double least;
} floors[] = {
    { "loss=0% rtt=20ms rate=100mbit queue=1", true, 0.95 },
    { "loss=0% rtt=20ms rate=100mbit queue=4", true, 0.95 },
    { "loss=0% rtt=66ms rate=10mbit queue=1", true, 0.95 },
    { "loss=0% rtt=66ms rate=100mbit queue=1", true, 0.95 },
    { "loss=0% rtt=0.2ms rate=100mbit queue=4", true, 0.95 },
    { "loss=0.1% rtt=66ms rate=10mbit queue=1", false, 0.45 }, /* 0.7: and a queue that overflows */
    { "loss=1% rtt=20ms rate=10mbit queue=1", false, 0.5 },    /* 0.73 */
    { "loss=1% rtt=66ms rate=100mbit queue=1", false, 0.015 }, /* 0.022 */
    { "loss=10% rtt=66ms rate=10mbit queue=1", false, 0.04 }, /* 0.07: the RTO has its part there */
};

/* BBR does not take a loss for congestion, and leaves some of the path while it probes. */
static bool goes_by_loss(const char *algorithm) { return strcmp(algorithm, "bbr") != 0; }

static void floors_hold_for(const char *algorithm)
{
    for (size_t i = 0; i < sizeof floors / sizeof floors[0]; i++) {
        double least = floors[i].least;
        if (!goes_by_loss(algorithm) && least > 0.85)
            least = 0.85;
        at_least(algorithm, floors[i].text, floors[i].late, least);
    }
}

static void a_path_is_used(void **state)
{
    (void)state;
    each(floors_hold_for);
}

static void less_for(const char *algorithm)
{
    static const char *const losses[] = { "0%", "0.1%", "1%", "10%" };
    /* Of what the loss before it leaves, each leaves this much at most. */
    static const double most[] = { 1, 1.02, 0.8, 0.6 };
    double before = 2;
    for (size_t i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "loss=%s rtt=66ms rate=10mbit queue=1", losses[i]);
        double share = used(algorithm, text, false);
        if (share > (goes_by_loss(algorithm) ? most[i] : 1.02) * before)
            fail_msg("%s at a loss of %s uses %.3f of the path, and %.3f with less loss", algorithm,
                     losses[i], share, before);
        before = share;
    }
}

static void more_loss_leaves_less(void **state)
{
    (void)state;
    each(less_for);
}

static void longer_for(const char *algorithm)
{
    if (!goes_by_loss(algorithm))
        return;
    double near = used(algorithm, "loss=3% rtt=20ms rate=100mbit queue=1", false);
    double far = used(algorithm, "loss=3% rtt=200ms rate=100mbit queue=1", false);
    if (far > 0.8 * near)
        fail_msg("%s at 3 %% loss: %.4f over 200 ms, %.4f over 20 ms", algorithm, far, near);
}

/* A path ten times as long brings less at the same loss; how much less depends on the algorithm. */
static void a_longer_lossy_path_brings_less(void **state)
{
    (void)state;
    each(longer_for);
}

static void shared_by(const char *algorithm)
{
    static struct outcome outcome;
    double shares[SEEDS];
    for (uint64_t i = 0; i < SEEDS; i++) {
        run(algorithm, "loss=0% rtt=20ms rate=10mbit queue=1 flows=2 time=60s", i + 1, &outcome);
        shares[i] = outcome_fairness(&outcome);
    }
    qsort(shares, SEEDS, sizeof shares[0], by_size);
    if (shares[SEEDS / 2] < 0.9)
        fail_msg("%s: Jain's index of two flows is %.3f", algorithm, shares[SEEDS / 2]);
}

static void two_flows_share_a_path(void **state)
{
    (void)state;
    each(shared_by);
}

static void repeats(const char *algorithm)
{
    static struct outcome first, again, other;
    const char *text = "loss=1% rtt=20ms rate=100mbit reorder=1% time=3s";
    run(algorithm, text, 1, &first);
    run(algorithm, text, 1, &again);
    run(algorithm, text, 2, &other);
    assert_int_equal(first.bytes[0], again.bytes[0]);
    assert_int_equal(first.end, again.end);
    assert_int_equal(first.retransmitted, again.retransmitted);
    assert_memory_equal(&first.path, &again.path, sizeof first.path);
    assert_memory_equal(first.tick, again.tick, sizeof first.tick);
    assert_true(memcmp(first.tick, other.tick, sizeof first.tick) != 0);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    each(repeats);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(a_path_is_used),
        cmocka_unit_test(more_loss_leaves_less),
        cmocka_unit_test(a_longer_lossy_path_brings_less),
        cmocka_unit_test(two_flows_share_a_path),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

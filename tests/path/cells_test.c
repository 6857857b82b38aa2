/* SPDX-License-Identifier: MIT */
/* Cells as they are read, and what is made of what a run brought. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "outcome.h"

static struct cell parsed(const char *text)
{
    struct cell cell;
    char error[200] = "";
    if (!cell_parse(&cell, text, error, sizeof error))
        fail_msg("\"%s\": %s", text, error);
    return cell;
}

static void a_cell_is_read(void **state)
{
    (void)state;
    struct cell cell =
        parsed("cc=cubic loss=0.1% rtt=0.2ms rate=1gbit queue=0.5 reorder=5% flows=2 "
               "seed=7 time=1.5s bytes=2mb buffers=64kb");
    assert_string_equal(cell.congestion, "cubic");
    assert_true(cell.loss == 0.1 && cell.burst == 1 && cell.reorder == 5 && cell.queue == 0.5);
    assert_int_equal(cell.rtt, 200 * WH_MICROSECOND);
    assert_int_equal(cell.rate, 1000000000);
    assert_int_equal(cell.flows, 2);
    assert_int_equal(cell.seed, 7);
    assert_int_equal(cell.time, 1500 * WH_MILLISECOND);
    assert_int_equal(cell.bytes, 2000000);
    assert_int_equal(cell.buffers, 64000);
    cell = parsed("  loss=1%/5\n");
    assert_true(cell.loss == 1 && cell.burst == 5);
    assert_int_equal(parsed("buffers=0").buffers, 0);
}

static void what_is_no_cell_is_refused(void **state)
{
    (void)state;
    const char *wrong[] = { "loss",
                            "loss=1",
                            "loss=101%",
                            "loss=1%/0",
                            "rtt=66",
                            "rtt=0ms",
                            "rate=1mb",
                            "queue=0",
                            "queue=-1",
                            "flows=9",
                            "flows=0",
                            "seed=0",
                            "cc=",
                            "speed=3",
                            "rtt=nanms",
                            "loss=1%x",
                            "cc=aaaaaaaaaaaaaaaaaaaaa" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct cell cell;
        char error[200] = "";
        if (cell_parse(&cell, wrong[i], error, sizeof error))
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_true(error[0] != '\0');
    }
}

static void sizes_follow_from_the_path(void **state)
{
    (void)state;
    struct cell cell = parsed("rate=100mbit rtt=20ms queue=4");
    assert_int_equal(cell_bdp(&cell), 250000);
    assert_int_equal(cell_queue(&cell), 1000000);
    assert_int_equal(cell.time, 10 * WH_SECOND);
    assert_true(cell_ideal(&cell) > 96e6 && cell_ideal(&cell) < 97e6);
    cell = parsed("rate=10mbit rtt=0.2ms queue=0.5");
    assert_int_equal(cell_queue(&cell), 8 * CELL_MTU); /* of 250 bytes no queue can be made */
    cell = parsed("rate=1gbit rtt=200ms queue=4");
    assert_int_equal(cell.time, 30 * WH_SECOND);
    assert_true(cell.bytes >= 4 * cell_bdp(&cell));
    assert_true(cell.buffers >= 2 * cell_bdp(&cell));
}

static void shares_are_judged(void **state)
{
    (void)state;
    const double alike[] = { 5, 5, 5 }, one[] = { 7, 0 }, none[] = { 0, 0 }, two[] = { 2, 1 };
    assert_true(jain(alike, 3) == 1);
    assert_true(jain(one, 2) == 0.5);
    assert_true(jain(none, 2) == 1);
    assert_true(jain(two, 2) > 0.899 && jain(two, 2) < 0.901);
}

/* A thousand bytes a millisecond, then twice that; the late figure is of the second half alone. */
static void goodput_is_of_the_whole_and_of_the_second_half(void **state)
{
    (void)state;
    static struct outcome outcome;
    struct cell cell = parsed("time=10s bytes=1000mb flows=2");
    wh_time now = 5 * WH_SECOND;
    outcome_begin(&outcome, &cell, "nobody", now);
    while (!outcome_over(&outcome, now)) {
        now += WH_MILLISECOND;
        bool late = now > 10 * WH_SECOND;
        outcome.bytes[0] += 1000;
        outcome.bytes[1] += late ? 1000 : 0;
    }
    assert_int_equal(outcome.end - outcome.start, 10 * WH_SECOND);
    assert_in_range((uint64_t)outcome_goodput(&outcome), 11990000, 12010000);
    assert_in_range((uint64_t)outcome_late(&outcome), 15950000, 16050000);
    assert_true(outcome_fairness(&outcome) > 0.999);
}

static void a_run_ends_with_its_bytes(void **state)
{
    (void)state;
    static struct outcome outcome;
    struct cell cell = parsed("time=10s bytes=1mb");
    outcome_begin(&outcome, &cell, "nobody", 0);
    outcome.bytes[0] = 999999;
    assert_false(outcome_over(&outcome, WH_SECOND));
    outcome.bytes[0]++;
    assert_true(outcome_over(&outcome, 2 * WH_SECOND));
    assert_true(outcome_goodput(&outcome) == 4e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_read),
        cmocka_unit_test(what_is_no_cell_is_refused),
        cmocka_unit_test(sizes_follow_from_the_path),
        cmocka_unit_test(shares_are_judged),
        cmocka_unit_test(goodput_is_of_the_whole_and_of_the_second_half),
        cmocka_unit_test(a_run_ends_with_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Thinning: few marks are left, and the extremes are among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "view/plot_series.h"

#define MOST 1024

static void few_marks_stay_as_they_are(void **state)
{
    (void)state;
    struct plot_series series = { .fold = FOLD_VALUES };
    for (int64_t i = 0; i < MOST; i++) {
        series_value(&series, (wh_time)i * 7, i * i, MOST);
    }
    assert_int_equal(series.count, MOST);
    assert_int_equal(series.marks[33].value, 33 * 33);
    assert_int_equal(series.marks[33].count, 1);
    assert_int_equal(series_at(&series, 6, -1), 0);
    assert_int_equal(series_at(&series, 33 * 7, -1), 33 * 33);
    assert_int_equal(series_at(&series, 34 * 7 - 1, -1), 33 * 33);
    assert_int_equal(series_greatest(&series, -1), (MOST - 1) * (MOST - 1));
    series_free(&series);
    assert_int_equal(series.count, 0);
    assert_int_equal(series_at(&series, 5, -1), -1);
    assert_int_equal(series_greatest(&series, -1), -1);
}

static void extremes_survive(void **state)
{
    (void)state;
    struct plot_series series = { .fold = FOLD_VALUES };
    uint64_t count = 0;
    for (int64_t i = 0; i < 1000000; i++) {
        int64_t value = i == 700001 ? 99999 : i == 300003 ? -5 : 1000 + i % 10;
        series_value(&series, (wh_time)i * 1000, value, MOST);
        assert_true(series.count <= MOST);
    }
    assert_true(series.count > MOST / 8); /* not all detail is lost */
    int64_t low = INT64_MAX, high = INT64_MIN;
    wh_time when = 0;
    for (size_t i = 0; i < series.count; i++) {
        const struct plot_mark *mark = &series.marks[i];
        low = MIN(low, mark->low);
        when = mark->high > high ? mark->first : when;
        high = MAX(high, mark->high);
        count += mark->count;
        assert_true(mark->first <= mark->last && mark->low <= mark->high);
        assert_true(i == 0 || series.marks[i - 1].last < mark->first);
    }
    assert_int_equal(low, -5);
    assert_int_equal(high, 99999);
    assert_true(when > 690000000 && when <= 700001000); /* and where it was */
    assert_int_equal(count, 1000000);
    assert_int_equal(series.marks[series.count - 1].value, 1009);
    series_free(&series);
}

/* Pieces that follow on each other become one; a gap between them stays. */
static void touching_pieces_become_one(void **state)
{
    (void)state;
    struct plot_series series = { .fold = FOLD_RANGES };
    for (int64_t i = 0; i < 100000; i++) {
        int64_t low = i * 100 + (i >= 50000 ? 7777 : 0);
        const struct plot_mark mark = { (wh_time)i, (wh_time)i, low, low + 100, low + 100, 1, 0 };
        series_add(&series, &mark, MOST);
    }
    assert_true(series.count <= MOST);
    unsigned gaps = 0;
    for (size_t i = 1; i < series.count; i++) {
        gaps += series.marks[i].low - series.marks[i - 1].high == 7777;
        assert_true(series.marks[i].low - series.marks[i - 1].high == 0 ||
                    series.marks[i].low - series.marks[i - 1].high == 7777);
    }
    assert_int_equal(gaps, 1);
    series_free(&series);
}

/* Whatever the pieces are like, their number is bounded, and kinds stay apart. */
static void hopeless_pieces_are_bounded(void **state)
{
    (void)state;
    struct plot_series series = { .fold = FOLD_RANGES };
    uint32_t seed = 1;
    uint64_t counts[5] = { 0 };
    for (int64_t i = 0; i < 200000; i++) {
        seed = seed * 1103515245 + 12345;
        int64_t low = (int64_t)(seed >> 8) * 10;
        uint32_t kind = (seed >> 5) % 5;
        const struct plot_mark mark = { (wh_time)i, (wh_time)i, low, low + 1, low + 1, 1, kind };
        series_add(&series, &mark, MOST);
        assert_true(series.count <= MOST);
    }
    for (size_t i = 0; i < series.count; i++) {
        counts[series.marks[i].kind] += series.marks[i].count;
    }
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < 5; kind++) {
        assert_true(counts[kind] > 30000);
        sum += counts[kind];
    }
    assert_int_equal(sum, 200000);
    series_free(&series);
}

static void all_at_one_instant(void **state)
{
    (void)state;
    struct plot_series series = { .fold = FOLD_RANGES };
    for (int64_t i = 0; i < 10000; i++) {
        const struct plot_mark mark = { 5, 5, i * 10, i * 10 + 1, 0, 1, (uint32_t)(i % 3) };
        series_add(&series, &mark, 16);
        assert_true(series.count <= 16);
    }
    series_free(&series);
}

static void a_copy_is_thinned_alone(void **state)
{
    (void)state;
    struct plot_series series = { .fold = FOLD_VALUES };
    struct plot_series copy;
    assert_true(series_copy(&series, &copy, 10));
    assert_int_equal(copy.count, 0);
    for (int64_t i = 0; i < 1000; i++) {
        series_value(&series, (wh_time)i, i, MOST);
    }
    assert_true(series_copy(&series, &copy, 10));
    assert_int_equal(series.count, 1000);
    assert_true(copy.count <= 10 && copy.count >= 3);
    assert_int_equal(copy.marks[0].low, 0);
    assert_int_equal(copy.marks[copy.count - 1].value, 999);
    series_free(&series);
    series_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_marks_stay_as_they_are), cmocka_unit_test(extremes_survive),
        cmocka_unit_test(touching_pieces_become_one), cmocka_unit_test(hopeless_pieces_are_bounded),
        cmocka_unit_test(all_at_one_instant),         cmocka_unit_test(a_copy_is_thinned_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

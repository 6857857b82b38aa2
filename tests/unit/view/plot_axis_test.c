/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "view/plot_axis.h"

/* All labels of an axis, with its unit: "0 10 20 ms". */
static void expect(const struct plot_axis *axis, unsigned wanted, const char *text)
{
    double ticks[AXIS_TICKS];
    char label[AXIS_TEXT], all[AXIS_TICKS * AXIS_TEXT + 16] = "";
    size_t n = axis_ticks(axis, wanted, ticks);
    assert_true(n <= AXIS_TICKS);
    for (size_t i = 0; i < n; i++) {
        strcat(all, axis_label(axis, wanted, ticks[i], label));
        strcat(all, " ");
    }
    strcat(all, axis->unit.name);
    assert_string_equal(all, text);
}

static void ticks_are_round(void **state)
{
    (void)state;
    static const struct {
        enum plot_quantity quantity;
        double low, high;
        const char *text;
    } cases[] = {
        { QUANTITY_BYTES, 0, 1, "0.0 0.2 0.4 0.6 0.8 1.0 B" },
        { QUANTITY_BYTES, 0, 16400, "0 5 10 15 kB" },
        { QUANTITY_BYTES, 0, 1e7, "0 2 4 6 8 10 MB" },
        { QUANTITY_BYTES, 0, 1.7e6, "0.0 0.5 1.0 1.5 MB" },
        { QUANTITY_BYTES, 0, 6.1e13, "0 20 40 60 TB" },
        { QUANTITY_TIME, 0, 950, "0 200 400 600 800 ns" },
        { QUANTITY_TIME, 0, 8e4, "0 20 40 60 80 µs" },
        { QUANTITY_TIME, 0, 2.2e8, "0 50 100 150 200 ms" },
        { QUANTITY_TIME, 0, 7.3e9, "0 2 4 6 s" },
        { QUANTITY_TIME, 0, 1.2e12, "0 5 10 15 20 min" },
        { QUANTITY_TIME, 0, 8.64e13, "0 5 10 15 20 h" },
        { QUANTITY_BIT_RATE, 0, 9.8e8, "0 200 400 600 800 Mbit/s" },
        { QUANTITY_BIT_RATE, 5e9, 9e9, "5 6 7 8 9 Gbit/s" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plot_axis axis = axis_new(cases[i].quantity, cases[i].low, cases[i].high, 0, 100);
        expect(&axis, 5, cases[i].text);
    }
}

static void values_find_their_place(void **state)
{
    (void)state;
    struct plot_axis axis = axis_new(QUANTITY_BYTES, 0, 200, 500, 100);
    assert_true(axis_at(&axis, 0) == 500);
    assert_true(axis_at(&axis, 200) == 100);
    assert_true(axis_at(&axis, 50) == 400);
    struct plot_axis empty = axis_new(QUANTITY_BYTES, 7, 7, 0, 100);
    assert_true(axis_at(&empty, 7) == 0);
    assert_true(axis_at(&empty, 8) == 100);
}

static void logarithms_are_even(void **state)
{
    (void)state;
    struct plot_axis axis = axis_new_logarithmic(QUANTITY_TIME, 1e4, 1e8, 0, 400);
    static const double places[] = { 0, 100, 200, 300, 400 };
    double value = 1e4;
    for (size_t i = 0; i < 5; i++, value *= 10) {
        double off = axis_at(&axis, value) - places[i];
        assert_true(off > -0.01 && off < 0.01);
    }
    assert_true(axis_at(&axis, 0) < 0); /* nothing, but no infinity either */
    assert_true(axis_at(&axis, 0) > -1e4);
    axis.unit = axis_unit(QUANTITY_TIME, 1e6);
    expect(&axis, 5, "0.01 0.1 1 10 100 ms");
    axis = axis_new_logarithmic(QUANTITY_TIME, 1.5e7, 3e8, 0, 100);
    expect(&axis, 5, "20 50 100 200 ms");
    axis = axis_new_logarithmic(QUANTITY_TIME, 0, 1e9, 0, 100);
    assert_true(axis.low > 0);
}

static void steps_are_rounded_up(void **state)
{
    (void)state;
    assert_true(axis_round(1) == 1);
    assert_true(axis_round(1.1) == 2);
    assert_true(axis_round(2.0001) == 5);
    assert_true(axis_round(50) == 50);
    assert_true(axis_round(52.8e6) == 100e6);
    double small = axis_round(0.003);
    assert_true(small > 0.00499 && small < 0.00501);
}

static void values_in_words(void **state)
{
    (void)state;
    char text[AXIS_TEXT];
    assert_string_equal(axis_value(QUANTITY_BYTES, 0, text), "0 B");
    assert_string_equal(axis_value(QUANTITY_BYTES, 999, text), "999 B");
    assert_string_equal(axis_value(QUANTITY_BYTES, 16384, text), "16.4 kB");
    assert_string_equal(axis_value(QUANTITY_BYTES, 3e6, text), "3 MB");
    assert_string_equal(axis_value(QUANTITY_TIME, 68.6e9, text), "68.6 s");
    assert_string_equal(axis_value(QUANTITY_TIME, 40e6, text), "40 ms");
    assert_string_equal(axis_value(QUANTITY_TIME, 7.2e12, text), "120 min");
    assert_string_equal(axis_value(QUANTITY_BIT_RATE, 24.93e6, text), "24.9 Mbit/s");
    assert_string_equal(axis_value(QUANTITY_BIT_RATE, 9.4e13, text), "94000 Gbit/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),     cmocka_unit_test(values_find_their_place),
        cmocka_unit_test(logarithms_are_even), cmocka_unit_test(steps_are_rounded_up),
        cmocka_unit_test(values_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

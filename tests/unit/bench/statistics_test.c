/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/statistics.h"

static void check(struct statistics told, double least, double median, double most)
{
    assert_true(told.least == least);
    assert_true(told.median == median);
    assert_true(told.most == most);
}

static void one_round(void **state)
{
    const double values[] = { 7 };
    (void)state;
    check(statistics_of(values, 1), 7, 7, 7);
}

static void an_odd_number_has_a_middle(void **state)
{
    const double values[] = { 5, 1, 4, 2, 3 };
    (void)state;
    check(statistics_of(values, 5), 1, 3, 5);
    check(statistics_of(values, 3), 1, 4, 5);
}

static void of_an_even_number_the_mean_of_the_middle_two(void **state)
{
    const double values[] = { 8, 1, 2, 100 };
    (void)state;
    check(statistics_of(values, 4), 1, 5, 100);
    check(statistics_of(values, 2), 1, 4.5, 8);
}

static void equal_rounds(void **state)
{
    const double values[] = { 2, 1, 2, 2, 9, 1 };
    (void)state;
    check(statistics_of(values, 6), 1, 2, 9);
    check(statistics_of(values + 2, 2), 2, 2, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_round),
        cmocka_unit_test(an_odd_number_has_a_middle),
        cmocka_unit_test(of_an_even_number_the_mean_of_the_middle_two),
        cmocka_unit_test(equal_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

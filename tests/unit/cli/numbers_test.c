/* SPDX-License-Identifier: MIT */
/* Frames of several stacks, counted as one sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/numbers.h"

/* Stacks are told apart by address alone. */
static const char stacks[2];
#define STACK(i) ((const wh_stack *)(const void *)&stacks[i])

static uint64_t shown(struct numbers *numbers, unsigned stack, uint8_t kind, uint64_t own)
{
    wh_trace_record record = { .kind = kind, .frame = own };
    numbers_apply(numbers, STACK(stack), &record, 1);
    return record.frame;
}

static void one_stack_keeps_its_numbers(void **state)
{
    (void)state;
    struct numbers numbers = { 0 };
    assert_int_equal(numbers_arrive(&numbers, STACK(0), 3), 1);
    assert_int_equal(numbers_arrive(&numbers, STACK(0), 2), 4);
    numbers_depart(&numbers, STACK(0), 9);
    assert_int_equal(shown(&numbers, 0, WH_TRACE_IN, 5), 5);
    assert_int_equal(shown(&numbers, 0, WH_TRACE_OUT, 9), 9);
}

static void two_stacks_count_together(void **state)
{
    (void)state;
    struct numbers numbers = { 0 };
    assert_int_equal(numbers_arrive(&numbers, STACK(0), 3), 1);
    assert_int_equal(numbers_arrive(&numbers, STACK(1), 2), 1);
    assert_int_equal(shown(&numbers, 1, WH_TRACE_IN, 1), 4);
    assert_int_equal(shown(&numbers, 1, WH_TRACE_DROP, 2), 5);
    assert_int_equal(numbers_arrive(&numbers, STACK(0), 1), 4);
    assert_int_equal(shown(&numbers, 0, WH_TRACE_IN, 4), 6);
    /* What leaves has numbers of its own. */
    numbers_depart(&numbers, STACK(1), 2);
    numbers_depart(&numbers, STACK(0), 1);
    assert_int_equal(shown(&numbers, 0, WH_TRACE_OUT, 1), 3);
    assert_int_equal(shown(&numbers, 1, WH_TRACE_OUT, 2), 2);
    /* Zero is no frame. */
    assert_int_equal(shown(&numbers, 1, WH_TRACE_STATE, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stack_keeps_its_numbers),
        cmocka_unit_test(two_stacks_count_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/delay.h"

enum { CAP = 64 };

static void put(struct delay *delay, uint32_t first, uint32_t n, wh_time due)
{
    for (uint32_t i = 0; i < n; i++) {
        const wh_frame frame = { .length = first + i };
        assert_true(delay_put(delay, &frame, 1, due));
    }
}

static void expect(struct delay *delay, uint32_t first, uint32_t n, wh_time now)
{
    wh_frame frames[CAP];
    for (uint32_t taken = 0; taken < n;) {
        size_t got = delay_take(delay, frames, n - taken < CAP ? n - taken : CAP, now);
        assert_true(got > 0);
        for (size_t i = 0; i < got; i++) {
            assert_int_equal(frames[i].length, first + taken++);
        }
    }
}

static void nothing_arrives_before_its_time(void **state)
{
    struct delay delay = { 0 };
    wh_frame frames[CAP];
    (void)state;
    assert_int_equal(delay_take(&delay, frames, CAP, 1000), 0);
    put(&delay, 0, 3, 10);
    put(&delay, 3, 2, 20);
    assert_int_equal(delay_take(&delay, frames, CAP, 9), 0);
    assert_int_equal(delay_take(&delay, frames, CAP, 10), 3);
    assert_int_equal(frames[2].length, 2);
    assert_int_equal(delay_take(&delay, frames, 1, 20), 1);
    expect(&delay, 4, 1, 20);
    assert_int_equal(delay_take(&delay, frames, CAP, 1000), 0);
    delay_free(&delay, NULL);
}

/* The ring grows while its contents lie across its end. */
static void order_is_kept_while_it_grows(void **state)
{
    struct delay delay = { 0 };
    uint32_t in = 0, out = 0;
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        put(&delay, in, 100, round);
        in += 100;
        expect(&delay, out, 61, round);
        out += 61;
    }
    expect(&delay, out, in - out, 40);
    delay_free(&delay, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_arrives_before_its_time),
        cmocka_unit_test(order_is_kept_while_it_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

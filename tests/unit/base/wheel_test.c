/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/wheel.h"

#define TICK (1ULL << WHEEL_TICK_BITS)
#define MILLISECOND 1000000ULL
#define SECOND (1000 * MILLISECOND)
#define HOUR (3600 * SECOND)

static void fires_at_its_tick_and_not_before(void **state)
{
    static const uint64_t delay[] = { 1,           TICK - 1,          TICK,        TICK + 1,
                                      MILLISECOND, 200 * MILLISECOND, SECOND,      75 * SECOND,
                                      2 * HOUR,    24 * HOUR,         40000 * HOUR };
    static const uint64_t start[] = {
        0, 1, TICK, 63 * TICK, 64 * TICK - 1, 17 * SECOND + 3, 1000000 * HOUR
    };

    (void)state;
    for (size_t s = 0; s < sizeof(start) / sizeof(*start); s++)
        for (size_t d = 0; d < sizeof(delay) / sizeof(*delay); d++) {
            struct timer timer = { 0 };
            struct wheel wheel;
            uint64_t deadline = start[s] + delay[d], due = (deadline + TICK - 1) / TICK * TICK;

            wheel_init(&wheel, start[s]);
            assert_int_equal(wheel_next(&wheel), UINT64_MAX);
            assert_null(wheel_expire(&wheel, start[s]));
            wheel_arm(&wheel, &timer, deadline);
            assert_true(timer_armed(&timer));
            assert_int_equal(wheel.armed, 1);
            /* Alone in its slot it is announced exactly: an idle stack sleeps until then. */
            assert_int_equal(wheel_next(&wheel), due);
            assert_null(wheel_expire(&wheel, due - 1));
            assert_int_equal(wheel_next(&wheel), due);
            assert_ptr_equal(wheel_expire(&wheel, due), &timer);
            assert_false(timer_armed(&timer));
            assert_null(wheel_expire(&wheel, due));
            assert_int_equal(wheel.armed, 0);
            assert_int_equal(wheel_next(&wheel), UINT64_MAX);
        }
}

static void past_deadline_fires_at_once(void **state)
{
    struct timer timer = { 0 };
    struct wheel wheel;

    (void)state;
    wheel_init(&wheel, HOUR);
    wheel_arm(&wheel, &timer, 5);
    assert_true(wheel_next(&wheel) <= HOUR);
    assert_ptr_equal(wheel_expire(&wheel, HOUR), &timer);
}

static void a_moved_timer_fires_once_at_its_new_time(void **state)
{
    struct timer timer = { 0 }, other = { 0 };
    struct wheel wheel;

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &other, 200 * MILLISECOND);
    wheel_arm(&wheel, &timer, SECOND);
    wheel_arm(&wheel, &timer, 3 * SECOND);
    assert_int_equal(wheel.armed, 2);
    assert_ptr_equal(wheel_expire(&wheel, 2 * SECOND), &other);
    assert_null(wheel_expire(&wheel, 2 * SECOND));
    wheel_arm(&wheel, &timer, 3 * SECOND + 1); /* a step so small that the slot stays */
    assert_null(wheel_expire(&wheel, 3 * SECOND));
    assert_ptr_equal(wheel_expire(&wheel, 3 * SECOND + TICK), &timer);
    wheel_disarm(&wheel, &timer); /* no effect on one that is not armed */
    assert_int_equal(wheel.armed, 0);
}

static void disarmed_timers_leave_no_mark(void **state)
{
    struct timer timer[3] = { 0 };
    struct wheel wheel;

    (void)state;
    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < 3; i++)
        wheel_arm(&wheel, &timer[i], HOUR);
    wheel_disarm(&wheel, &timer[1]);
    wheel_disarm(&wheel, &timer[0]);
    assert_true(wheel_next(&wheel) >= HOUR && wheel_next(&wheel) < HOUR + TICK);
    wheel_disarm(&wheel, &timer[2]);
    assert_int_equal(wheel_next(&wheel), UINT64_MAX);
    for (unsigned l = 0; l < WHEEL_LEVELS; l++)
        assert_int_equal(wheel.occupied[l], 0);
}

/* Crowded slots cost early wake-ups, but no more than one a level. */
static void wakes_early_at_most_once_a_level(void **state)
{
    struct timer timer[100] = { 0 };
    struct wheel wheel;
    unsigned wakes = 0;

    (void)state;
    wheel_init(&wheel, 123 * SECOND);
    for (unsigned i = 0; i < 100; i++)
        wheel_arm(&wheel, &timer[i], 7323 * SECOND);
    for (;;) {
        uint64_t next = wheel_next(&wheel);

        if (wheel_expire(&wheel, next) != NULL)
            break;
        wakes++;
    }
    assert_true(wakes <= WHEEL_LEVELS);
}

static void the_end_of_time_is_in_range(void **state)
{
    struct timer timer = { 0 };
    struct wheel wheel;

    (void)state;
    wheel_init(&wheel, 0);
    wheel_arm(&wheel, &timer, UINT64_MAX);
    assert_null(wheel_expire(&wheel, UINT64_MAX / 2));
    assert_ptr_equal(wheel_expire(&wheel, UINT64_MAX), &timer);
}

static uint64_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 24;
}

/* A span of any order of magnitude, from less than a tick to weeks. */
static uint64_t random_span(uint64_t *seed)
{
    unsigned bits = (unsigned)(random_next(seed) % 50);

    return random_next(seed) & ((1ULL << bits) - 1);
}

#define TIMERS 300

static uint64_t due(const struct timer *timer, uint64_t armed_at)
{
    uint64_t at = (timer->deadline + TICK - 1) / TICK * TICK;

    return MAX(at, armed_at / TICK * TICK);
}

/*
 * Random arms, moves, disarms and steps in time, against an array that is searched
 * from end to end: the same timers fire, in order of their ticks, never early, and
 * wheel_next never oversleeps.
 */
static void agrees_with_a_plain_list(void **state)
{
    static struct timer timer[TIMERS];
    uint64_t armed_at[TIMERS] = { 0 }, seed = 11, now = 5 * HOUR;
    struct wheel wheel;
    unsigned fired = 0;

    (void)state;
    wheel_init(&wheel, now);
    for (unsigned round = 0; round < 60000; round++) {
        unsigned i = (unsigned)(random_next(&seed) % TIMERS);
        uint64_t earliest = UINT64_MAX, last = 0;
        struct timer *out;

        if (random_next(&seed) % 4 != 0) {
            uint64_t span = random_span(&seed);

            wheel_arm(&wheel, &timer[i], random_next(&seed) % 16 == 0 ? now - span : now + span);
            armed_at[i] = now;
        } else {
            wheel_disarm(&wheel, &timer[i]);
        }
        for (unsigned k = 0; k < TIMERS; k++)
            if (timer_armed(&timer[k]))
                earliest = MIN(earliest, due(&timer[k], armed_at[k]));
        assert_true(wheel_next(&wheel) <= earliest);
        if (round % 3 == 0)
            now = round % 2 == 0 && wheel_next(&wheel) != UINT64_MAX ? MAX(now, wheel_next(&wheel))
                                                                     : now + random_span(&seed) / 8;
        while ((out = wheel_expire(&wheel, now)) != NULL) {
            uint64_t at = due(out, armed_at[out - timer]);

            assert_true(at <= now && out->deadline <= now);
            assert_true(at >= last);
            last = at;
            fired++;
        }
        for (unsigned k = 0; k < TIMERS; k++)
            if (timer_armed(&timer[k]))
                assert_true(due(&timer[k], armed_at[k]) > now);
    }
    assert_true(fired > 10000);
}

/* A million timers and jumps of hours: each timer is touched a few times, each tick never. */
static void jumps_cost_nothing(void **state)
{
    enum { COUNT = 1000000 };
    struct timer *timer = calloc(COUNT, sizeof(*timer));
    struct wheel wheel;
    uint64_t seed = 5, now = 0;
    unsigned fired = 0;

    (void)state;
    wheel_init(&wheel, 0);
    for (unsigned i = 0; i < COUNT; i++)
        wheel_arm(&wheel, &timer[i], random_next(&seed) % (100 * HOUR));
    for (unsigned i = 0; i < 100; i++) {
        now += HOUR;
        while (wheel_expire(&wheel, now) != NULL)
            fired++;
    }
    assert_int_equal(fired, COUNT);
    wheel_arm(&wheel, &timer[0], now + 1000000 * HOUR);
    for (unsigned i = 0; i < COUNT; i++)
        assert_null(wheel_expire(&wheel, now += HOUR / 2));
    free(timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_at_its_tick_and_not_before),
        cmocka_unit_test(past_deadline_fires_at_once),
        cmocka_unit_test(a_moved_timer_fires_once_at_its_new_time),
        cmocka_unit_test(disarmed_timers_leave_no_mark),
        cmocka_unit_test(wakes_early_at_most_once_a_level),
        cmocka_unit_test(the_end_of_time_is_in_range),
        cmocka_unit_test(agrees_with_a_plain_list),
        cmocka_unit_test(jumps_cost_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

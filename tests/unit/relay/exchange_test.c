/* SPDX-License-Identifier: MIT */
/* What relays have in common: no wake-up is lost, and turns do not overlap. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "relay/exchange.h"

/* A test that waits for ever has failed. */
enum { PATIENCE = 30 /* s */, FRAMES = 20000, TURNS = 1000 };

static void put(struct exchange *exchange, uint32_t from, uint32_t to, uint32_t number)
{
    const wh_frame frame = { .slice = { { &number, sizeof number } },
                             .slices = 1,
                             .length = sizeof number };
    assert_true(handoff_put(exchange_ring(exchange, from, to), &frame));
    exchange_wake(exchange, to);
}

/* True if the bell has rung; takes it back. */
static bool rang(struct exchange *exchange, uint32_t member)
{
    uint64_t times;
    return read(exchange_bell(exchange, member), &times, sizeof times) > 0;
}

static void only_who_sleeps_is_woken(void **state)
{
    (void)state;
    wh_frame frame;
    struct exchange *exchange = exchange_new(3, false);
    put(exchange, 0, 1, 7);
    assert_false(rang(exchange, 1));
    assert_false(exchange_sleep(exchange, 1)); /* there is something to do */
    assert_int_equal(handoff_take(exchange_ring(exchange, 0, 1), &frame, 1), 1);
    handoff_done(exchange_ring(exchange, 0, 1));
    assert_true(exchange_sleep(exchange, 1));
    put(exchange, 2, 1, 8);
    put(exchange, 0, 1, 9);
    assert_true(rang(exchange, 1));
    assert_false(rang(exchange, 2));
    exchange_awake(exchange, 1);
    assert_false(exchange_sleep(exchange, 1));
    exchange_ring_bell(exchange, 1); /* for anything else it rings in any case */
    assert_true(rang(exchange, 1));
    exchange_free(exchange);
}

static void *hand_over(void *context)
{
    for (uint32_t i = 0; i < FRAMES; i++)
        put(context, 0, 1, i);
    return NULL;
}

static void no_wake_up_is_lost(void **state)
{
    (void)state;
    struct exchange *exchange = exchange_new(2, false);
    struct handoff *ring = exchange_ring(exchange, 0, 1);
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, hand_over, exchange), 0);
    for (uint32_t got = 0; got < FRAMES;) {
        struct pollfd bell = { .fd = exchange_bell(exchange, 1), .events = POLLIN };
        if (exchange_sleep(exchange, 1)) {
            assert_int_equal(poll(&bell, 1, PATIENCE * 1000), 1);
            exchange_awake(exchange, 1);
        }
        rang(exchange, 1);
        wh_frame frames[8];
        size_t n = handoff_take(ring, frames, 8);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(*(const uint32_t *)frames[i].slice[0].base, got++);
        handoff_done(ring);
    }
    pthread_join(other, NULL);
    assert_int_equal(exchange_lost(exchange), 0);
    exchange_free(exchange);
}

struct turns {
    struct exchange *exchange;
    atomic_bool within;
    atomic_uint overlaps;
    unsigned plain; /* guarded by the turns alone */
};

static void turn(struct turns *turns)
{
    exchange_turn_begin(turns->exchange);
    turns->overlaps += atomic_exchange(&turns->within, true);
    turns->plain++;
    sched_yield(); /* the other would come in now, if it could */
    turns->within = false;
    exchange_turn_end(turns->exchange);
}

static void *take_turns(void *context)
{
    for (unsigned i = 0; i < TURNS; i++)
        turn(context);
    return NULL;
}

static void turns_do_not_overlap(void **state)
{
    (void)state;
    struct turns turns = { .exchange = exchange_new(2, true) };
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, take_turns, &turns), 0);
    for (unsigned i = 0; i < TURNS; i++)
        turn(&turns);
    pthread_join(other, NULL);
    assert_int_equal(turns.overlaps, 0);
    assert_int_equal(turns.plain, 2 * TURNS);
    exchange_free(turns.exchange);
}

static void a_thing_is_said_once(void **state)
{
    (void)state;
    struct exchange *exchange = exchange_new(2, false);
    assert_true(exchange_first(exchange, 3));
    assert_false(exchange_first(exchange, 3));
    assert_true(exchange_first(exchange, 0));
    exchange_free(exchange);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_who_sleeps_is_woken),
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(turns_do_not_overlap),
        cmocka_unit_test(a_thing_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The ring between two threads: order, wrapping, fullness; and with two threads, that nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "link/handoff.h"

enum { MOST = 1500 };

static wh_frame frame_of(const uint8_t *bytes, uint32_t length)
{
    return (wh_frame){ .slice = { { bytes, length } }, .slices = 1, .length = length };
}

/* A frame whose length and every byte follow from its number. */
static uint32_t make(uint32_t number, uint8_t *bytes)
{
    uint32_t length = 1 + number * 2654435761U % MOST;
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(number + i * 7);
    return length;
}

static bool is_made(uint32_t number, const wh_frame *frame)
{
    uint8_t bytes[MOST];
    uint32_t length = make(number, bytes);
    return frame->length == length && frame->slice[0].length == length &&
           memcmp(frame->slice[0].base, bytes, length) == 0;
}

static void a_frame_arrives_with_all_that_the_link_said(void **state)
{
    (void)state;
    struct handoff *ring = handoff_new(1024);
    const uint8_t bytes[] = { 1, 2, 3, 4, 5 };
    wh_frame in = frame_of(bytes, sizeof bytes), out;
    in.flags = WH_FRAME_CHECKSUM_PARTIAL;
    in.segment_size = 1460;
    in.checksum_start = 20;
    in.checksum_offset = 16;
    in.buffer = ring; /* whatever it is: it stays with the producer */
    assert_false(handoff_waiting(ring));
    assert_true(handoff_put(ring, &in));
    assert_true(handoff_waiting(ring));
    assert_int_equal(handoff_take(ring, &out, 1), 1);
    assert_memory_equal(out.slice[0].base, bytes, sizeof bytes);
    assert_int_equal(out.length, sizeof bytes);
    assert_int_equal(out.slices, 1);
    assert_int_equal(out.flags, in.flags);
    assert_int_equal(out.segment_size, in.segment_size);
    assert_int_equal(out.checksum_start, in.checksum_start);
    assert_int_equal(out.checksum_offset, in.checksum_offset);
    assert_null(out.buffer);
    assert_int_equal(handoff_take(ring, &out, 1), 0);
    handoff_done(ring);
    handoff_free(ring);
}

static void a_full_ring_loses_and_counts(void **state)
{
    (void)state;
    struct handoff *ring = handoff_new(256);
    uint8_t bytes[64] = { 0 };
    const wh_frame frame = frame_of(bytes, 48); /* 64 with its header */
    wh_frame out[8];
    for (int i = 0; i < 4; i++)
        assert_true(handoff_put(ring, &frame));
    assert_false(handoff_put(ring, &frame));
    assert_false(handoff_put(ring, &frame));
    assert_int_equal(handoff_lost(ring), 2);
    /* What is only being looked at is not free yet. */
    assert_int_equal(handoff_take(ring, out, 1), 1);
    assert_false(handoff_put(ring, &frame));
    handoff_done(ring);
    assert_true(handoff_put(ring, &frame));
    assert_false(handoff_put(ring, &frame));
    assert_int_equal(handoff_lost(ring), 4);
    assert_int_equal(handoff_take(ring, out, 8), 4);
    handoff_done(ring);
    handoff_free(ring);
}

static void a_frame_larger_than_the_ring_is_lost(void **state)
{
    (void)state;
    struct handoff *ring = handoff_new(256);
    uint8_t bytes[MOST] = { 0 };
    const wh_frame frame = frame_of(bytes, 241);
    assert_false(handoff_put(ring, &frame));
    assert_false(handoff_waiting(ring));
    assert_int_equal(handoff_lost(ring), 1);
    handoff_free(ring);
}

static void frames_stay_whole_wherever_the_ring_ends(void **state)
{
    (void)state;
    struct handoff *ring = handoff_new(4096);
    uint8_t bytes[MOST];
    wh_frame out[3];
    uint32_t put = 0, taken = 0;
    while (taken < 10000) {
        wh_frame frame = frame_of(bytes, make(put, bytes));
        if (handoff_put(ring, &frame) && ++put - taken < 3)
            continue;
        size_t n = handoff_take(ring, out, 1 + put % 3);
        for (size_t i = 0; i < n; i++)
            assert_true(is_made(taken++, &out[i]));
        handoff_done(ring);
    }
    handoff_free(ring);
}

/* ----------------------------------------------------------- two threads -- */

enum { FRAMES = 200000 };

struct both {
    struct handoff *ring;
    atomic_uint wrong;
};

static void *produce(void *context)
{
    struct both *both = context;
    uint8_t bytes[MOST];
    for (uint32_t i = 0; i < FRAMES; i++) {
        wh_frame frame = frame_of(bytes, make(i, bytes));
        while (!handoff_put(both->ring, &frame))
            sched_yield();
    }
    return NULL;
}

static void *consume(void *context)
{
    struct both *both = context;
    wh_frame out[16];
    for (uint32_t taken = 0; taken < FRAMES;) {
        size_t n = handoff_take(both->ring, out, 16);
        for (size_t i = 0; i < n; i++)
            both->wrong += !is_made(taken++, &out[i]);
        handoff_done(both->ring);
        if (n == 0)
            sched_yield();
    }
    return NULL;
}

static void two_threads_lose_and_mix_nothing(void **state)
{
    (void)state;
    struct both both = { .ring = handoff_new(16384) };
    pthread_t producer, consumer;
    assert_int_equal(pthread_create(&producer, NULL, produce, &both), 0);
    assert_int_equal(pthread_create(&consumer, NULL, consume, &both), 0);
    pthread_join(producer, NULL);
    pthread_join(consumer, NULL);
    assert_int_equal(both.wrong, 0);
    assert_false(handoff_waiting(both.ring));
    handoff_free(both.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_arrives_with_all_that_the_link_said),
        cmocka_unit_test(a_full_ring_loses_and_counts),
        cmocka_unit_test(a_frame_larger_than_the_ring_is_lost),
        cmocka_unit_test(frames_stay_whole_wherever_the_ring_ends),
        cmocka_unit_test(two_threads_lose_and_mix_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

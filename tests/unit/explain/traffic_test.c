/* SPDX-License-Identifier: MIT */
/* What segments are taken for, by a list of segments and the marks they must get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explain/traffic.h"

/* A segment of a plan: numbers are relative to the ends' first ones. */
struct step {
    unsigned milliseconds, from; /* from 0: the client */
    uint16_t flags;
    uint32_t seq, ack, length, tsval;
    enum mark mark;
};

#define WINDOW 1000

static enum mark take(struct traffic *traffic, const struct step *step, const uint32_t first[2])
{
    static uint16_t id;
    struct seen seen;
    memset(&seen, 0, sizeof seen);
    seen.kind = PACKET_SEGMENT;
    seen.when = (wh_time)step->milliseconds * WH_MILLISECOND + WH_SECOND;
    seen.ip_id = ++id;
    seen.ip_length = 40 + step->length;
    seen.segment.flags = step->flags;
    seen.segment.seq = first[step->from] + step->seq;
    seen.segment.ack = first[1 - step->from] + step->ack;
    seen.segment.length = step->length;
    seen.segment.window =
        step->flags & WH_URG ? 0 : WINDOW; /* URG stands for a closed window here */
    if (step->tsval != 0) {
        seen.segment.options.has = WH_HAS_TIMESTAMPS;
        seen.segment.options.tsval = step->tsval;
    }
    return traffic_take(traffic, step->from, &seen);
}

/* Plays a plan at several places of the sequence space. */
static void play(const struct step *step, size_t n, void (*judge)(const struct traffic *traffic))
{
    static const uint32_t firsts[][2] = { { 1000, 5000 },
                                          { 0xffffff80, 0xfffffffe },
                                          { 0x7fffff90, 0 } };
    for (size_t place = 0; place < 3; place++) {
        struct traffic *traffic = traffic_new(0);
        for (size_t i = 0; i < n; i++) {
            enum mark mark = take(traffic, &step[i], firsts[place]);
            if (mark != step[i].mark) {
                print_error("place %zu, step %zu: '%s' instead of '%s'\n", place, i,
                            mark_name(mark), mark_name(step[i].mark));
            }
            assert_int_equal(mark, step[i].mark);
        }
        if (judge != NULL) {
            judge(traffic);
        }
        traffic_free(traffic);
    }
}

#define PLAY(steps, judge) play(steps, sizeof(steps) / sizeof(steps)[0], judge)
#define OPENING                                                                                    \
    { 0, 0, WH_SYN, 0, 0, 0, 0, MARK_NONE }, { 30, 1, WH_SYN | WH_ACK, 0, 1, 0, 0, MARK_NONE },    \
    {                                                                                              \
        30, 0, WH_ACK, 1, 1, 0, 0, MARK_NONE                                                       \
    }

static void five_times_by_timeout(const struct traffic *traffic)
{
    wh_time first;
    struct traffic_sums sums;
    assert_int_equal(traffic_repeats(traffic, 0, &first), 2);
    assert_true(first == 40 * WH_MILLISECOND + WH_SECOND);
    assert_int_equal(traffic_outstanding(traffic, 0), 100);
    traffic_sum(traffic, 0, 5 * WH_SECOND, &sums);
    assert_int_equal(sums.retransmissions, 2);
    assert_int_equal(sums.fresh_bytes, 100);
}

static void sent_again_after_a_timeout(void **state)
{
    (void)state;
    const struct step steps[] = {
        OPENING,
        { 40, 0, WH_ACK, 1, 1, 100, 0, MARK_NONE },
        { 300, 0, WH_ACK, 1, 1, 100, 0, MARK_TIMEOUT },
        { 800, 0, WH_ACK, 1, 1, 100, 0, MARK_TIMEOUT },
    };
    PLAY(steps, five_times_by_timeout);
}

static void sent_again_after_duplicate_acks(void **state)
{
    (void)state;
    const struct step steps[] = {
        OPENING,
        { 40, 0, WH_ACK, 1, 1, 100, 0, MARK_NONE },
        { 40, 0, WH_ACK, 101, 1, 100, 0, MARK_NONE },
        { 40, 0, WH_ACK, 201, 1, 100, 0, MARK_NONE },
        { 41, 0, WH_ACK, 301, 1, 100, 0, MARK_NONE },
        { 42, 0, WH_ACK, 401, 1, 100, 0, MARK_NONE },
        { 70, 1, WH_ACK, 1, 101, 0, 0, MARK_NONE },
        { 71, 1, WH_ACK, 1, 101, 0, 0, MARK_DUPLICATE_ACK },
        { 71, 1, WH_ACK, 1, 101, 0, 0, MARK_DUPLICATE_ACK },
        { 72, 1, WH_ACK, 1, 101, 0, 0, MARK_DUPLICATE_ACK },
        { 73, 0, WH_ACK, 101, 1, 100, 0, MARK_FAST_RETRANSMIT },
        { 103, 1, WH_ACK, 1, 501, 0, 0, MARK_NONE },
    };
    PLAY(steps, NULL);
}

static void a_hole_is_filled_by_what_was_overtaken_or_lost(void **state)
{
    (void)state;
    const struct step steps[] = {
        OPENING,
        { 40, 0, WH_ACK, 101, 1, 100, 11, MARK_GAP },
        { 41, 0, WH_ACK, 1, 1, 100, 10, MARK_REORDERED },
        { 50, 0, WH_ACK, 301, 1, 100, 12, MARK_GAP },
        { 90, 0, WH_ACK, 201, 1, 100, 60, MARK_FAST_RETRANSMIT },
    };
    PLAY(steps, NULL);
}

static void sent_again_though_it_had_arrived(void **state)
{
    (void)state;
    const struct step steps[] = {
        OPENING,
        { 40, 0, WH_ACK, 1, 1, 100, 0, MARK_NONE },
        { 70, 1, WH_ACK, 1, 101, 0, 0, MARK_NONE },
        { 300, 0, WH_ACK, 1, 1, 100, 0, MARK_SPURIOUS },
    };
    PLAY(steps, NULL);
}

static void probes_are_no_repetitions(void **state)
{
    (void)state;
    const struct step steps[] = {
        OPENING,
        { 40, 0, WH_ACK, 1, 1, 100, 0, MARK_NONE },
        { 70, 1, WH_ACK, 1, 101, 0, 0, MARK_NONE },
        { 9000, 0, WH_ACK, 100, 1, 0, 0, MARK_KEEP_ALIVE },
        { 9030, 1, WH_ACK, 1, 101, 0, 0, MARK_KEEP_ALIVE_ACK },
        { 9100, 1, WH_ACK | WH_URG, 1, 101, 0, 0, MARK_WINDOW_CLOSED },
        { 9400, 0, WH_ACK, 100, 1, 0, 0, MARK_WINDOW_PROBE },
        { 9430, 1, WH_ACK, 1, 101, 0, 0, MARK_WINDOW_UPDATE },
    };
    PLAY(steps, NULL);
}

static void an_old_time_stamp_is_seen(void **state)
{
    (void)state;
    const struct step steps[] = {
        OPENING,
        { 40, 0, WH_ACK, 1, 1, 100, 500, MARK_NONE },
        { 70, 1, WH_ACK, 1, 101, 0, 0, MARK_NONE },
        { 100, 0, WH_ACK, 101, 1, 100, 20, MARK_OLD_TIMESTAMP },
    };
    PLAY(steps, NULL);
}

static void what_was_not_captured_is_seen_by_its_acknowledgement(void **state)
{
    (void)state;
    const struct step steps[] = { OPENING, { 90, 1, WH_ACK, 1, 301, 0, 0, MARK_UNSEEN_ACKED } };
    PLAY(steps, NULL);
}

/* Whatever comes, memory stays bounded and nothing is read that is not there (sanitizers). */
static void anything_is_borne(void **state)
{
    (void)state;
    uint32_t luck = 1;
    const uint32_t first[2] = { 0xfffffff0, 7 };
    struct traffic *traffic = traffic_new(32);
    for (unsigned i = 0; i < 300000; i++) {
        luck = luck * 1664525 + 1013904223;
        struct step step = { .milliseconds = i / 4,
                             .from = luck >> 31,
                             .flags = (uint16_t)(luck >> 8 & 0x3f),
                             .seq = luck >> 12 & 0x3ffff,
                             .ack = luck >> 6 & 0x3ffff,
                             .length = luck >> 20 & 0x5ff,
                             .tsval = luck >> 3 & 0xffff };
        (void)take(traffic, &step, first);
        assert_true(traffic_size(traffic) < 40000);
    }
    for (unsigned side = 0; side < 2; side++) {
        struct traffic_sums sums;
        size_t points;
        traffic_sum(traffic, side, 1000 * WH_SECOND, &sums);
        (void)traffic_points(traffic, side, &points);
        assert_true(points <= 32);
    }
    traffic_free(traffic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sent_again_after_a_timeout),
        cmocka_unit_test(sent_again_after_duplicate_acks),
        cmocka_unit_test(a_hole_is_filled_by_what_was_overtaken_or_lost),
        cmocka_unit_test(sent_again_though_it_had_arrived),
        cmocka_unit_test(probes_are_no_repetitions),
        cmocka_unit_test(an_old_time_stamp_is_seen),
        cmocka_unit_test(what_was_not_captured_is_seen_by_its_acknowledgement),
        cmocka_unit_test(anything_is_borne),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

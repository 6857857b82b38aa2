/* SPDX-License-Identifier: MIT */
/* Delivery rate samples (draft-cheng-iccrg-delivery-rate-estimation). */
#include "sender.h"

static struct cc_ack sample(struct sender *s, const struct acknowledged *what)
{
    struct cc_ack ack = { .interval = 0 };
    rate_sample(&s->conn, what, &ack);
    return ack;
}

/* One segment each millisecond, acknowledged 20 ms later: 1000 bytes a millisecond. */
static void a_steady_flow_gives_its_rate(void **state)
{
    (void)state;
    struct sender *s = sender_begin(UINT32_MAX - 5000); /* across the wrap */
    struct cc_ack ack = { .interval = 0 };
    s->conn.min_rtt = 20000;
    for (unsigned i = 0; i < 100; i++) {
        if (i >= 20) {
            struct acknowledged what = sender_acked(s, 1);
            ack = sample(s, &what);
        }
        sender_send(s, 1);
        sender_pass(s, WH_MILLISECOND);
    }
    assert_int_equal(ack.delivered / MSS * 1000, ack.interval);
    assert_int_equal(ack.interval, 20000);
    assert_false(ack.app_limited);
    sender_end(s);
}

/* 3.3: acknowledgements that come together do not make the path faster than it was sent to. */
static void compressed_acknowledgements_do_not_count(void **state)
{
    (void)state;
    struct sender *s = sender_begin(1);
    s->conn.min_rtt = 5000;
    for (unsigned i = 0; i < 10; i++) {
        sender_send(s, 1);
        sender_pass(s, 2 * WH_MILLISECOND);
    }
    sender_pass(s, 10 * WH_MILLISECOND);
    for (unsigned i = 0; i < 10; i++) {
        struct acknowledged what = sender_acked(s, 1);
        struct cc_ack ack = sample(s, &what);
        /* 10 segments in the 30 ms since nothing had been delivered. */
        assert_true(ack.interval == 0 || ack.delivered <= ack.interval / 3);
    }
    sender_end(s);
}

/* An interval below the shortest round trip is no sample. */
static void faster_than_the_shortest_round_trip_is_an_accident(void **state)
{
    (void)state;
    struct sender *s = sender_begin(1);
    s->conn.min_rtt = 20000;
    sender_send(s, 1);
    sender_pass(s, 10 * WH_MILLISECOND);
    struct acknowledged what = sender_acked(s, 1);
    assert_int_equal(sample(s, &what).delivered, 0);
    sender_end(s);
}

/* 3.4: what leaves after the application had nothing more says so, until all of that is delivered. */
static void limited_by_the_application(void **state)
{
    (void)state;
    struct sender *s = sender_begin(1);
    s->conn.min_rtt = 1000;
    sender_send(s, 2);
    rate_limited_by_application(&s->conn);
    sender_pass(s, WH_MILLISECOND);
    sender_send(s, 1);
    sender_pass(s, 10 * WH_MILLISECOND);
    struct acknowledged what = sender_acked(s, 2);
    assert_false(sample(s, &what).app_limited); /* they left before */
    sender_pass(s, WH_MILLISECOND);
    what = sender_acked(s, 1);
    assert_true(sample(s, &what).app_limited);
    /* The bubble has passed. */
    sender_send(s, 1);
    sender_pass(s, 10 * WH_MILLISECOND);
    what = sender_acked(s, 1);
    assert_false(sample(s, &what).app_limited);
    sender_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_flow_gives_its_rate),
        cmocka_unit_test(compressed_acknowledgements_do_not_count),
        cmocka_unit_test(faster_than_the_shortest_round_trip_is_an_accident),
        cmocka_unit_test(limited_by_the_application),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Pacing: over a round trip as much leaves as the rate says, and ten segments at any time. */
#include "sender.h"

/* Sends whenever pacing lets it for so long; returns the bytes, and the most that left at once. */
static uint64_t run(struct sender *s, wh_time span, uint32_t *burst)
{
    wh_time end = s->tcp.now + span;
    uint64_t sent = 0;
    *burst = 0;
    for (; s->tcp.now < end; s->tcp.now += 100 * WH_MICROSECOND) {
        uint32_t now = 0;
        while (!pace_waits(&s->conn)) {
            pace_sent(&s->conn, MSS, false);
            now += MSS;
            assert_true(now < 1000 * MSS);
        }
        sent += now;
        *burst = MAX(*burst, now);
    }
    return sent;
}

static void the_rate_is_kept(void **state)
{
    (void)state;
    struct sender *s = sender_begin(1);
    uint32_t burst;
    s->conn.srtt = s->conn.min_rtt = 100000;
    s->conn.cwnd = s->conn.ssthresh = 100 * MSS; /* 1.2 times that in a round trip */
    uint64_t sent = run(s, WH_SECOND, &burst);
    assert_in_range(sent, 1180 * MSS, 1220 * MSS);
    assert_in_range(burst, 10 * MSS, 17 * MSS); /* ten, and what a late timer has cost */
    s->conn.flight->pace_at = 0;
    s->conn.ssthresh = UINT32_MAX; /* slow start doubles */
    sent = run(s, WH_SECOND, &burst);
    assert_in_range(sent, 1980 * MSS, 2030 * MSS);
    sender_end(s);
}

/* Without a round-trip time, with one of a few ticks, or switched off: nothing waits. */
static void where_there_is_none(void **state)
{
    (void)state;
    struct sender *s = sender_begin(1);
    pace_sent(&s->conn, 1000 * MSS, false);
    assert_false(pace_waits(&s->conn));
    s->conn.srtt = 1;
    pace_sent(&s->conn, 1000 * MSS, false);
    assert_false(pace_waits(&s->conn));
    s->conn.srtt = 100000;
    pace_sent(&s->conn, 1000 * MSS, false);
    assert_true(pace_waits(&s->conn));
    assert_true(s->conn.deadline[DEADLINE_PACE] > s->tcp.now);
    assert_int_equal(profile_set(&s->tcp.memory, &s->conn.profile, WH_OPT_PACING, 0), WH_OK);
    pace_sent(&s->conn, MSS, false);
    assert_false(pace_waits(&s->conn));
    sender_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_is_kept),
        cmocka_unit_test(where_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

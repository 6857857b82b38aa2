/* SPDX-License-Identifier: MIT */
/* RACK (RFC 8985 6): the reordering window and what it makes lost. */
#include "sender.h"

static struct sender *path(uint32_t iss)
{
    struct sender *s = sender_begin(iss);
    s->conn.min_rtt = s->conn.srtt = 100000;
    return s;
}

/* Step 4: a quarter of the shortest round trip; none once three are SACKed, or in recovery. */
static void the_window(void **state)
{
    (void)state;
    struct sender *s = path(1);
    sender_send(s, 10);
    assert_int_equal(rack_window(&s->conn), 25 * WH_MILLISECOND);
    s->conn.recovery = RECOVERY_FAST;
    assert_int_equal(rack_window(&s->conn), 0);
    s->conn.recovery = RECOVERY_NONE;
    (void)sender_sacked(s, 1, 3);
    assert_int_equal(rack_window(&s->conn), 25 * WH_MILLISECOND);
    (void)sender_sacked(s, 1, 4);
    assert_int_equal(rack_window(&s->conn), 0);
    s->conn.flight->reordering_seen = true; /* on a path that reorders time alone counts */
    assert_int_equal(rack_window(&s->conn), 25 * WH_MILLISECOND);
    s->conn.recovery = RECOVERY_FAST;
    assert_int_equal(rack_window(&s->conn), 25 * WH_MILLISECOND);
    sender_end(s);
}

/* A DSACK adds a quarter, once a round trip, up to SRTT; after sixteen recoveries it is short again. */
static void dsacks_make_it_longer_for_sixteen_recoveries(void **state)
{
    (void)state;
    struct sender *s = path(UINT32_MAX);
    struct acknowledged told = { .dsack = true };
    sender_send(s, 4);
    rack_update(&s->conn, &told);
    rack_update(&s->conn, &told);
    rack_update(&s->conn, &told);
    assert_int_equal(rack_window(&s->conn), 50 * WH_MILLISECOND);
    for (unsigned i = 0; i < 300; i++) {
        struct acknowledged what = sender_acked(s, 4);
        sender_send(s, 4);
        rack_update(&s->conn, &what);
        rack_update(&s->conn, &told);
        assert_true(rack_window(&s->conn) <= s->conn.srtt * WH_MICROSECOND);
    }
    assert_int_equal(rack_window(&s->conn), 100 * WH_MILLISECOND);
    for (unsigned i = 0; i < 15; i++) {
        rack_recovered(&s->conn);
    }
    assert_int_equal(rack_window(&s->conn), 100 * WH_MILLISECOND);
    rack_recovered(&s->conn);
    assert_int_equal(rack_window(&s->conn), 25 * WH_MILLISECOND);
    sender_end(s);
}

/* Step 5: lost when RTT plus window have passed since it was sent, and somebody later has arrived. */
static void lost_by_time(void **state)
{
    (void)state;
    struct sender *s = path(1);
    for (unsigned i = 0; i < 4; i++) {
        sender_send(s, 1);
        sender_pass(s, WH_MILLISECOND);
    }
    sender_pass(s, 98 * WH_MILLISECOND); /* the third has been under way for 100 ms */
    struct acknowledged what = sender_sacked(s, 2, 3);
    rack_update(&s->conn, &what);
    assert_int_equal(s->conn.flight->rack_rtt, 100 * WH_MILLISECOND);
    assert_int_equal(rack_detect(&s->conn), 23 * WH_MILLISECOND);
    assert_int_equal(s->conn.flight->lost, 0);
    sender_pass(s, 23 * WH_MILLISECOND);
    assert_int_equal(rack_detect(&s->conn), WH_MILLISECOND);
    assert_int_equal(s->conn.flight->lost, MSS);
    sender_pass(s, WH_MILLISECOND);
    assert_int_equal(rack_detect(&s->conn), 0); /* the last left after what arrived */
    assert_int_equal(s->conn.flight->lost, 2 * MSS);
    sender_end(s);
}

/* What was sent again is as good as new, and at one instant nothing is both sent and lost. */
static void a_retransmission_is_lost_in_its_own_time(void **state)
{
    (void)state;
    struct sender *s = path(1);
    sender_send(s, 5);
    struct acknowledged what = sender_sacked(s, 1, 5); /* in no time at all */
    rack_update(&s->conn, &what);
    assert_int_equal(rack_detect(&s->conn), 0);
    assert_int_equal(s->conn.flight->lost, MSS);
    sender_again(s);
    assert_int_equal(rack_detect(&s->conn), 1);
    assert_int_equal(s->conn.flight->lost, 0);
    sender_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window),
        cmocka_unit_test(dsacks_make_it_longer_for_sixteen_recoveries),
        cmocka_unit_test(lost_by_time),
        cmocka_unit_test(a_retransmission_is_lost_in_its_own_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

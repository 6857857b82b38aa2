/* SPDX-License-Identifier: MIT */
/* Tail loss probes (RFC 8985 7): when one is due, and what answers it. */
#include "sender.h"

static struct sender *path(uint32_t segments)
{
    struct sender *s = sender_begin(1);
    s->conn.min_rtt = s->conn.srtt = 50000;
    sender_send(s, segments);
    s->conn.flight->rto_at = s->tcp.now + 300 * WH_MILLISECOND;
    return s;
}

/* 7.2: two round trips, 200 ms more for a single segment, and never later than the timeout. */
static void when_it_is_due(void **state)
{
    (void)state;
    struct sender *s = path(2);
    assert_int_equal(tail_probe_due(&s->conn), s->tcp.now + 100 * WH_MILLISECOND);
    struct acknowledged what = sender_acked(s, 1);
    assert_true(what.forward);
    assert_int_equal(tail_probe_due(&s->conn), s->tcp.now + 300 * WH_MILLISECOND);
    s->conn.flight->rto_at = s->tcp.now + 10 * WH_MILLISECOND;
    assert_int_equal(tail_probe_due(&s->conn), s->conn.flight->rto_at);
    sender_end(s);
}

static void when_there_is_none(void **state)
{
    (void)state;
    struct sender *s = path(5);
    s->conn.sack = false;
    assert_true(tail_probe_due(&s->conn) == WH_NEVER);
    s->conn.sack = true;
    s->conn.recovery = RECOVERY_FAST;
    assert_true(tail_probe_due(&s->conn) == WH_NEVER);
    s->conn.recovery = RECOVERY_LOSS;
    assert_true(tail_probe_due(&s->conn) == WH_NEVER);
    s->conn.recovery = RECOVERY_NONE;
    s->conn.srtt = 0;
    assert_true(tail_probe_due(&s->conn) == WH_NEVER);
    s->conn.srtt = 50000;
    tail_probe_sent(&s->conn, true);
    assert_true(tail_probe_due(&s->conn) == WH_NEVER); /* one at a time */
    s->conn.flight->probing = false;
    (void)sender_sacked(s, 3, 4);
    assert_true(tail_probe_due(&s->conn) == WH_NEVER); /* RACK sees to it */
    sender_end(s);
}

/* 7.4.2: true if the probe has repaired a loss. */
static void what_answers_it(void **state)
{
    (void)state;
    struct sender *s = path(2);
    tail_probe_sent(&s->conn, true);
    struct acknowledged what = sender_acked(s, 1);
    assert_false(tail_probe_acknowledged(&s->conn, &what)); /* not yet there */
    what = sender_acked(s, 1);
    assert_false(tail_probe_acknowledged(&s->conn, &what)); /* either copy */
    assert_true(s->conn.flight->probing);
    sender_send(s, 1);
    what = sender_acked(s, 1);
    assert_true(tail_probe_acknowledged(&s->conn, &what)); /* no word of two */
    assert_false(s->conn.flight->probing);
    sender_end(s);
}

/* Recovery answers the losses of this window; the probe's acknowledgement does not do so again. */
static void recovery_answers_for_it(void **state)
{
    (void)state;
    struct sender *s = path(5);
    tail_probe_sent(&s->conn, true);
    recovery_enter_fast(&s->conn, NULL);
    sender_send(s, 1);
    struct acknowledged what = sender_acked(s, 6);
    assert_false(tail_probe_acknowledged(&s->conn, &what));
    sender_end(s);
}

/* Asked for, and before it has left there is an acknowledgement: it is not sent any more. */
static void the_answer_comes_first(void **state)
{
    (void)state;
    struct sender *s = path(5);
    tail_probe_timeout(&s->conn);
    assert_true(s->conn.flight->probe_due);
    struct acknowledged what = sender_acked(s, 2);
    recovery_acknowledged(&s->conn, &what);
    assert_false(s->conn.flight->probe_due);
    sender_end(s);
}

static void two_copies_have_arrived(void **state)
{
    (void)state;
    for (int told = 0; told < 2; told++) {
        struct sender *s = path(2);
        tail_probe_sent(&s->conn, true);
        struct acknowledged what = sender_acked(s, 2);
        assert_false(tail_probe_acknowledged(&s->conn, &what));
        what = (struct acknowledged){ .dsack = told,
                                      .dsack_left = s->conn.snd_una - MSS,
                                      .dsack_right = s->conn.snd_una };
        assert_false(tail_probe_acknowledged(&s->conn, &what));
        assert_false(s->conn.flight->probing);
        sender_end(s);
    }
}

static void new_data_needs_no_answer(void **state)
{
    (void)state;
    struct sender *s = path(2);
    sender_send(s, 1);
    tail_probe_sent(&s->conn, false);
    struct acknowledged what = sender_acked(s, 3);
    assert_false(tail_probe_acknowledged(&s->conn, &what));
    assert_false(s->conn.flight->probing);
    sender_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_it_is_due),           cmocka_unit_test(when_there_is_none),
        cmocka_unit_test(what_answers_it),          cmocka_unit_test(two_copies_have_arrived),
        cmocka_unit_test(new_data_needs_no_answer), cmocka_unit_test(recovery_answers_for_it),
        cmocka_unit_test(the_answer_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

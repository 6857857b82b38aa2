/* SPDX-License-Identifier: MIT */
/* Proportional rate reduction (RFC 9937 6): SndCnt by its formulas. */
#include "sender.h"

/* Twenty segments, the first lost, three delivered; ssthresh is half. */
static struct sender *recovering(void)
{
    struct sender *s = sender_begin(1);
    sender_send(s, 20);
    struct acknowledged what = sender_sacked(s, 1, 4);
    flight_mark_lost(s->conn.flight, flight_at(s->conn.flight, 0), true);
    s->conn.ssthresh = 10 * MSS;
    s->conn.recovery = RECOVERY_FAST;
    prr_begin(&s->conn, &what);
    assert_int_equal(s->conn.flight->prr_base, 20 * MSS); /* RecoverFS */
    return s;
}

static uint32_t may_send(struct sender *s, uint32_t delivered, uint32_t lost, bool forward)
{
    prr_acknowledged(&s->conn, delivered, lost, forward);
    return s->conn.cwnd - conn_pipe(&s->conn);
}

/* Above ssthresh: ceil(prr_delivered * ssthresh / RecoverFS) - prr_out. */
static void in_proportion(void **state)
{
    (void)state;
    struct sender *s = recovering();
    assert_int_equal(may_send(s, 3 * MSS, MSS, false), 1500);
    s->conn.flight->prr_out += MSS; /* the retransmission */
    sender_again(s);
    for (uint32_t i = 4; i < 10; i++) {
        struct acknowledged what = sender_sacked(s, i, i + 1);
        uint32_t send = may_send(s, what.delivery.bytes, 0, false);
        assert_int_equal(send, (i * MSS * 10 + 19) / 20 - s->conn.flight->prr_out);
        if (send >= MSS) {
            sender_send(s, 1);
            s->conn.flight->prr_out += MSS;
        }
    }
    sender_end(s);
}

/* The first retransmission is never held back. */
static void at_least_one(void **state)
{
    (void)state;
    struct sender *s = recovering();
    assert_int_equal(may_send(s, 1, MSS, false), MSS);
    sender_end(s);
}

/* Below ssthresh: what arrives is replaced; one segment more where SND.UNA moves and nothing is lost. */
static void after_a_burst_of_losses(void **state)
{
    (void)state;
    struct sender *s = recovering();
    struct flight *flight = s->conn.flight;
    flight_mark_lost(flight, flight_at(flight, 2), false); /* all the rest */
    assert_int_equal(conn_pipe(&s->conn), 0);
    assert_int_equal(may_send(s, 3 * MSS, 17 * MSS, false), 3 * MSS);
    flight->prr_out = 3 * MSS;
    assert_int_equal(may_send(s, MSS, 0, false), MSS);
    flight->prr_out = 4 * MSS;
    assert_int_equal(may_send(s, MSS, 0, true), 2 * MSS);   /* SafeACK */
    assert_int_equal(may_send(s, MSS, MSS, true), 2 * MSS); /* not with a loss: what was not used */
    assert_int_equal(may_send(s, 100 * MSS, 0, true), 10 * MSS); /* never beyond ssthresh */
    sender_end(s);
}

/* A model knows no ssthresh: what takes over in the middle of recovery starts from cwnd. */
static void another_algorithm_takes_over(void **state)
{
    (void)state;
    struct sender *s = sender_begin(1);
    sender_send(s, 10);
    s->conn.cwnd = 7 * MSS;
    recovery_algorithm_changed(&s->conn, true); /* not in recovery: nothing to go on with */
    assert_int_equal(s->conn.ssthresh, UINT32_MAX);
    s->conn.recovery = RECOVERY_FAST;
    recovery_algorithm_changed(&s->conn, true);
    assert_int_equal(s->conn.ssthresh, 7 * MSS);
    assert_int_equal(s->conn.flight->prr_base, 10 * MSS);
    s->conn.cwnd = 5 * MSS;
    recovery_algorithm_changed(&s->conn, false); /* its ssthresh stands */
    assert_int_equal(s->conn.ssthresh, 7 * MSS);
    sender_end(s);
}

/* RFC 7661 4.4.1: of a window that is not in use the answer to a loss is by what was. */
static void a_loss_in_a_window_not_in_use(void **state)
{
    (void)state;
    struct sender *s = sender_begin(1);
    s->conn.cwnd = 20 * MSS;
    s->conn.flight->validation = (struct validation){ .begun = true, .known = true };
    s->conn.flight->validation.most[0] = 4 * MSS;
    sender_send(s, 2);
    recovery_enter_fast(&s->conn, NULL);
    assert_int_equal(s->conn.ssthresh, 2800); /* CUBIC's 0.7 of four segments */
    sender_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_proportion),
        cmocka_unit_test(at_least_one),
        cmocka_unit_test(after_a_burst_of_losses),
        cmocka_unit_test(another_algorithm_takes_over),
        cmocka_unit_test(a_loss_in_a_window_not_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

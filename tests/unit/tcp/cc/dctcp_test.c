/* SPDX-License-Identifier: MIT */
/* DCTCP (RFC 8257) in windows of marked and unmarked bytes. */
#include "alone.h"

static struct alone *begin(uint32_t cwnd)
{
    struct alone *a = alone_begin("dctcp", 1000);
    alone_rtt(a, 500);
    a->conn.ecn = a->conn.ecn_send = true;
    a->conn.cwnd = cwnd;
    a->conn.ssthresh = cwnd;
    a->conn.snd_nxt = a->conn.snd_una + cwnd;
    alone_rest(a);
    return a;
}

/* One window acknowledged by segments, of which every `of`th bears a mark on `marked` of its bytes. */
static void one_window(struct alone *a, unsigned of, uint32_t marked)
{
    uint32_t end = a->conn.snd_nxt;
    for (unsigned i = 1; seq_lt(a->conn.snd_una, end); i++) {
        struct cc_ack ack = { .acked = 1000, .cumulative = 1000 };
        ack.marked = of != 0 && i % of == 0 ? marked : 0;
        a->conn.snd_una += 1000;
        a->conn.snd_nxt += 1000;
        a->cc->acked(&a->conn, &ack);
    }
}

/* DCTCP.Alpha, seen by what a mark does. */
static double alpha(struct alone *a)
{
    uint32_t ssthresh = a->conn.ssthresh;
    a->cc->congestion(&a->conn, CC_MARK, a->conn.cwnd);
    double after = a->conn.ssthresh;
    a->conn.ssthresh = ssthresh;
    return 2 * (1 - after / a->conn.cwnd);
}

static void at_first_a_mark_halves(void **state)
{
    (void)state;
    struct alone *a = begin(100000);
    assert_near(alpha(a), 1, 1e-6);
    assert_true(a->cc->exact_marks);
    alone_end(a);
}

static void alpha_follows_the_formula(void **state)
{
    (void)state;
    struct alone *a = begin(1000000);
    double expected = 1;
    for (unsigned i = 0; i < 60; i++) {
        unsigned of = i < 20 ? 0 : i < 40 ? 2 : 10;
        one_window(a, of, 1000);
        /* It ends with the first segments of the next one. */
        assert_near(alpha(a), expected, 0.01);
        expected = expected * (1 - 1.0 / 16) + (of == 0 ? 0 : 1.0 / of) / 16;
    }
    alone_end(a);
}

static void alpha_converges_to_the_marked_fraction(void **state)
{
    (void)state;
    static const struct {
        unsigned of;
        uint32_t marked;
        double fraction;
    } cases[] = { { 0, 0, 0 },     { 1, 1000, 1 },  { 2, 1000, 0.5 }, { 10, 1000, 0.1 },
                  { 4, 400, 0.1 }, { 1, 10, 0.01 }, { 1, 5000, 1 } };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct alone *a = begin(200000);
        for (unsigned j = 0; j < 200; j++) {
            one_window(a, cases[i].of, cases[i].marked);
        }
        assert_near(alpha(a), cases[i].fraction, 0.003);
        alone_end(a);
    }
}

/* Nothing is estimated within a window, however many ACKs it has (3.3). */
static void once_a_window(void **state)
{
    (void)state;
    struct alone *a = begin(100000);
    one_window(a, 0, 0);
    one_window(a, 0, 0);
    struct cc_ack ack = { .acked = 1000, .cumulative = 1000 };
    for (unsigned i = 0; i < 2; i++) { /* the second is beyond the window's end */
        a->conn.snd_una += 1000;
        a->conn.snd_nxt += 1000;
        a->cc->acked(&a->conn, &ack);
    }
    double before = alpha(a);
    ack.acked = ack.cumulative = 100;
    for (unsigned i = 0; i < 500; i++) {
        a->conn.snd_una += 100;
        a->cc->acked(&a->conn, &ack);
    }
    assert_near(alpha(a), before, 1e-9);
    alone_end(a);
}

static void a_loss_is_answered_as_by_newreno(void **state)
{
    (void)state;
    struct alone *a = begin(100000);
    for (unsigned j = 0; j < 200; j++) {
        one_window(a, 0, 0);
    }
    a->cc->congestion(&a->conn, CC_LOSS, 90000);
    assert_int_equal(a->conn.ssthresh, 45000);
    a->cc->congestion(&a->conn, CC_TIMEOUT, 3000);
    assert_int_equal(a->conn.ssthresh, 2000);
    a->conn.cwnd = 1000;
    a->cc->congestion(&a->conn, CC_MARK, 1000);
    assert_int_equal(a->conn.ssthresh, 2000);
    alone_end(a);
}

static void it_grows_as_newreno(void **state)
{
    (void)state;
    struct alone *a = alone_begin("dctcp", 1000);
    struct alone *b = alone_begin("newreno", 1000);
    uint64_t dice = 3;
    for (unsigned i = 0; i < 500; i++) {
        uint32_t bytes = any_below(&dice, 5000);
        bool may = any_below(&dice, 4) != 0;
        alone_ack(a, bytes, may);
        alone_ack(b, bytes, may);
        if (i == 40 || i == 300) {
            alone_congest(a, CC_LOSS);
            alone_congest(b, CC_LOSS);
        }
        assert_int_equal(a->conn.cwnd, b->conn.cwnd);
        assert_int_equal(a->conn.ssthresh, b->conn.ssthresh);
    }
    alone_end(a);
    alone_end(b);
}

static void nothing_overflows(void **state)
{
    (void)state;
    uint64_t dice = 5;
    struct alone *a = begin(CWND_MAX);
    for (unsigned i = 0; i < 20000; i++) {
        struct cc_ack ack = { .acked = (uint32_t)(any(&dice) >> any_below(&dice, 64)),
                              .marked = (uint32_t)(any(&dice) >> any_below(&dice, 64)),
                              .may_grow = true };
        a->conn.snd_una += any_below(&dice, 1 << 28);
        a->conn.snd_nxt = a->conn.snd_una + any_below(&dice, CWND_MAX);
        a->conn.ssthresh = (uint32_t)(any(&dice) >> any_below(&dice, 64));
        a->cc->acked(&a->conn, &ack);
        assert_true(a->conn.cwnd <= CWND_MAX);
        if (any_below(&dice, 3) == 0) {
            a->cc->congestion(&a->conn, (enum cc_signal)any_below(&dice, 3), a->conn.cwnd);
            assert_true(a->conn.ssthresh >= 2000 && a->conn.ssthresh <= CWND_MAX);
            a->conn.cwnd = a->conn.ssthresh;
        }
    }
    alone_end(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first_a_mark_halves),
        cmocka_unit_test(alpha_follows_the_formula),
        cmocka_unit_test(alpha_converges_to_the_marked_fraction),
        cmocka_unit_test(once_a_window),
        cmocka_unit_test(a_loss_is_answered_as_by_newreno),
        cmocka_unit_test(it_grows_as_newreno),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* CUBIC beside RFC 9438's formulas in floating point, in segments and seconds. */
#include "alone.h"

#define ACKS_PER_ROUND 8

/* RFC 9438, as it is written. */
struct paper {
    double cwnd, ssthresh, w_max, cwnd_epoch, cwnd_prior, w_est, k, epoch_start;
    bool running;
};

static double cube(double a) { return a * a * a; }

static double cube_root_of(double a)
{
    double low = 0, high = a + 1;
    for (unsigned i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        if (cube(middle) < a) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static double paper_w(const struct paper *p, double t) { return 0.4 * cube(t - p->k) + p->w_max; }

static void paper_acked(struct paper *p, double now, double rtt, double segments)
{
    if (!p->running) {
        p->running = true;
        p->epoch_start = now;
        p->cwnd_epoch = p->w_est = p->cwnd;
        p->w_max = MAX(p->w_max, p->cwnd);
        p->k = cube_root_of((p->w_max - p->cwnd_epoch) / 0.4);
    }
    double t = now - p->epoch_start;
    double alpha = p->w_est < p->cwnd_prior ? 3 * (1 - 0.7) / (1 + 0.7) : 1;
    p->w_est += alpha * segments / p->cwnd;
    if (paper_w(p, t) < p->w_est) {
        p->cwnd = MAX(p->cwnd, p->w_est);
        return;
    }
    double target = MIN(MAX(paper_w(p, t + rtt), p->cwnd), 1.5 * p->cwnd);
    p->cwnd += (target - p->cwnd) / p->cwnd * segments;
}

static void paper_loss(struct paper *p)
{
    p->cwnd_prior = p->cwnd;
    p->w_max = p->cwnd < p->w_max ? p->cwnd * (1 + 0.7) / 2 : p->cwnd;
    p->cwnd *= 0.7;
    p->running = false;
}

struct pair {
    struct alone *a;
    struct paper paper;
    uint32_t mss;
};

static void pair_loss(struct pair *p)
{
    alone_congest(p->a, CC_LOSS);
    paper_loss(&p->paper);
}

static void pair_rounds(struct pair *p, unsigned rounds, uint32_t rtt)
{
    struct wh_conn *conn = &p->a->conn;
    for (unsigned i = 0; i < rounds * ACKS_PER_ROUND; i++) {
        alone_pass(p->a, rtt / ACKS_PER_ROUND);
        uint32_t bytes = conn->cwnd / ACKS_PER_ROUND;
        paper_acked(&p->paper, (double)p->a->tcp.now / 1e9, rtt / 1e6, (double)bytes / p->mss);
        alone_ack(p->a, bytes, true);
        double expected = p->paper.cwnd * p->mss;
        if (expected > 5e8) {
            return;
        }
        assert_near(conn->cwnd, expected, 3 + expected * 2e-4);
    }
}

static void pair_begin(struct pair *p, uint32_t mss, uint32_t window, uint32_t rtt)
{
    memset(p, 0, sizeof *p);
    p->mss = mss;
    p->a = alone_begin("cubic", mss);
    alone_rtt(p->a, rtt);
    p->a->conn.cwnd = window;
    p->paper.cwnd = (double)window / mss;
}

static void the_window_follows_the_formulas(void **state)
{
    (void)state;
    static const uint32_t rtts[] = { 200, 2000, 20000, 200000, 2000000 };
    static const uint32_t sizes[] = { 536, 1448, 8948 };
    for (unsigned i = 0; i < sizeof rtts / sizeof rtts[0]; i++) {
        for (unsigned j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            for (uint32_t segments = 10; segments <= 100000; segments *= 10) {
                struct pair p;
                pair_begin(&p, sizes[j], segments * sizes[j], rtts[i]);
                pair_loss(&p);
                pair_rounds(&p, 300, rtts[i]);
                pair_loss(&p);
                pair_rounds(&p, 20, rtts[i]);
                pair_loss(&p); /* mostly below W_max: fast convergence */
                pair_rounds(&p, 100, rtts[i]);
                alone_end(p.a);
            }
        }
    }
}

/* Where nothing was lost yet, the curve begins at its flat part (4.10). */
static void without_a_loss_it_begins_flat(void **state)
{
    (void)state;
    struct pair p;
    pair_begin(&p, 1000, 100000, 100000);
    p.a->conn.ssthresh = 100000;
    pair_rounds(&p, 100, 100000);
    assert_near(p.a->conn.cwnd, 100000 + 1000 * 0.4 * cube(10), 20000);
    alone_end(p.a);
}

static void w_max_is_reached_after_k(void **state)
{
    (void)state;
    struct pair p;
    pair_begin(&p, 1448, 1000 * 1448, 100000);
    pair_loss(&p);
    double k = cube_root_of(1000 * 0.3 / 0.4); /* 9.09 s */
    pair_rounds(&p, (unsigned)(k * 10), 100000);
    assert_near(p.a->conn.cwnd / 1448.0, 1000, 1);
    pair_rounds(&p, (unsigned)(k * 10), 100000);
    assert_near(p.a->conn.cwnd / 1448.0, 1300,
                20); /* two rounds too few, at 97 segments a second */
    alone_end(p.a);
}

/* 4.3: 9/17 of a segment a round up to where the loss was, a whole one beyond. */
static void where_reno_is_faster_it_does_as_reno(void **state)
{
    (void)state;
    struct alone *a = alone_begin("cubic", 1000);
    alone_rtt(a, 1000);
    a->conn.cwnd = 40000;
    alone_congest(a, CC_LOSS);
    assert_int_equal(a->conn.cwnd, 28000);
    for (unsigned i = 0; i < 17; i++) {
        alone_pass(a, 1000);
        alone_ack(a, a->conn.cwnd, true);
    }
    assert_near(a->conn.cwnd, 28000 + 9000, 10);
    for (unsigned i = 0; i < 6; i++) {
        alone_pass(a, 1000);
        alone_ack(a, a->conn.cwnd, true);
    }
    uint32_t before = a->conn.cwnd;
    assert_true(before >= 40000);
    for (unsigned i = 0; i < 10; i++) {
        alone_pass(a, 1000);
        alone_ack(a, a->conn.cwnd, true);
    }
    assert_near(a->conn.cwnd, before + 10000, 10);
    alone_end(a);
}

static void ssthresh_of(enum cc_signal signal, uint32_t cwnd, uint32_t in_flight, uint32_t expected)
{
    struct alone *a = alone_begin("cubic", 1000);
    alone_rtt(a, 20000);
    a->conn.cwnd = cwnd;
    a->cc->congestion(&a->conn, signal, in_flight);
    assert_int_equal(a->conn.ssthresh, expected);
    assert_int_equal(a->conn.cwnd, cwnd); /* the caller's */
    alone_end(a);
}

static void reductions(void **state)
{
    (void)state;
    ssthresh_of(CC_LOSS, 100000, 100000, 70000);
    ssthresh_of(CC_TIMEOUT, 100000, 100000, 70000);
    ssthresh_of(CC_MARK, 100000, 100000, 85000); /* RFC 8511 */
    ssthresh_of(CC_LOSS, 100000, 50000, 35000);  /* 4.6: what was in flight */
    ssthresh_of(CC_LOSS, 100000, 102000, 70000); /* limited transmit opens no window */
    ssthresh_of(CC_LOSS, 2000, 2000, 2000);      /* never below two segments */
    ssthresh_of(CC_MARK, 0, 0, 2000);
    ssthresh_of(CC_LOSS, CWND_MAX, CWND_MAX, 751619276);
}

/* 4.8: after a timeout slow start, and then the flat part of a new curve. */
static void after_a_timeout_the_curve_is_new(void **state)
{
    (void)state;
    struct alone *a = alone_begin("cubic", 1000);
    alone_rtt(a, 100000);
    a->conn.cwnd = 1500000;
    alone_congest(a, CC_LOSS);
    alone_ack(a, 1000, true); /* on the way back to 1500000 */
    a->conn.cwnd = 1000000;
    alone_congest(a, CC_TIMEOUT);
    while (a->conn.cwnd < a->conn.ssthresh) {
        uint32_t before = a->conn.cwnd;
        alone_pass(a, 100000);
        alone_ack(a, before, true);
        assert_near(a->conn.cwnd, MIN(2 * before, 700000), 300);
    }
    for (unsigned i = 0; i < 10; i++) {
        alone_pass(a, 100000);
        alone_ack(a, a->conn.cwnd, true);
    }
    /* A second later Reno would have grown by ten segments, and so it has; concave, it would be 120. */
    assert_near(a->conn.cwnd, 705000, 1500);
    alone_end(a);
}

static void what_was_spurious_is_undone(void **state)
{
    (void)state;
    struct alone *a = alone_begin("cubic", 1000);
    struct alone *b = alone_begin("cubic", 1000);
    struct alone *both[] = { a, b };
    for (unsigned i = 0; i < 2; i++) {
        alone_rtt(both[i], 100000);
        both[i]->conn.cwnd = 500000;
        alone_congest(both[i], CC_LOSS);
    }
    for (unsigned i = 0; i < 100; i++) {
        if (i == 40 || i == 70) {
            uint32_t cwnd = a->conn.cwnd, ssthresh = a->conn.ssthresh;
            alone_congest(a, i == 40 ? CC_LOSS : CC_TIMEOUT);
            a->cc->undo(&a->conn);
            a->conn.cwnd = cwnd;
            a->conn.ssthresh = ssthresh;
        }
        for (unsigned j = 0; j < 2; j++) {
            alone_pass(both[j], 100000);
            alone_ack(both[j], both[j]->conn.cwnd, true);
        }
        assert_int_equal(a->conn.cwnd, b->conn.cwnd);
    }
    a->cc->undo(&a->conn); /* there is nothing to undo */
    assert_int_equal(memcmp(a->conn.flight->cc, b->conn.flight->cc, sizeof(uint64_t)), 0);
    alone_end(a);
    alone_end(b);
}

/* 4.2: the time in which the window could not grow is not part of the curve's. */
static void time_without_need_does_not_count(void **state)
{
    (void)state;
    struct alone *a = alone_begin("cubic", 1000);
    struct alone *b = alone_begin("cubic", 1000);
    struct alone *both[] = { a, b };
    for (unsigned i = 0; i < 2; i++) {
        alone_rtt(both[i], 100000);
        both[i]->conn.cwnd = 500000;
        alone_congest(both[i], CC_LOSS);
    }
    for (unsigned i = 0; i < 100; i++) {
        if (i == 30) { /* a minute of a few bytes now and then */
            for (unsigned j = 0; j < 600; j++) {
                alone_pass(a, 100000);
                alone_ack(a, 100, false);
            }
        }
        if (i == 60) { /* and one of silence */
            alone_pass(a, 60000000);
            a->cc->resume(&a->conn);
        }
        for (unsigned j = 0; j < 2; j++) {
            alone_pass(both[j], 100000);
            alone_ack(both[j], both[j]->conn.cwnd, true);
        }
        /* The round in which it wakes up is lost, no more. */
        assert_true(a->conn.cwnd <= b->conn.cwnd);
        assert_true(b->conn.cwnd - a->conn.cwnd <= 30000);
    }
    alone_end(a);
    alone_end(b);
}

/* A rest takes the state; where the last loss was is known by ssthresh. */
static void after_a_rest_it_remembers_the_last_loss(void **state)
{
    (void)state;
    struct alone *a = alone_begin("cubic", 1000);
    alone_rtt(a, 100000);
    a->conn.cwnd = 1000000;
    alone_congest(a, CC_LOSS);
    alone_rest(a);
    for (unsigned i = 0; i < 90; i++) {
        alone_pass(a, 100000);
        alone_ack(a, a->conn.cwnd, true);
    }
    assert_near(a->conn.cwnd, 1000000, 2000); /* K is 9.09 s */
    alone_end(a);
}

static void nothing_overflows(void **state)
{
    (void)state;
    static const uint32_t windows[] = { 0, 1, 1000, 1 << 20, CWND_MAX - 1, CWND_MAX };
    static const uint32_t rtts[] = { 0, 1, 1000000, 1 << 29 };
    static const uint32_t sizes[] = { 8, 1448, 65535 };
    uint64_t dice = 5;
    for (unsigned i = 0; i < 3000; i++) {
        struct alone *a = alone_begin("cubic", sizes[i % 3]);
        alone_rtt(a, rtts[any_below(&dice, 4)]);
        a->conn.cwnd = windows[any_below(&dice, 6)];
        for (unsigned j = 0; j < 30; j++) {
            alone_pass(a, any(&dice) % (UINT64_C(1) << any_below(&dice, 40)));
            if (any_below(&dice, 5) == 0) {
                alone_congest(a, (enum cc_signal)any_below(&dice, 3));
                assert_true(a->conn.ssthresh >= 2 * conn_mss(&a->conn));
            }
            uint32_t bytes = (uint32_t)(any(&dice) % (UINT64_C(1) << any_below(&dice, 31)));
            uint32_t before = a->conn.cwnd;
            alone_ack(a, bytes, any_below(&dice, 4) != 0);
            assert_true(a->conn.cwnd >= before && a->conn.cwnd <= CWND_MAX);
        }
        alone_end(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_window_follows_the_formulas),
        cmocka_unit_test(without_a_loss_it_begins_flat),
        cmocka_unit_test(w_max_is_reached_after_k),
        cmocka_unit_test(where_reno_is_faster_it_does_as_reno),
        cmocka_unit_test(reductions),
        cmocka_unit_test(after_a_timeout_the_curve_is_new),
        cmocka_unit_test(what_was_spurious_is_undone),
        cmocka_unit_test(time_without_need_does_not_count),
        cmocka_unit_test(after_a_rest_it_remembers_the_last_loss),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

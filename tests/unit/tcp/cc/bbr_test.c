/* SPDX-License-Identifier: MIT */
/* BBR before a bottleneck: what draft-ietf-ccwg-bbr expects of its states. */
#include "path.h"

#include "tcp/cc/bbr.h"

#define SECOND 1000000ull

static struct bbr *model(const struct path *p) { return bbr_of(&p->a->conn); }

static double bw(const struct path *p) { return (double)bbr_max_bw(model(p)) / 1e6; }

/* Runs until the state is reached, and tells how long it took. */
static uint64_t run_until(struct path *p, enum bbr_state state, uint64_t most)
{
    uint64_t took = 0;
    while (model(p)->state != state && took < most) {
        path_run(p, 1000);
        took += 1000;
    }
    assert_int_equal(model(p)->state, state);
    return took;
}

/* Runs until the state is another; on short paths Drain is over as soon as it begins. */
static uint64_t run_out_of(struct path *p, enum bbr_state state, uint64_t most)
{
    uint64_t took = 0;
    while (model(p)->state == state && took < most) {
        path_run(p, 1000);
        took += 1000;
    }
    assert_true(model(p)->state != state);
    return took;
}

static const struct {
    double mbit;
    uint32_t rtt;
} paths[] = { { 1, 40000 }, { 10, 20000 }, { 100, 20000 }, { 100, 2000 }, { 50, 200000 } };

#define EACH_PATH (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++)
/* The first holds less than an initial window. */
#define EACH_LONG_PATH (unsigned i = 1; i < sizeof paths / sizeof paths[0]; i++)

static unsigned doublings(double from, double to)
{
    unsigned rounds = 0;
    for (; from < to; from *= 2) {
        rounds++;
    }
    return rounds;
}

static void startup_finds_the_rate_by_doubling(void **state)
{
    (void)state;
    for
        EACH_LONG_PATH
        {
            struct path *p = path_begin("bbr", paths[i].mbit, paths[i].rtt, 4);
            unsigned rounds = doublings(10 * PATH_MSS, path_bdp(p)) + 2;
            unsigned took = 0;
            while (bw(p) < 0.9 * p->rate && took < 100) {
                path_run(p, p->rtt * 3 / 2); /* with its queue a round is longer */
                took++;
            }
            assert_true(took <= rounds);
            alone_rtt(p->a, p->rtt);
            uint64_t left = run_out_of(p, BBR_STARTUP, 20 * p->rtt + SECOND);
            assert_true(left <= 10 * p->rtt + 5000); /* three rounds without growth, with a queue */
            assert_near(bw(p) / p->rate, 1, 0.03);
            path_end(p);
        }
}

static void the_queue_is_drained(void **state)
{
    (void)state;
    for
        EACH_LONG_PATH
        {
            struct path *p = path_begin("bbr", paths[i].mbit, paths[i].rtt, 4);
            (void)run_out_of(p, BBR_STARTUP, 5 * SECOND);
            assert_true(run_out_of(p, BBR_DRAIN, 5 * SECOND) <= 3 * p->rtt + 1000);
            assert_true(p->in_flight <= MAX(path_bdp(p) * 1.05, 6 * PATH_MSS) + PATH_MSS);
            path_end(p);
        }
}

/* A bulk transfer fills the path, and has a small queue alone. */
static void the_path_is_full_and_the_queue_small(void **state)
{
    (void)state;
    for
        EACH_PATH
        {
            struct path *p = path_begin("bbr", paths[i].mbit, paths[i].rtt, 4);
            path_run(p, 4 * SECOND);
            path_run(p, 20 * SECOND);
            assert_true(path_use(p, 20 * SECOND) > 0.93);
            assert_int_equal(p->dropped, 0);
            /* Cruising: about one product. */
            unsigned seen = 0;
            for (unsigned j = 0; j < 2000 && seen < 200; j++) {
                path_run(p, 1000 + p->rtt / 8);
                if (model(p)->state == BBR_CRUISE && p->now > model(p)->cycle_stamp + 2 * p->rtt) {
                    seen++;
                    assert_true(p->in_flight >= 0.8 * path_bdp(p) - 2 * PATH_MSS);
                    assert_true(p->in_flight <= MAX(2 * path_bdp(p), 6 * PATH_MSS));
                }
            }
            assert_true(seen > 0);
            path_end(p);
        }
}

/* 5.3.4: every five seconds without a shorter round trip, for 200 ms, with half a product in flight. */
static void the_round_trip_is_probed(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 100, 20000, 4);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t took = run_until(p, BBR_PROBE_RTT, 6 * SECOND);
        assert_true(i == 0 || (took >= 4900000 && took <= 5300000));
        p->least_in_flight = UINT32_MAX;
        double before = bw(p);
        path_run(p, 150000);
        assert_int_equal(model(p)->state, BBR_PROBE_RTT);
        assert_true(p->least_in_flight <= path_bdp(p) * 0.55);
        uint64_t left = run_until(p, BBR_CRUISE, SECOND);
        assert_true(left <= 120000);
        assert_near(bw(p), before, 0.02 * p->rate); /* it lowers no estimate */
        assert_near(model(p)->min_rtt, 20000, 200);
        assert_true(p->a->conn.cwnd > 1.5 * path_bdp(p));
    }
    path_end(p);
}

/* What leaves while it holds back by itself says nothing about the path, in Startup least of all. */
static void probing_the_round_trip_does_not_end_startup(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 100, 20000, 4);
    p->app_rate = p->rate / 50;
    (void)run_until(p, BBR_PROBE_RTT, 6 * SECOND);
    assert_false(model(p)->full_bw_reached);
    p->app_rate = 0;
    (void)run_until(p, BBR_STARTUP, SECOND);
    assert_false(model(p)->full_bw_reached);
    path_run(p, SECOND);
    assert_near(bw(p) / p->rate, 1, 0.03);
    path_end(p);
}

static void a_plateau_is_three_rounds_of_less_than_a_quarter_more(void **state)
{
    (void)state;
    static const struct {
        unsigned percent, rounds; /* more a round; rounds until the pipe is full, 0: never */
    } cases[] = {
        { 130, 0 }, { 125, 0 }, { 124, 0 }, { 110, 0 }, { 107, 4 }, { 100, 4 }, { 90, 4 }
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bbr bbr = { .round_start = true };
        struct cc_ack ack = { .delivered = 1 };
        struct bbr_sample sample = { .ack = &ack, .delivery_rate = 1000000 };
        unsigned rounds = 0;
        while (rounds < 20 && !bbr.full_bw_now) {
            bbr_check_full_bw(&bbr, &sample);
            sample.delivery_rate = sample.delivery_rate * cases[i].percent / 100;
            rounds++;
        }
        assert_int_equal(bbr.full_bw_reached ? rounds : 0, cases[i].rounds);
    }
}

/* 5.5.9: where acknowledgements come in bundles, more has to be in flight than the product says. */
static void bundled_acknowledgements_are_made_up_for(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 50, 20000, 8);
    p->gather = 50000;
    path_run(p, 10 * SECOND);
    path_run(p, 20 * SECOND);
    assert_true(path_use(p, 20 * SECOND) > 0.85);
    path_end(p);
}

static void a_longer_path_is_noticed(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 20, 20000, 8);
    path_run(p, 8 * SECOND);
    p->rtt = 60000;
    path_run(p, 22 * SECOND);
    assert_near(model(p)->min_rtt, 60000, 2000);
    path_run(p, 20 * SECOND);
    assert_true(path_use(p, 20 * SECOND) > 0.9);
    path_end(p);
}

/*
 * One percent lost at random is below the threshold: the estimate stays, and so does what probes may put
 * in flight. Between two probes it slows down by what was lost, as the draft wants (5.3.3.5).
 */
static void random_loss_leaves_the_estimate(void **state)
{
    (void)state;
    for
        EACH_PATH
        {
            struct path *p = path_begin("bbr", paths[i].mbit, paths[i].rtt, 4);
            path_run(p, 3 * SECOND);
            p->loss = 10;
            path_run(p, 30 * SECOND);
            assert_true(p->dropped > 0);
            assert_true(path_use(p, 30 * SECOND) > 0.75);
            assert_near(bw(p) / p->rate, 1, 0.1);
            path_end(p);
        }
}

/* Ten percent means that the path does not take more: there is a bound on what is in flight. */
static void high_loss_bounds_what_is_in_flight(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 50, 40000, 4);
    path_run(p, 3 * SECOND);
    assert_true(model(p)->inflight_longterm == BBR_INFINITE);
    p->loss = 100;
    path_run(p, 20 * SECOND);
    assert_true(model(p)->inflight_longterm < 1.5 * path_bdp(p));
    p->most_in_flight = 0;
    path_run(p, 5 * SECOND);
    assert_true(p->most_in_flight < 1.6 * path_bdp(p));
    path_end(p);
}

/* A buffer of a fifth of a product: after the start little is lost, and the path is used. */
static void a_shallow_buffer_is_not_flooded(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 50, 40000, 0.2);
    path_run(p, 5 * SECOND);
    path_run(p, 40 * SECOND);
    assert_true((double)p->dropped / (double)p->sent < 0.01);
    assert_true(path_use(p, 40 * SECOND) > 0.85);
    assert_true(model(p)->inflight_longterm < 1.5 * path_bdp(p));
    path_end(p);
}

static void startup_ends_by_loss_too(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 50, 40000, 0.2);
    (void)run_until(p, BBR_DRAIN, 3 * SECOND);
    assert_true(model(p)->full_bw_reached);
    assert_false(model(p)->full_bw_now);
    assert_true(model(p)->inflight_longterm < 1.6 * path_bdp(p));
    assert_true((double)p->dropped < 4 * path_bdp(p));
    path_end(p);
}

static void half_the_rate_is_noticed_in_two_cycles(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 100, 20000, 4);
    path_run(p, 6 * SECOND);
    p->rate /= 2;
    path_run(p, 8 * SECOND); /* a cycle has at most three */
    assert_near(bw(p) / p->rate, 1, 0.05);
    path_run(p, 5 * SECOND);
    assert_true(path_use(p, 5 * SECOND) > 0.9);
    p->rate *= 4; /* and what becomes free is found */
    path_run(p, 12 * SECOND);
    assert_near(bw(p) / p->rate, 1, 0.05);
    path_end(p);
}

static void little_to_send_lowers_no_estimate(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 100, 20000, 4);
    path_run(p, 4 * SECOND);
    assert_near(bw(p) / p->rate, 1, 0.03);
    p->app_rate = p->rate / 10;
    path_run(p, 30 * SECOND);
    assert_near(path_use(p, 30 * SECOND), 0.1, 0.01);
    assert_near(bw(p) / p->rate, 1, 0.03);
    p->app_rate = 0;
    path_run(p, SECOND);
    assert_true(path_use(p, SECOND) > 0.85);
    path_end(p);
}

/* A spurious episode that ended a probe: bounds and window are as before, and the probe begins anew. */
static void what_was_spurious_is_undone(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 50, 40000, 4);
    path_run(p, 3 * SECOND);
    (void)run_until(p, BBR_UP, 5 * SECOND);
    path_run(p, 10000);
    struct wh_conn *conn = &p->a->conn;
    uint32_t cwnd = conn->cwnd;
    struct cc_loss loss = { .bytes = 20000, .tx_in_flight = 150000, .lost_since = 20000 };
    p->a->cc->lost(conn, &loss);
    p->a->cc->congestion(conn, CC_LOSS, p->in_flight);
    conn->recovery = RECOVERY_FAST;
    assert_int_equal(model(p)->state, BBR_DOWN);
    /* 2 % of 130000, and the 2 % of itself: 132653. */
    assert_near(model(p)->inflight_longterm, MAX(132653, 0.7 * path_bdp(p)), 2000);
    conn->cwnd = 20000;
    conn->recovery = RECOVERY_NONE;
    p->a->cc->undo(conn);
    assert_int_equal(model(p)->state, BBR_REFILL);
    assert_true(model(p)->inflight_longterm == BBR_INFINITE);
    assert_int_equal(conn->cwnd, cwnd);
    p->a->cc->undo(conn); /* once */
    assert_int_equal(model(p)->state, BBR_REFILL);
    path_end(p);
}

static void after_a_timeout_the_window_comes_back(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 50, 40000, 4);
    path_run(p, 4 * SECOND);
    struct wh_conn *conn = &p->a->conn;
    uint32_t cwnd = conn->cwnd;
    p->a->cc->congestion(conn, CC_TIMEOUT, p->in_flight);
    assert_int_equal(conn->cwnd, PATH_MSS);
    conn->recovery = RECOVERY_LOSS;
    path_run(p, 30000);
    conn->recovery = RECOVERY_NONE;
    p->a->cc->recovered(conn);
    assert_true(conn->cwnd >= cwnd);
    path_end(p);
}

/* A mark asks for what a loss asks for (RFC 3168 5). */
static void a_mark_is_answered(void **state)
{
    (void)state;
    struct path *p = path_begin("bbr", 50, 40000, 4);
    path_run(p, 100000);
    assert_int_equal(model(p)->state, BBR_STARTUP);
    p->a->cc->congestion(&p->a->conn, CC_MARK, p->in_flight);
    assert_true(model(p)->inflight_longterm != BBR_INFINITE);
    path_run(p, 5000);
    assert_true(model(p)->state != BBR_STARTUP);
    path_end(p);

    p = path_begin("bbr", 50, 40000, 4);
    path_run(p, 3 * SECOND);
    (void)run_until(p, BBR_CRUISE, 5 * SECOND);
    assert_true(model(p)->bw_shortterm == UINT64_MAX);
    p->a->cc->congestion(&p->a->conn, CC_MARK, p->in_flight);
    path_run(p, 100000);
    assert_true(model(p)->bw_shortterm <= bbr_max_bw(model(p)));
    path_end(p);
}

static void the_first_rate_is_of_the_first_window(void **state)
{
    (void)state;
    struct alone *a = alone_begin("bbr", 1460);
    assert_int_equal(a->cc->pacing_rate(&a->conn), 14600ull * 2770); /* in a millisecond */
    alone_rtt(a, 100000);
    alone_rest(a);
    assert_int_equal(a->cc->pacing_rate(&a->conn), 146000ull * 277 / 100);
    assert_true(a->cc->model);
    alone_end(a);
}

static void the_same_again(void **state)
{
    (void)state;
    uint64_t sum[2];
    for (unsigned i = 0; i < 2; i++) {
        struct path *p = path_begin("bbr", 20, 30000, 1);
        p->loss = 5;
        path_run(p, 20 * SECOND);
        sum[i] = p->sent * 31 + p->delivered + model(p)->pacing_rate + model(p)->cycle_stamp;
        path_end(p);
    }
    assert_int_equal(sum[0], sum[1]);
}

static void nothing_overflows(void **state)
{
    (void)state;
    uint64_t dice = 5;
    for (unsigned i = 0; i < 300; i++) {
        struct alone *a = alone_begin("bbr", i % 3 == 0 ? 8 : i % 3 == 1 ? 1448 : 65535);
        struct wh_conn *conn = &a->conn;
        conn->sack = i & 1;
        for (unsigned j = 0; j < 500; j++) {
            alone_pass(a, any(&dice) % (UINT64_C(1) << any_below(&dice, 34)));
            conn->srtt = (uint32_t)(any(&dice) % (UINT64_C(1) << any_below(&dice, 30)));
            conn->recovery = any_below(&dice, 3) & 3;
            uint32_t prior = conn->flight->delivered;
            struct cc_ack ack = {
                .acked = (uint32_t)(any(&dice) >> (32 + any_below(&dice, 32))),
                .lost = any_below(&dice, 100000),
                .prior_in_flight = any_below(&dice, CWND_MAX),
                .in_flight = any_below(&dice, CWND_MAX),
                .rtt = (uint32_t)(any(&dice) % (UINT64_C(1) << any_below(&dice, 30))),
                .delivered = (uint32_t)(any(&dice) >> (32 + any_below(&dice, 32))),
                .interval = 1 + (uint32_t)(any(&dice) % (UINT64_C(1) << any_below(&dice, 30))),
                .prior_delivered = prior - any_below(&dice, 100000),
                .tx_in_flight = (uint32_t)(any(&dice) >> (32 + any_below(&dice, 32))),
                .lost_since = any_below(&dice, 1000000),
                .app_limited = any_below(&dice, 5) == 0,
            };
            conn->flight->delivered += ack.acked;
            a->cc->acked(conn, &ack);
            struct cc_loss loss = { .bytes = any_below(&dice, 1 << 20),
                                    .tx_in_flight = ack.tx_in_flight,
                                    .lost_since = ack.lost_since };
            switch (any_below(&dice, 20)) {
            case 0: a->cc->lost(conn, &loss); break;
            case 1: a->cc->congestion(conn, (enum cc_signal)any_below(&dice, 3), 1 << 30); break;
            case 2: a->cc->recovered(conn); break;
            case 3: a->cc->undo(conn); break;
            case 4: a->cc->resume(conn); break;
            case 5: conn->cwnd = conn_mss(conn); break;
            default: break;
            }
            assert_true(conn->cwnd >= conn_mss(conn) && conn->cwnd <= CWND_MAX);
            assert_true(a->cc->pacing_rate(conn) > 0);
        }
        alone_end(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(startup_finds_the_rate_by_doubling),
        cmocka_unit_test(the_queue_is_drained),
        cmocka_unit_test(the_path_is_full_and_the_queue_small),
        cmocka_unit_test(the_round_trip_is_probed),
        cmocka_unit_test(probing_the_round_trip_does_not_end_startup),
        cmocka_unit_test(a_plateau_is_three_rounds_of_less_than_a_quarter_more),
        cmocka_unit_test(bundled_acknowledgements_are_made_up_for),
        cmocka_unit_test(a_longer_path_is_noticed),
        cmocka_unit_test(random_loss_leaves_the_estimate),
        cmocka_unit_test(high_loss_bounds_what_is_in_flight),
        cmocka_unit_test(a_shallow_buffer_is_not_flooded),
        cmocka_unit_test(startup_ends_by_loss_too),
        cmocka_unit_test(half_the_rate_is_noticed_in_two_cycles),
        cmocka_unit_test(little_to_send_lowers_no_estimate),
        cmocka_unit_test(what_was_spurious_is_undone),
        cmocka_unit_test(after_a_timeout_the_window_comes_back),
        cmocka_unit_test(a_mark_is_answered),
        cmocka_unit_test(the_first_rate_is_of_the_first_window),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

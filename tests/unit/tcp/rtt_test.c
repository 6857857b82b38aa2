/* SPDX-License-Identifier: MIT */
/* RFC 6298: its formulas in floating point beside ours in integers. */
#include "arena.h"

#include "tcp/protocol.h"

struct fixture {
    struct arena arena;
    struct tcp tcp;
    struct wh_conn conn;
};

static struct fixture *begin(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct tuple tuple = { .local_port = 1 };
    arena_begin(&f->arena, (size_t)1 << 20);
    f->tcp.memory = f->arena.memory;
    list_init(&f->tcp.ready);
    list_init(&f->tcp.eventful);
    wheel_init(&f->tcp.wheel, 0);
    chunk_store_init(&f->tcp.chunks, &f->tcp.memory);
    f->tcp.defaults = profile_new(&f->tcp.memory);
    conn_init(&f->conn, &f->tcp, &tuple, f->tcp.defaults);
    return f;
}

static void end(struct fixture *f)
{
    conn_release(&f->conn);
    profile_drop(&f->tcp.memory, f->tcp.defaults);
    chunk_store_trim(&f->tcp.chunks);
    assert_int_equal(f->tcp.memory.used, 0);
    assert_int_equal(f->arena.bytes, 0);
    free(f);
}

static double distance(double a, double b) { return a > b ? a - b : b - a; }

/* Microseconds, as the record keeps them. */
static double bounded(double rto) { return MIN(MAX(rto, 0.2e6), 60e6); }

static void before_any_sample_one_second(void **state)
{
    (void)state;
    struct fixture *f = begin();
    assert_int_equal(conn_rto(&f->conn), WH_SECOND); /* 2.1 */
    assert_int_equal(f->conn.srtt, 0);
    assert_true(f->conn.min_rtt == UINT32_MAX);
    end(f);
}

static void samples_follow_the_formulas(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 11;
    double srtt = 0, rttvar = 0, least = 1e30;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t spread = i % 400 < 200 ? WH_SECOND : 20 * WH_MILLISECOND;
        uint64_t rtt = 1 + any(&dice) % (spread / WH_MICROSECOND);
        assert_int_equal(rtt_sample(&f->conn, rtt * WH_MICROSECOND), rtt);
        if (i == 0) { /* 2.2 */
            srtt = (double)rtt;
            rttvar = srtt / 2;
        } else { /* 2.3 */
            rttvar = 0.75 * rttvar + 0.25 * distance(srtt, (double)rtt);
            srtt = 0.875 * srtt + 0.125 * (double)rtt;
        }
        least = MIN(least, (double)rtt);
        assert_true(distance((double)f->conn.srtt, srtt) <= 16);
        assert_true(distance((double)f->conn.rttvar, rttvar) <= 64);
        double rto = bounded(srtt + MAX(0.2e6, 4 * rttvar)); /* the margin has the lower bound */
        assert_true(distance((double)f->conn.rto, rto) <= 512);
        assert_true((double)f->conn.min_rtt == least);
    }
    end(f);
}

/* 2.3 with a steady path: the least margin is what remains above the mean. */
static void a_steady_path(void **state)
{
    (void)state;
    struct fixture *f = begin();
    for (unsigned i = 0; i < 200; i++) {
        rtt_sample(&f->conn, WH_SECOND);
    }
    assert_in_range(conn_rto(&f->conn), 1200 * WH_MILLISECOND - 16 * WH_MICROSECOND,
                    1200 * WH_MILLISECOND + 64 * WH_MICROSECOND);
    end(f);
}

static void bounds_hold_and_can_be_set(void **state)
{
    (void)state;
    struct fixture *f = begin();
    rtt_sample(&f->conn, 0);
    assert_int_equal(f->conn.srtt, 1); /* 0 would say: no sample yet */
    assert_int_equal(conn_rto(&f->conn), 200 * WH_MILLISECOND + WH_MICROSECOND);
    rtt_sample(&f->conn, 3600 * WH_SECOND);
    assert_int_equal(conn_rto(&f->conn), 60 * WH_SECOND);
    assert_int_equal(
        profile_set(&f->tcp.memory, &f->conn.profile, WH_OPT_RTO_MIN, 60 * (int64_t)WH_SECOND),
        WH_OK);
    assert_int_equal(
        profile_set(&f->tcp.memory, &f->conn.profile, WH_OPT_RTO_MAX, (int64_t)WH_SECOND), WH_OK);
    rtt_sample(&f->conn, WH_MILLISECOND);
    assert_int_equal(conn_rto(&f->conn),
                     WH_SECOND); /* where they contradict each other, the upper */
    end(f);
}

/* 5.5 and 5.6: twice as long each time, up to the bound; the next sample begins anew. */
static void backing_off(void **state)
{
    (void)state;
    struct fixture *f = begin();
    static const unsigned seconds[] = { 2, 4, 8, 16, 32, 60, 60, 60 };
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        rtt_back_off(&f->conn);
        assert_int_equal(conn_rto(&f->conn), seconds[i] * WH_SECOND);
    }
    rtt_sample(&f->conn, 100 * WH_MILLISECOND);
    assert_int_equal(conn_rto(&f->conn), 300 * WH_MILLISECOND);
    end(f);
}

static void the_timer_runs_while_something_is_outstanding(void **state)
{
    (void)state;
    struct fixture *f = begin();
    f->tcp.now = 5 * WH_SECOND;
    f->conn.snd_una = UINT32_MAX;
    f->conn.snd_nxt = 4;
    f->conn.probing = true;
    rtt_restart_timer(&f->conn);
    assert_int_equal(f->conn.deadline[DEADLINE_RETRANSMIT], 6 * WH_SECOND);
    assert_true(timer_armed(&f->conn.timer));
    assert_false(f->conn.probing);
    f->conn.snd_una = 4;
    rtt_restart_timer(&f->conn);
    assert_true(f->conn.deadline[DEADLINE_RETRANSMIT] == WH_NEVER);
    assert_false(timer_armed(&f->conn.timer));
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_sample_one_second),
        cmocka_unit_test(samples_follow_the_formulas),
        cmocka_unit_test(a_steady_path),
        cmocka_unit_test(bounds_hold_and_can_be_set),
        cmocka_unit_test(backing_off),
        cmocka_unit_test(the_timer_runs_while_something_is_outstanding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

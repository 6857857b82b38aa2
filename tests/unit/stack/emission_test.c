/* SPDX-License-Identifier: MIT */
/* Frames out where the link takes few or none at a time: two hosts, and frames carried by hand. */
#include "pair.h"

/*
 * The persist timer fires while the link takes nothing; before the probe can leave the
 * window opens, and data and FIN go out: no probe behind them.
 */
static void a_probe_that_waited_does_not_follow_the_fin(void **state)
{
    (void)state;
    struct pair *p = begin(4096);
    uint8_t bytes[6000] = { 1 };
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    pass(p, p->now + 300 * WH_MILLISECOND, 64); /* the buffer is full, the window shut */
    p->now += 10 * WH_SECOND;
    assert_int_equal(wh_output(p->host[0], NULL, 0, p->now), 0);
    assert_int_equal(read_all(p, 1), 4096);
    carry(p, 1, 64);
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_all(p, 1), 6000 - 4096);
    assert_true((wh_ready(p->conn[1]) & WH_EOF) != 0);
    end(p);
}

/* One frame a call brings the same as sixty-four, and a host with more to say says "at once". */
static void one_frame_at_a_time(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[60000];
    wh_frame frame;
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(wh_wake(p->host[0]) <= p->now);
    assert_int_equal(wh_output(p->host[0], &frame, 1, p->now), 1);
    assert_true(wh_wake(p->host[0]) <= p->now);
    wh_sent(p->host[0], &frame, 1); /* lost */
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    pass(p, p->now + 60 * WH_SECOND, 1);
    assert_int_equal(read_all(p, 1), sizeof bytes);
    assert_true((wh_ready(p->conn[1]) & WH_EOF) != 0);
    assert_int_equal(wh_shutdown(p->conn[1], WH_WRITE), WH_OK);
    pass(p, p->now + WH_SECOND, 1);
    assert_int_equal(wh_conn_state(p->conn[0]), WH_TIME_WAIT);
    assert_int_equal(wh_conn_state(p->conn[1]), WH_CLOSED);
    pass(p, p->now + 61 * WH_SECOND, 1);
    assert_true(wh_wake(p->host[0]) == WH_NEVER);
    assert_true(wh_wake(p->host[1]) == WH_NEVER);
    end(p);
}

/* Without memory for a frame, the host asks to be woken a little later, not at once. */
static void short_of_memory_it_does_not_spin(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[14600] = { 1 };
    wh_frame frames[64];
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    chunk_store_trim(&p->host[0]->tcp.chunks);
    p->arena.refuse_all = true;
    size_t n = wh_output(p->host[0], frames, 64, p->now);
    assert_true(n < 10);
    wh_time wake = wh_wake(p->host[0]);
    assert_true(wake > p->now && wake <= p->now + WH_SECOND);
    assert_null(wh_check(p->host[0]));
    p->arena.refuse_all = false;
    wh_sent(p->host[0], frames, n); /* lost */
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_all(p, 1), sizeof bytes);
    end(p);
}

/* A stack that is freed while the link has its frames leaves nothing behind. */
static void frames_with_the_link_die_with_the_stack(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[5000] = { 1 };
    wh_frame frames[64];
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(wh_output(p->host[0], frames, 64, p->now) > 0);
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_that_waited_does_not_follow_the_fin),
        cmocka_unit_test(one_frame_at_a_time),
        cmocka_unit_test(short_of_memory_it_does_not_spin),
        cmocka_unit_test(frames_with_the_link_die_with_the_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* HyStart++ (RFC 9406): rounds of ten segments, and what their round-trip times do to slow start. */
#include "alone.h"

#include "tcp/cc/hystart.h"

/* One round: every segment of the window acknowledged, each with this round-trip time. */
static uint32_t one_round(struct alone *a, uint32_t rtt)
{
    uint32_t window = a->conn.cwnd;
    uint32_t end = a->conn.snd_nxt;
    a->conn.srtt = rtt;
    while (seq_lt(a->conn.snd_una, end) && a->conn.ssthresh == UINT32_MAX) {
        alone_pass(a, 100);
        alone_ack(a, MIN(1000, end - a->conn.snd_una), true);
    }
    return a->conn.cwnd - window;
}

static struct alone *begin(const char *name)
{
    struct alone *a = alone_begin(name, 1000);
    a->conn.snd_nxt = a->conn.snd_una + a->conn.cwnd;
    return a;
}

static void while_it_stays_the_window_doubles(const char *name)
{
    struct alone *a = begin(name);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t before = a->conn.cwnd;
        assert_near(one_round(a, 50000 + 5000 * (i % 2)), before, 1000);
    }
    assert_int_equal(a->conn.ssthresh, UINT32_MAX);
    alone_end(a);
}

/* 4.2: a rise by an eighth, but 4 ms at least and 16 at most. */
static void rise(const char *name, uint32_t rtt, uint32_t by, bool noticed)
{
    struct alone *a = begin(name);
    for (unsigned i = 0; i < 3; i++) {
        (void)one_round(a, rtt);
    }
    uint32_t before = a->conn.cwnd;
    (void)one_round(a, rtt + by);
    uint32_t after = a->conn.cwnd;
    (void)one_round(a, rtt + by);
    assert_near(a->conn.cwnd, noticed ? after * 1.25 : 4.0 * before, after / 20.0);
    alone_end(a);
}

static void limits(const char *name)
{
    rise(name, 1000, 3999, false);
    rise(name, 1000, 4000, true);
    rise(name, 64000, 7999, false);
    rise(name, 64000, 8000, true);
    rise(name, 1000000, 15999, false);
    rise(name, 1000000, 16000, true);
}

/* 4.2: the round of the rise and four more, a quarter as fast, and slow start is over. */
static void it_ends(const char *name)
{
    struct alone *a = begin(name);
    for (unsigned i = 0; i < 3; i++) {
        (void)one_round(a, 40000);
    }
    (void)one_round(a, 60000);
    uint32_t before = a->conn.cwnd;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(a->conn.ssthresh, UINT32_MAX);
        (void)one_round(a, 60000);
    }
    assert_near(a->conn.cwnd, before * 1.25 * 1.25 * 1.25 * 1.25, before / 20.0);
    (void)one_round(a, 60000); /* its first acknowledgements end the fifth round */
    assert_near(a->conn.ssthresh, a->conn.cwnd, 1000);
    assert_near(a->conn.cwnd, before * 1.25 * 1.25 * 1.25 * 1.25, before / 10.0);
    alone_end(a);
}

/* 4.2: the delay came from something else: on it goes, twice as much a round. */
static void a_false_alarm(const char *name)
{
    struct alone *a = begin(name);
    for (unsigned i = 0; i < 3; i++) {
        (void)one_round(a, 40000);
    }
    (void)one_round(a, 60000);
    (void)one_round(a, 60000);
    (void)one_round(a, 45000);
    for (unsigned i = 0; i < 6; i++) {
        uint32_t before = a->conn.cwnd;
        assert_near(one_round(a, 45000), before, 1000);
    }
    assert_int_equal(a->conn.ssthresh, UINT32_MAX);
    alone_end(a);
}

/* 4.2: eight samples are needed; a round has fewer when the ACKs are few. */
static void few_samples_say_nothing(const char *name)
{
    struct alone *a = begin(name);
    for (unsigned i = 0; i < 12; i++) {
        uint32_t window = a->conn.cwnd;
        a->conn.srtt = i < 4 ? 10000 : 100000;
        for (unsigned j = 0; j < 7; j++) {
            alone_ack(a, j == 6 ? window - 6 * (window / 7) : window / 7, true);
        }
        assert_int_equal(a->conn.cwnd, 2 * window);
    }
    alone_end(a);
}

/* Only the first slow start: after a timeout ssthresh is known. */
static void not_after_a_timeout(const char *name)
{
    struct alone *a = begin(name);
    a->conn.cwnd = 400000;
    alone_congest(a, CC_TIMEOUT);
    uint32_t ssthresh = a->conn.ssthresh;
    for (uint32_t rtt = 10000; a->conn.cwnd < ssthresh; rtt += 20000) {
        uint32_t before = a->conn.cwnd;
        a->conn.srtt = rtt;
        for (uint32_t left = before; left > 0; left -= MIN(left, 1000)) {
            alone_ack(a, MIN(left, 1000), true);
        }
        assert_true(a->conn.cwnd >= MIN(2 * before, ssthresh));
    }
    assert_int_equal(a->conn.ssthresh, ssthresh);
    alone_end(a);
}

static void both(void (*test)(const char *))
{
    test("cubic");
    test("newreno");
}

static void test_doubles(void **state)
{
    (void)state;
    both(while_it_stays_the_window_doubles);
}
static void test_limits(void **state)
{
    (void)state;
    both(limits);
}
static void test_ends(void **state)
{
    (void)state;
    both(it_ends);
}
static void test_false_alarm(void **state)
{
    (void)state;
    both(a_false_alarm);
}
static void test_few_samples(void **state)
{
    (void)state;
    both(few_samples_say_nothing);
}
static void test_timeout(void **state)
{
    (void)state;
    both(not_after_a_timeout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_ends),        cmocka_unit_test(test_false_alarm),
        cmocka_unit_test(test_few_samples), cmocka_unit_test(test_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

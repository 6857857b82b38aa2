/* SPDX-License-Identifier: MIT */
/* Congestion window validation (RFC 7661): an application that uses its window, and one that does not. */
#include "alone.h"

#include "tcp/cc/validation.h"

#define RTT 100000u

struct user {
    struct alone *a;
    struct wh_conn *conn;
    struct validation v;
};

static struct user begin(uint32_t cwnd)
{
    struct user u = { .a = alone_begin("newreno", 1000) };
    u.conn = &u.a->conn;
    u.conn->cwnd = cwnd;
    u.conn->ssthresh = cwnd;
    alone_rtt(u.a, RTT);
    return u;
}

/* So many bytes leave and are acknowledged in each of the rounds. */
static void use(struct user *u, uint32_t bytes, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        u->conn->snd_nxt = u->conn->snd_una + bytes;
        for (unsigned j = 0; j < 4; j++) {
            alone_pass(u->a, RTT / 4);
            u->conn->snd_una += bytes / 4;
            validation_acked(&u->v, u->conn, bytes / 4);
        }
    }
}

static void at_first_it_counts_as_validated(void **state)
{
    (void)state;
    struct user u = begin(100000);
    assert_true(validation_valid(&u.v, u.conn));
    assert_int_equal(validation_lost(&u.v, u.conn, 12345), 12345);
    alone_end(u.a);
}

/* 4.3: half of cwnd is enough. */
static void half_is_enough(void **state)
{
    (void)state;
    struct user u = begin(100000);
    use(&u, 52000, 20);
    assert_near(validation_pipe_ack(&u.v), 52000, 0);
    assert_true(validation_valid(&u.v, u.conn));
    use(&u, 48000, 20);
    assert_near(validation_pipe_ack(&u.v), 48000, 0);
    assert_false(validation_valid(&u.v, u.conn));
    alone_end(u.a);
}

/* 4.2: the most of the last second; what is older is forgotten. */
static void the_best_of_a_second_counts(void **state)
{
    (void)state;
    struct user u = begin(100000);
    use(&u, 80000, 10);
    use(&u, 8000, 4);
    assert_true(validation_valid(&u.v, u.conn));
    use(&u, 8000, 8);
    assert_false(validation_valid(&u.v, u.conn));
    /* Three round trips, where these are longer than a second. */
    alone_rtt(u.a, 2000000);
    u.v = (struct validation){ 0 };
    use(&u, 80000, 5);
    alone_pass(u.a, 1500000);
    use(&u, 8000, 2);
    assert_true(validation_valid(&u.v, u.conn));
    alone_end(u.a);
}

/* 4.4.1: the answer to a loss goes by what was in use. */
static void a_loss_goes_by_what_was_in_use(void **state)
{
    (void)state;
    struct user u = begin(100000);
    use(&u, 20000, 20);
    assert_int_equal(validation_lost(&u.v, u.conn, 8000), 20000);
    assert_int_equal(validation_lost(&u.v, u.conn, 30000), 30000);
    assert_int_equal(u.v.loss_size, 30000);
    assert_int_equal(validation_lost(&u.v, u.conn, 50000), 50000);
    assert_int_equal(u.v.loss_size, 0); /* half of the window is in flight */
    u.a->cc->congestion(u.conn, CC_LOSS, validation_lost(&u.v, u.conn, 16000));
    assert_int_equal(u.conn->ssthresh, 10000);
    u.conn->cwnd = 10000;
    validation_recovered(&u.v, u.conn, 6000);
    assert_int_equal(u.conn->ssthresh, 7000); /* (20000 - 6000) / 2 */
    assert_int_equal(u.conn->cwnd, 7000);
    assert_true(validation_valid(&u.v, u.conn)); /* unknown again */
    assert_int_equal(validation_pipe_ack(&u.v), 0);

    u.conn->cwnd = 100000;
    use(&u, 20000, 20);
    u.conn->ssthresh = validation_lost(&u.v, u.conn, 16000) / 2;
    u.conn->cwnd = u.conn->ssthresh;
    validation_recovered(&u.v, u.conn, 1000000);
    assert_int_equal(u.conn->cwnd, 2000);
    alone_end(u.a);
}

static void a_loss_of_a_proved_window_is_usual(void **state)
{
    (void)state;
    struct user u = begin(100000);
    use(&u, 90000, 20);
    u.a->cc->congestion(u.conn, CC_LOSS, validation_lost(&u.v, u.conn, 80000));
    assert_int_equal(u.conn->ssthresh, 40000);
    u.conn->cwnd = 40000;
    validation_recovered(&u.v, u.conn, 30000);
    assert_int_equal(u.conn->ssthresh, 40000);
    assert_int_equal(u.conn->cwnd, 40000);
    alone_end(u.a);
}

/* 4.4.3, 5: kept for five minutes, then half, and so on down to the initial window. */
static void it_is_kept_for_five_minutes(void **state)
{
    (void)state;
    struct user u = begin(100000);
    use(&u, 90000, 20);
    u.conn->ssthresh = 20000;
    use(&u, 2000, 2990);
    assert_int_equal(u.conn->cwnd, 100000);
    use(&u, 2000, 30);
    assert_int_equal(u.conn->cwnd, 50000);
    assert_int_equal(u.conn->ssthresh, 75000);
    use(&u, 2000, 2970);
    assert_int_equal(u.conn->cwnd, 50000);
    use(&u, 2000, 40);
    assert_int_equal(u.conn->cwnd, 25000);
    assert_int_equal(u.conn->ssthresh, 75000);
    use(&u, 2000, 9000);
    assert_int_equal(u.conn->cwnd, cc_initial_window(u.conn));
    alone_end(u.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_first_it_counts_as_validated),
        cmocka_unit_test(half_is_enough),
        cmocka_unit_test(the_best_of_a_second_counts),
        cmocka_unit_test(a_loss_goes_by_what_was_in_use),
        cmocka_unit_test(a_loss_of_a_proved_window_is_usual),
        cmocka_unit_test(it_is_kept_for_five_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

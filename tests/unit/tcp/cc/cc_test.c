/* SPDX-License-Identifier: MIT */
/* What all algorithms share. */
#include "alone.h"

static void names(void **state)
{
    (void)state;
    static const char *const known[] = { "cubic", "newreno", "dctcp", "bbr" };
    static const char *const unknown[] = { "", "b", "bb", "bbr2", "Cubic", "cubi", "cubic " };
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_string_equal(cc_by_name(known[i])->name, known[i]);
        assert_non_null(cc_by_name(known[i])->begin);
        assert_non_null(cc_by_name(known[i])->acked);
        assert_non_null(cc_by_name(known[i])->congestion);
    }
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_null(cc_by_name(unknown[i]));
    }
}

static void additive_increase_is_a_segment_a_window(void **state)
{
    (void)state;
    struct alone *a = alone_begin("newreno", 1000);
    uint32_t acked = 0;
    a->conn.cwnd = 10000;
    cc_additive_increase(&a->conn, &acked, 9999);
    assert_int_equal(a->conn.cwnd, 10000);
    cc_additive_increase(&a->conn, &acked, 1);
    assert_int_equal(a->conn.cwnd, 11000);
    cc_additive_increase(&a->conn, &acked, CWND_MAX); /* however much: once */
    assert_int_equal(a->conn.cwnd, 12000);
    assert_true(acked <= 12000);
    a->conn.cwnd = CWND_MAX;
    cc_additive_increase(&a->conn, &acked, CWND_MAX);
    assert_int_equal(a->conn.cwnd, CWND_MAX);
    alone_end(a);
}

static void slow_start_ends_at_ssthresh(void **state)
{
    (void)state;
    struct alone *a = alone_begin("newreno", 1000);
    a->conn.cwnd = 10000;
    a->conn.ssthresh = 12000;
    assert_int_equal(cc_slow_start(&a->conn, 1500), 0);
    assert_int_equal(a->conn.cwnd, 11500);
    assert_int_equal(cc_slow_start(&a->conn, 1500), 1000);
    assert_int_equal(a->conn.cwnd, 12000);
    a->conn.ssthresh = UINT32_MAX;
    assert_int_equal(cc_slow_start(&a->conn, UINT32_MAX), UINT32_MAX - (CWND_MAX - 12000));
    assert_int_equal(a->conn.cwnd, CWND_MAX);
    alone_end(a);
}

static void paced_twice_as_fast_in_slow_start(void **state)
{
    (void)state;
    struct alone *a = alone_begin("newreno", 1000);
    a->conn.cwnd = 100000;
    assert_int_equal(cc_pacing_rate(&a->conn), 0); /* no round trip is known */
    a->conn.srtt = 100000;
    assert_int_equal(cc_pacing_rate(&a->conn), 2000000);
    a->conn.ssthresh = 100000;
    assert_int_equal(cc_pacing_rate(&a->conn), 1200000);
    alone_end(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(additive_increase_is_a_segment_a_window),
        cmocka_unit_test(slow_start_ends_at_ssthresh),
        cmocka_unit_test(paced_twice_as_fast_in_slow_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

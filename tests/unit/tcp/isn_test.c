/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "tcp/protocol.h"

static void the_clock_steps_every_four_microseconds(void **state)
{
    (void)state;
    static struct tcp tcp;
    struct tuple tuple = { .local_port = 1 }, other = { .local_port = 2 };
    tcp.isn_key = (struct siphash_key){ 1, 2 };
    uint32_t origin = tcp_choose_iss(&tcp, &tuple);
    assert_int_not_equal(origin, tcp_choose_iss(&tcp, &other));
    tcp.now = 3999;
    assert_int_equal(tcp_choose_iss(&tcp, &tuple) - origin, 0);
    tcp.now = 4000;
    assert_int_equal(tcp_choose_iss(&tcp, &tuple) - origin, 1);
    tcp.now = 7999;
    assert_int_equal(tcp_choose_iss(&tcp, &tuple) - origin, 1);
    tcp.now = 4 * WH_SECOND;
    assert_int_equal(tcp_choose_iss(&tcp, &tuple) - origin, 1000000);
}

/* One hash, two numbers: neither is the other's, and both are the tuple's own. */
static void the_two_origins_are_two(void **state)
{
    (void)state;
    static struct tcp tcp;
    struct tuple tuple = { .local_port = 1 }, other = { .local_port = 2 };
    tcp.isn_key = (struct siphash_key){ 1, 2 };
    struct origins mine = tcp_origins(&tcp, &tuple), its = tcp_origins(&tcp, &other);
    assert_int_not_equal(mine.iss, mine.timestamp);
    assert_int_not_equal(mine.iss, its.iss);
    assert_int_not_equal(mine.timestamp, its.timestamp);
    assert_int_equal(tcp_iss_from(&tcp, &mine), tcp_choose_iss(&tcp, &tuple));
}

/* The one that wh_next_iss names serves once. */
static void a_forced_number_serves_once(void **state)
{
    (void)state;
    static struct tcp tcp;
    struct tuple tuple = { .local_port = 1 };
    uint32_t natural = tcp_choose_iss(&tcp, &tuple);
    tcp.iss_forced = true;
    tcp.iss_next = natural + 5;
    assert_int_equal(tcp_choose_iss(&tcp, &tuple), natural + 5);
    assert_int_equal(tcp_choose_iss(&tcp, &tuple), natural);
}

/* RFC 9293 3.7.1: the MTU less the fixed headers; eight bytes are left of any link. */
static void the_link_leaves_room_for_data(void **state)
{
    (void)state;
    static struct tcp tcp;
    const wh_addr ipv4 = wh_ipv4(10, 0, 0, 1);
    const wh_addr ipv6 = { { 0xfd, [15] = 9 } };
    static const uint32_t row[][2] = { { 1500, 1460 }, { 49, 9 }, { 48, 8 }, { 47, 8 }, { 20, 8 } };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        tcp.mtu = row[i][0];
        assert_int_equal(tcp_link_mss(&tcp, &ipv4), row[i][1]);
        tcp.mtu += 20;
        assert_int_equal(tcp_link_mss(&tcp, &ipv6), row[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_steps_every_four_microseconds),
        cmocka_unit_test(the_two_origins_are_two),
        cmocka_unit_test(a_forced_number_serves_once),
        cmocka_unit_test(the_link_leaves_room_for_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

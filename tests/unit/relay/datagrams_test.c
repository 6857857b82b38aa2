/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "relay/datagram_flow.h"

static const struct siphash_key secret = { 1, 2 };

static struct datagram_key key_number(uint32_t n)
{
    struct datagram_key key;
    memset(&key, 0, sizeof key);
    key.local = wh_ipv4(192, 0, 2, (uint8_t)n);
    key.remote = wh_ipv4(10, 0, 2, 100);
    key.local_port = 53;
    key.remote_port = (uint16_t)n;
    key.kind = WH_UDP;
    return key;
}

static struct datagram_flow *add(struct datagrams *table, uint32_t n, enum datagram_class class,
                                 wh_time now)
{
    const struct datagram_key key = key_number(n);
    return datagrams_add(table, &key, class, now);
}

static struct datagram_flow *find(struct datagrams *table, uint32_t n)
{
    const struct datagram_key key = key_number(n);
    return datagrams_find(table, &key);
}

static int new_table(void **state)
{
    struct datagrams *table = malloc(sizeof *table);
    datagrams_init(table, &secret, DATAGRAM_FLOWS);
    *state = table;
    return 0;
}

static int free_table(void **state)
{
    datagrams_free(*state);
    free(*state);
    return 0;
}

static void finds_what_was_added(void **state)
{
    struct datagrams *table = *state;
    for (uint32_t n = 0; n < 1000; n++)
        assert_null(find(table, n));
    for (uint32_t n = 0; n < 1000; n++)
        assert_non_null(add(table, n, DATAGRAM_FRESH, n));
    for (uint32_t n = 0; n < 1000; n++)
        assert_int_equal(find(table, n)->key.remote_port, n);
    datagrams_remove(table, find(table, 500));
    assert_null(find(table, 500));
    assert_non_null(find(table, 499));
    assert_int_equal(table->count, 999);
}

static void every_part_of_the_key_counts(void **state)
{
    struct datagrams *table = *state;
    add(table, 1, DATAGRAM_FRESH, 0);
    for (size_t byte = 0; byte < sizeof(struct datagram_key); byte++) {
        struct datagram_key key = key_number(1);
        ((uint8_t *)&key)[byte] ^= 1;
        assert_null(datagrams_find(table, &key));
    }
}

static void silence_ends_a_flow(void **state)
{
    struct datagrams *table = *state;
    assert_true(datagrams_wake(table) == WH_NEVER);
    add(table, 1, DATAGRAM_FRESH, 0);
    add(table, 2, DATAGRAM_LOOKUP, 0);
    assert_true(datagrams_wake(table) == 10 * WH_SECOND);
    datagrams_expire(table, 10 * WH_SECOND - 1);
    assert_int_equal(table->count, 2);
    datagrams_expire(table, 10 * WH_SECOND);
    assert_null(find(table, 2));
    assert_true(datagrams_wake(table) == 30 * WH_SECOND);
    datagrams_expire(table, 30 * WH_SECOND);
    assert_int_equal(table->count, 0);
}

static void an_answer_prolongs_it(void **state)
{
    struct datagrams *table = *state;
    struct datagram_flow *flow = add(table, 1, DATAGRAM_FRESH, 0);
    datagrams_touch(table, flow, DATAGRAM_ANSWERED, 20 * WH_SECOND);
    datagrams_expire(table, 139 * WH_SECOND);
    assert_ptr_equal(find(table, 1), flow);
    datagrams_touch(table, flow, DATAGRAM_ANSWERED, 139 * WH_SECOND);
    datagrams_expire(table, 258 * WH_SECOND);
    assert_ptr_equal(find(table, 1), flow);
    datagrams_expire(table, 259 * WH_SECOND);
    assert_null(find(table, 1));
}

static void the_most_silent_gives_way(void **state)
{
    struct datagrams *table = *state;
    for (uint32_t n = 0; n < DATAGRAM_FLOWS; n++)
        add(table, n, n % 2 ? DATAGRAM_FRESH : DATAGRAM_ANSWERED, n);
    datagrams_touch(table, find(table, 0), DATAGRAM_ANSWERED, DATAGRAM_FLOWS);
    add(table, DATAGRAM_FLOWS, DATAGRAM_PING, DATAGRAM_FLOWS);
    assert_int_equal(table->count, DATAGRAM_FLOWS);
    assert_non_null(find(table, 0));
    assert_null(find(table, 1));
    assert_non_null(find(table, 2));
    /* By silence, not by what is left of their time. */
    add(table, DATAGRAM_FLOWS + 1, DATAGRAM_PING, DATAGRAM_FLOWS);
    assert_null(find(table, 2));
    assert_non_null(find(table, 3));
}

static void removing_closes_the_socket(void **state)
{
    struct datagrams *table = *state;
    struct datagram_flow *flow = add(table, 1, DATAGRAM_FRESH, 0);
    int fd = open("/dev/null", O_RDONLY);
    flow->fd = fd;
    datagrams_remove(table, flow);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(flow->fd, -1); /* still there for events of this turn */
    datagrams_bury(table);
    assert_null(table->dead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_what_was_added, new_table, free_table),
        cmocka_unit_test_setup_teardown(every_part_of_the_key_counts, new_table, free_table),
        cmocka_unit_test_setup_teardown(silence_ends_a_flow, new_table, free_table),
        cmocka_unit_test_setup_teardown(an_answer_prolongs_it, new_table, free_table),
        cmocka_unit_test_setup_teardown(the_most_silent_gives_way, new_table, free_table),
        cmocka_unit_test_setup_teardown(removing_closes_the_socket, new_table, free_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

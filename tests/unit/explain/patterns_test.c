/* SPDX-License-Identifier: MIT */
/* Openings that never came to anything, folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "explain/patterns.h"

static struct explanation opening(uint32_t client, uint32_t server, uint16_t port,
                                  enum verdict_kind kind, uint64_t number)
{
    struct explanation explanation;
    memset(&explanation, 0, sizeof explanation);
    explanation.number = number;
    explanation.opening_seen = true;
    explanation.end[0].addr =
        wh_ipv4(10, (uint8_t)(client >> 16), (uint8_t)(client >> 8), (uint8_t)client);
    explanation.end[0].port = 40000;
    explanation.end[1].addr = wh_ipv4(192, 168, (uint8_t)(server >> 8), (uint8_t)server);
    explanation.end[1].port = port;
    explanation.packets = 1;
    explanation.began = explanation.over = number * WH_MILLISECOND;
    explanation.verdict.kind = kind;
    return explanation;
}

static void take(struct patterns *patterns, struct explanation explanation)
{
    patterns_take(patterns, &explanation);
}

static void unfinished_openings_of_one_port_are_a_flood(void **state)
{
    (void)state;
    struct patterns *patterns = patterns_new();
    for (uint32_t i = 1; i < FLOOD_LEAST; i++) {
        take(patterns, opening(i, 1, 80, VERDICT_HANDSHAKE_UNFINISHED, i));
    }
    assert_null(patterns_nth(patterns, 0));
    take(patterns, opening(FLOOD_LEAST, 1, 80, VERDICT_NO_ANSWER, FLOOD_LEAST));
    const struct pattern *flood = patterns_nth(patterns, 0);
    assert_non_null(flood);
    assert_int_equal(flood->kind, VERDICT_SYN_FLOOD);
    assert_int_equal(flood->connections, FLOOD_LEAST);
    assert_int_equal(flood->first, 1);
    assert_in_range(flood->others, 90, 110);
    assert_null(patterns_nth(patterns, 1));
    struct explanation one = opening(5, 1, 80, VERDICT_NO_ANSWER, 5);
    assert_ptr_equal(patterns_of(patterns, &one), flood);
    struct explanation other = opening(5, 1, 443, VERDICT_NO_ANSWER, 5);
    assert_null(patterns_of(patterns, &other));
    patterns_free(patterns);
}

static void refusals_and_opened_connections_are_no_flood(void **state)
{
    (void)state;
    struct patterns *patterns = patterns_new();
    for (uint32_t i = 0; i < 300; i++) {
        take(patterns, opening(i, 1, 80, VERDICT_REFUSED, i));
        take(patterns, opening(i, 1, 81, VERDICT_CLOSED_FOUR_WAY, i));
    }
    assert_null(patterns_nth(patterns, 0));
    patterns_free(patterns);
}

static void one_source_of_many_ports_scans(void **state)
{
    (void)state;
    struct patterns *patterns = patterns_new();
    /* The same port again and again is no scan, however often. */
    for (uint32_t i = 0; i < 90; i++) {
        take(patterns, opening(7, 1, 80, VERDICT_REFUSED, i));
    }
    assert_null(patterns_nth(patterns, 0));
    for (uint16_t port = 1; port <= 40; port++) {
        take(patterns, opening(9, 1, port, port % 2 ? VERDICT_REFUSED : VERDICT_NO_ANSWER, port));
    }
    const struct pattern *scan = patterns_nth(patterns, 0);
    assert_non_null(scan);
    assert_int_equal(scan->kind, VERDICT_SCAN);
    assert_in_range(scan->others, 36, 44);
    assert_int_equal(scan->answered[0], 20);
    assert_int_equal(scan->answered[1], 20);
    assert_non_null(strstr(scan->text, "20 refused"));
    patterns_free(patterns);
}

/* Keys that come once fill the table and do not push out what comes often. */
static void forged_addresses_do_not_hide_a_flood(void **state)
{
    (void)state;
    struct patterns *patterns = patterns_new();
    for (uint32_t i = 0; i < 200000; i++) {
        take(patterns, opening(i, 1, 80, VERDICT_HANDSHAKE_UNFINISHED, i));
    }
    const struct pattern *flood = patterns_nth(patterns, 0);
    assert_non_null(flood);
    assert_int_equal(flood->kind, VERDICT_SYN_FLOOD);
    assert_int_equal(flood->connections, 200000);
    assert_non_null(strstr(flood->text, "more than"));
    assert_null(patterns_nth(patterns, 1));
    patterns_free(patterns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unfinished_openings_of_one_port_are_a_flood),
        cmocka_unit_test(refusals_and_opened_connections_are_no_flood),
        cmocka_unit_test(one_source_of_many_ports_scans),
        cmocka_unit_test(forged_addresses_do_not_hide_a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Initial sequence numbers and ports (lifecycle O13; MUST-8, MUST-9, SHLD-1; RFC
 * 6528, RFC 6056): what an observer of a thousand opens can and cannot see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "world.h"

#define OPENS 1000

static struct counted memory;

static wh_stack *new_host(uint64_t seed)
{
    wh_config config;
    wh_stack *host;
    wh_addr us = wh_ipv4(10, 0, 0, 1);
    wh_config_init(&config);
    config.memory = counted_memory(&memory);
    wh_seed(config.seed, seed);
    assert_int_equal(wh_stack_new(&host, &config, WH_SECOND), 0);
    assert_int_equal(wh_address_add(host, &us, 24), 0);
    return host;
}

/* Opens to `remote` from `port` (0: chosen) at `now`; tells the ISS and the port, and forgets the attempt. */
static void open_once(wh_stack *host, wh_addr remote, uint16_t port, wh_time now, uint32_t *iss,
                      uint16_t *chosen)
{
    wh_connect_options options;
    wh_conn *conn;
    wh_frame frame;
    wh_connect_options_init(&options);
    options.local.port = port;
    options.remote = (wh_endpoint){ remote, 80 };
    assert_int_equal(wh_connect(host, &options, now, &conn), 0);
    assert_int_equal(wh_output(host, &frame, 1, now), 1);
    uint8_t bytes[64];
    size_t length = 0;
    for (uint32_t s = 0; s < frame.slices && length + frame.slice[s].length <= sizeof bytes; s++) {
        memcpy(bytes + length, frame.slice[s].base, frame.slice[s].length);
        length += frame.slice[s].length;
    }
    assert_true(length >= 40);
    *chosen = get16(bytes + 20);
    *iss = get32(bytes + 24);
    wh_sent(host, &frame, 1);
    wh_abort(conn);
}

static void one_tuple_advances_by_the_clock(void **state)
{
    (void)state;
    wh_stack *host = new_host(1);
    uint32_t first, next;
    uint16_t port;
    wh_time now = WH_SECOND;
    open_once(host, wh_ipv4(10, 0, 0, 2), 5000, now, &first, &port);
    for (int i = 1; i < OPENS; i++) {
        now += 4 * WH_MILLISECOND;
        open_once(host, wh_ipv4(10, 0, 0, 2), 5000, now, &next, &port);
        /* One step in 4 microseconds: 1000 in 4 milliseconds (RFC 9293 3.4.1). */
        assert_in_range(next - first, 999, 1001);
        first = next;
    }
    wh_stack_free(host);
    assert_int_equal(memory.now, 0);
}

static void tuples_are_unrelated(void **state)
{
    (void)state;
    wh_stack *host = new_host(2);
    uint32_t last = 0, iss;
    uint16_t port;
    unsigned near = 0, high_bits[16] = { 0 };
    for (unsigned i = 0; i < OPENS; i++) {
        open_once(host, wh_ipv4(10, 0, (uint8_t)(i / 200), (uint8_t)(2 + i % 200)), 5000, WH_SECOND,
                  &iss, &port);
        near += i > 0 && iss - last + 1000000 < 2000000;
        high_bits[iss >> 28]++;
        last = iss;
    }
    /* By chance two of a thousand pairs are this near in every other run; ten never are. */
    assert_true(near < 10);
    for (unsigned i = 0; i < 16; i++) {
        assert_in_range(high_bits[i], 20, 120);
    }
    wh_stack_free(host);
}

static void ports_do_not_count_up(void **state)
{
    (void)state;
    wh_stack *host = new_host(3);
    uint32_t iss;
    uint16_t port, last = 0;
    unsigned steps = 0;
    static uint8_t seen[65536];
    for (unsigned i = 0; i < OPENS; i++) {
        open_once(host, wh_ipv4(10, 0, 0, (uint8_t)(2 + i % 200)), 0, WH_SECOND, &iss, &port);
        assert_true(port >= 1024);
        steps += i > 0 && (port == last + 1 || port == last);
        seen[port] = 1;
        last = port;
    }
    unsigned different = 0;
    for (unsigned i = 0; i < 65536; i++) {
        different += seen[i];
    }
    assert_true(steps < 20);
    assert_true(different > 900);
    wh_stack_free(host);
}

static void seeds_decide(void **state)
{
    (void)state;
    uint32_t iss[3];
    uint16_t port[3];
    for (unsigned i = 0; i < 3; i++) {
        wh_stack *host = new_host(i == 2 ? 8 : 7);
        open_once(host, wh_ipv4(10, 0, 0, 2), 0, WH_SECOND, &iss[i], &port[i]);
        wh_stack_free(host);
    }
    assert_int_equal(iss[0], iss[1]);
    assert_int_equal(port[0], port[1]);
    assert_int_not_equal(iss[0], iss[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tuple_advances_by_the_clock),
        cmocka_unit_test(tuples_are_unrelated),
        cmocka_unit_test(ports_do_not_count_up),
        cmocka_unit_test(seeds_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

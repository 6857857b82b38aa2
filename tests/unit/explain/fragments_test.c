/* SPDX-License-Identifier: MIT */
/* Fragments put together again: in any order, within a bound, and never with bytes nobody sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "explain/fragments.h"

struct bench {
    struct fragments *fragments;
    const uint8_t *whole;
    size_t length;
};

static int setup(void **state)
{
    static struct bench bench;
    bench = (struct bench){ .fragments = fragments_new() };
    *state = &bench;
    return bench.fragments == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    fragments_free(bench->fragments);
    return 0;
}

/* The byte that belongs at this offset of every payload here. */
static uint8_t byte_at(uint32_t offset) { return (uint8_t)(offset * 7 + offset / 256 + 1); }

static enum fragment give4(struct bench *bench, uint16_t id, uint32_t offset, uint32_t length,
                           bool more)
{
    uint8_t packet[1600] = { 0x45 };
    put16(packet + 2, (uint16_t)(20 + length));
    put16(packet + 4, id);
    put16(packet + 6, (uint16_t)((more ? 0x2000 : 0) | offset / 8));
    packet[9] = 6;
    for (uint32_t i = 0; i < length; i++) {
        packet[20 + i] = byte_at(offset + i);
    }
    return fragments_take(bench->fragments, packet, 20 + length, WH_SECOND, &bench->whole,
                          &bench->length);
}

static enum fragment give6(struct bench *bench, uint32_t offset, uint32_t length, bool more)
{
    uint8_t packet[1600] = { 0x60 };
    put16(packet + 4, (uint16_t)(8 + length));
    packet[6] = 44;
    packet[40] = 6;
    put16(packet + 42, (uint16_t)(offset | more));
    packet[47] = 9;
    for (uint32_t i = 0; i < length; i++) {
        packet[48 + i] = byte_at(offset + i);
    }
    return fragments_take(bench->fragments, packet, 48 + length, WH_SECOND, &bench->whole,
                          &bench->length);
}

static void expect_payload(const struct bench *bench, size_t header, uint32_t length)
{
    assert_int_equal(bench->length, header + length);
    for (uint32_t i = 0; i < length; i++) {
        assert_int_equal(bench->whole[header + i], byte_at(i));
    }
}

static void any_order_makes_the_packet(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(give4(bench, 1, 2000, 100, false), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 1, 0, 1000, true), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 2, 0, 1000, true), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 1, 1000, 1000, true), FRAGMENT_WHOLE);
    expect_payload(bench, 20, 2100);
    assert_int_equal(get16(bench->whole + 2), 2120);
    assert_int_equal(get16(bench->whole + 6), 0);
}

static void ipv6_loses_its_fragment_header(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(give6(bench, 800, 33, false), FRAGMENT_WAITS);
    assert_int_equal(give6(bench, 0, 800, true), FRAGMENT_WHOLE);
    expect_payload(bench, 40, 833);
    assert_int_equal(bench->whole[6], 6);
    assert_int_equal(get16(bench->whole + 4), 833);
    /* An atomic fragment is whole as it is (RFC 6946). */
    assert_int_equal(give6(bench, 0, 33, false), FRAGMENT_NONE);
}

static void overlap_ends_the_packet(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(give4(bench, 1, 0, 1000, true), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 1, 992, 1000, true), FRAGMENT_BAD);
    /* What came before it is gone too (RFC 5722 4). */
    assert_int_equal(give4(bench, 1, 1000, 100, false), FRAGMENT_WAITS);
}

/* As many units as the packet has, but one of them behind its end: a hole is left. */
static void units_behind_the_end_fill_no_hole(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(give4(bench, 1, 0, 8, true), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 1, 800, 8, true), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 1, 16, 1, false), FRAGMENT_BAD);
}

static void an_end_does_not_move(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(give4(bench, 1, 80, 8, false), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 1, 8, 8, false), FRAGMENT_BAD);
    assert_int_equal(give4(bench, 2, 80, 8, false), FRAGMENT_WAITS);
    assert_int_equal(give4(bench, 2, 88, 8, true), FRAGMENT_BAD);
}

static void cut_and_impossible_ones_are_bad(void **state)
{
    struct bench *bench = *state;
    uint8_t packet[40] = { 0x45 };
    put16(packet + 2, 1020);
    put16(packet + 6, 0x2000);
    assert_int_equal(fragments_take(bench->fragments, packet, sizeof packet, WH_SECOND,
                                    &bench->whole, &bench->length),
                     FRAGMENT_BAD);
    /* Not the last one, and no multiple of eight; reaching over the largest packet. */
    assert_int_equal(give4(bench, 3, 0, 9, true), FRAGMENT_BAD);
    assert_int_equal(give4(bench, 4, 65528, 8, false), FRAGMENT_BAD);
    assert_int_equal(
        fragments_take(bench->fragments, packet, 0, WH_SECOND, &bench->whole, &bench->length),
        FRAGMENT_NONE);
}

static void the_oldest_makes_room(void **state)
{
    struct bench *bench = *state;
    for (uint16_t id = 0; id < 5000; id++) {
        assert_int_equal(give4(bench, id, 0, 8, true), FRAGMENT_WAITS);
    }
    assert_int_equal(give4(bench, 4999, 8, 8, false), FRAGMENT_WHOLE);
    assert_int_equal(give4(bench, 0, 8, 8, false), FRAGMENT_WAITS);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(any_order_makes_the_packet),
        CASE(ipv6_loses_its_fragment_header),
        CASE(overlap_ends_the_packet),
        CASE(an_end_does_not_move),
        CASE(units_behind_the_end_fill_no_hole),
        CASE(cut_and_impossible_ones_are_bad),
        CASE(the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

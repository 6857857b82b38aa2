/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/pattern.h"

enum { LENGTH = 3000 };

static uint8_t bytes[LENGTH + 8];

static void pieces_make_one_stream(void **state)
{
    (void)state;
    for (uint64_t position = 12345, at = 0; at < LENGTH; at += 7) {
        pattern_fill(position + at, bytes + at, 7);
    }
    assert_int_equal(pattern_match(12345, bytes, LENGTH), LENGTH);
    assert_int_equal(pattern_match(12345 + 1000, bytes + 1000, LENGTH - 1000), LENGTH - 1000);
}

static void each_wrong_byte_is_found(void **state)
{
    (void)state;
    pattern_fill(0, bytes, LENGTH);
    for (size_t i = 0; i < LENGTH; i++) {
        bytes[i] ^= 1;
        assert_int_equal(pattern_match(0, bytes, LENGTH), i);
        bytes[i] ^= 1;
    }
}

/* What is lost, doubled or out of place shifts the rest: by any number of bytes it must look wrong. */
static void another_place_looks_different(void **state)
{
    (void)state;
    pattern_fill(1 << 20, bytes, LENGTH);
    for (uint64_t shift = 1; shift <= 1 << 18; shift++) {
        assert_true(pattern_match((1 << 20) + shift, bytes, LENGTH) < 8);
    }
    for (unsigned power = 1; power < 63; power++) {
        assert_true(pattern_match((1 << 20) + (UINT64_C(1) << power), bytes, LENGTH) < 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_make_one_stream),
        cmocka_unit_test(each_wrong_byte_is_found),
        cmocka_unit_test(another_place_looks_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

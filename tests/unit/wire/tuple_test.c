/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/tuple.h"

static const struct siphash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };

static struct tuple any(bool ipv4_local, bool ipv4_remote)
{
    const wh_addr six = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } };
    return (struct tuple){ .local = ipv4_local ? wh_ipv4(192, 0, 2, 1) : six,
                           .remote = ipv4_remote ? wh_ipv4(198, 51, 100, 2) : six,
                           .local_port = 4000,
                           .remote_port = 80 };
}

/* Of a tuple of one family, of the other, and of both: no byte may be left out. */
static void every_byte_counts(void **state)
{
    (void)state;
    for (unsigned form = 0; form < 4; form++) {
        struct tuple tuple = any(form & 1, form & 2);
        uint64_t table = tuple_hash13(&key, &tuple), wire = tuple_hash24(&key, &tuple);
        uint8_t *bytes = (uint8_t *)&tuple;
        for (size_t i = 0; i < sizeof tuple; i++) {
            bytes[i] ^= 1;
            assert_int_not_equal(tuple_hash13(&key, &tuple), table);
            assert_int_not_equal(tuple_hash24(&key, &tuple), wire);
            bytes[i] ^= 1;
        }
        assert_int_equal(tuple_hash13(&key, &tuple), table);
    }
}

static void the_key_counts(void **state)
{
    (void)state;
    struct tuple tuple = any(true, true);
    struct siphash_key other = { key.k0 ^ 1, key.k1 };
    assert_int_not_equal(tuple_hash13(&other, &tuple), tuple_hash13(&key, &tuple));
    assert_int_not_equal(tuple_hash24(&other, &tuple), tuple_hash24(&key, &tuple));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(the_key_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/checksum.h"

static uint32_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33);
}

/* RFC 1071 as its text says it: 16-bit words in network order, end-around carry. */
static uint16_t plain_sum(const uint8_t *bytes, size_t length)
{
    uint64_t sum = 0;
    uint8_t order[2];
    uint16_t word;

    for (size_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint64_t)bytes[i] << 8 : bytes[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    put16(order, (uint32_t)sum);
    memcpy(&word, order, sizeof(word));
    return word;
}

/* The example of RFC 1071, section 3. */
static void rfc_example(void **state)
{
    static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
    static const uint8_t expected[] = { 0xdd, 0xf2 };
    uint16_t sum = checksum_fold(checksum_add_portable(bytes, sizeof(bytes), 0));

    (void)state;
    assert_memory_equal(&sum, expected, 2);
}

static void portable_is_always_there_and_last(void **state)
{
    unsigned n = 0;

    (void)state;
    assert_ptr_equal(checksum_best(), checksum_nth(0));
    while (checksum_nth(n + 1) != NULL)
        n++;
    assert_string_equal(checksum_nth(n)->name, "portable");
    assert_ptr_equal(checksum_nth(n)->add, checksum_add_portable);
    assert_null(checksum_nth(1000));
}

/* One implementation on one piece: add and copy, the sum, the copy, and nothing beside the copy. */
static void check(const struct checksum *sum, const uint8_t *from, size_t length, uint64_t before,
                  uint8_t *to)
{
    uint64_t expected = before + plain_sum(from, length);
    uint64_t added = sum->add(from, length, before), copied;

    assert_int_equal(checksum_fold(added), checksum_fold(expected));
    assert_true(added - before < 1ULL << 35);
    memset(to - 1, 0xee, length + 2);
    copied = sum->copy(to, from, length, before);
    assert_int_equal(checksum_fold(copied), checksum_fold(expected));
    assert_true(copied - before < 1ULL << 35);
    assert_memory_equal(to, from, length);
    assert_int_equal(to[-1], 0xee);
    assert_int_equal(to[length], 0xee);
    memset(to - 1, 0xee, length + 2);
    sum->move(to, from, length);
    assert_memory_equal(to, from, length);
    assert_int_equal(to[-1], 0xee);
    assert_int_equal(to[length], 0xee);
}

/* Every length to 700 at every offset within 8 bytes; the input ends where its memory ends. */
static void every_length_and_alignment(void **state)
{
    static uint8_t to[1024];
    uint64_t seed = 1;

    (void)state;
    for (unsigned n = 0; checksum_nth(n) != NULL; n++)
        for (size_t length = 0; length <= 700; length++) {
            size_t shift = length % 8;
            uint8_t *memory = malloc(shift + length + 1), *from = memory + shift + 1;

            for (size_t i = 0; i < length; i++)
                from[i] = (uint8_t)random_next(&seed);
            check(checksum_nth(n), from, length, 0, to + 1 + length % 7);
            check(checksum_nth(n), from, length, random_next(&seed), to + 1 + length % 64);
            free(memory);
        }
}

static void all_offsets_agree(void **state)
{
    static uint8_t from[512], to[512];
    uint64_t seed = 2;

    (void)state;
    for (size_t i = 0; i < sizeof(from); i++)
        from[i] = (uint8_t)random_next(&seed);
    for (unsigned n = 0; checksum_nth(n) != NULL; n++)
        for (size_t offset = 0; offset < 65; offset++)
            for (size_t length = 120; length < 330; length += 7)
                check(checksum_nth(n), from + offset, length, 0, to + 65 - offset);
}

/* Carries everywhere, and sizes past the blocks of the vector code. */
static void big_and_full(void **state)
{
    static const size_t sizes[] = { 1448, 65535, 65536, 1 << 20, (1 << 24) + 1, (1 << 25) + 333 };
    uint8_t *from = malloc(1 << 26), *to = malloc(1 << 26);
    uint64_t seed = 3;

    (void)state;
    for (unsigned fill = 0; fill < 2; fill++) {
        for (size_t i = 0; i < 1 << 26; i++)
            from[i] = fill == 0 ? 0xff : (uint8_t)random_next(&seed);
        for (unsigned n = 0; checksum_nth(n) != NULL; n++)
            for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
                check(checksum_nth(n), from + s, sizes[s], 0, to + 1);
    }
    free(from);
    free(to);
}

/* Zero has two forms; only zeros sum to the positive one, whatever the implementation. */
static void zero_and_minus_zero(void **state)
{
    static const uint8_t zero[300];
    uint8_t ones[300];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (unsigned n = 0; checksum_nth(n) != NULL; n++)
        for (size_t length = 2; length <= 300; length += 2) {
            assert_int_equal(checksum_fold(checksum_nth(n)->add(zero, length, 0)), 0);
            assert_int_equal(checksum_fold(checksum_nth(n)->add(ones, length, 0)), 0xffff);
        }
}

static void folding_is_modulo_65535(void **state)
{
    uint64_t seed = 4;

    (void)state;
    assert_int_equal(checksum_fold(0), 0);
    assert_int_equal(checksum_fold(0xffff), 0xffff);
    assert_int_equal(checksum_fold(0x10000), 1);
    assert_int_equal(checksum_fold(UINT64_MAX), 0xffff);
    assert_int_equal(checksum_fold(UINT64_MAX - 0xffff), 0xffff);
    assert_int_equal(checksum_fold(0xffffffff00000001), 1);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t sum = (uint64_t)random_next(&seed) << 33 ^ random_next(&seed);

        sum >>= random_next(&seed) % 64;
        assert_int_equal(checksum_fold(sum) % 0xffff, sum % 0xffff);
        assert_int_equal(checksum_fold(sum) == 0, sum == 0);
    }
}

/* Pieces add up to the whole, cut at any place, odd ones included. */
static void pieces_add_up(void **state)
{
    uint8_t bytes[200];
    uint64_t seed = 5;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)random_next(&seed);
    for (unsigned n = 0; checksum_nth(n) != NULL; n++)
        for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
            checksum_add_function *add = checksum_nth(n)->add;
            uint64_t first = add(bytes, cut, 0), second = add(bytes + cut, sizeof(bytes) - cut, 0);

            if (cut % 2 != 0)
                second = checksum_swap(second);
            assert_int_equal(checksum_fold(first + second), plain_sum(bytes, sizeof(bytes)));
        }
}

static void words_count_as_their_bytes(void **state)
{
    static const uint8_t bytes[] = { 0x12, 0x34, 0x56, 0x78 };

    (void)state;
    assert_int_equal(checksum_fold(checksum_word16(0x1234)), plain_sum(bytes, 2));
    assert_int_equal(checksum_fold(checksum_word32(0x12345678)), plain_sum(bytes, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_example),
        cmocka_unit_test(portable_is_always_there_and_last),
        cmocka_unit_test(every_length_and_alignment),
        cmocka_unit_test(all_offsets_agree),
        cmocka_unit_test(big_and_full),
        cmocka_unit_test(zero_and_minus_zero),
        cmocka_unit_test(folding_is_modulo_65535),
        cmocka_unit_test(pieces_add_up),
        cmocka_unit_test(words_count_as_their_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

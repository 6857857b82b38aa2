/* SPDX-License-Identifier: MIT */
/* What the tests of src/wire share. */
#ifndef WAVEHAND_TESTS_WIRE_H
#define WAVEHAND_TESTS_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"

/* SplitMix64: the same numbers on every machine. */
static inline uint64_t any(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline void any_bytes(uint64_t *state, void *at, size_t length)
{
    uint8_t *p = at;
    for (size_t i = 0; i < length; i++)
        p[i] = (uint8_t)any(state);
}

/* A copy in an allocation of exactly its size, so that a sanitizer sees any read past the end. */
static inline uint8_t *exact(const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

/* The Internet checksum by the book (RFC 1071 1), one 16-bit word in network order at a time. */
static inline uint16_t sum_by_the_book(const void *bytes, size_t length, uint32_t start)
{
    const uint8_t *p = bytes;
    uint32_t sum = start;
    for (size_t i = 0; i < length; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

#endif

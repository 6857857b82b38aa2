/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum (RFC 1071), as fast as the processor allows.
 *
 * Sums are kept unfolded in 64 bits and in memory order (as if the 16-bit words
 * were read in the machine's own byte order), so partial sums of pieces at even
 * offsets may be added. checksum_fold gives the 16 bits to store with memcpy
 * (already in memory order, not complemented).
 *
 * No function here adds more than 2^34 to a sum, so a thousand million of them
 * may be added with + before any is folded.
 */
#ifndef WAVEHAND_BASE_CHECKSUM_H
#define WAVEHAND_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/* Adds the ones-complement sum of length bytes to sum. An odd last byte counts as padded with 0. */
typedef uint64_t checksum_add_function(const void *data, size_t length, uint64_t sum);
/* The same while copying the bytes to `to`. The areas must not overlap. */
typedef uint64_t checksum_copy_function(void *to, const void *from, size_t length, uint64_t sum);

/* The copy alone, at the same speed or better whatever the length and alignment. */
typedef void checksum_move_function(void *to, const void *from, size_t length);

struct checksum {
    checksum_add_function *add;
    checksum_copy_function *copy;
    checksum_move_function *move;
    const char *name; /* "avx512", "avx2", "neon", "portable" */
};

/* The fastest implementation this processor runs. Pure but slow: the caller keeps the answer. */
const struct checksum *checksum_best(void);
/* All that this processor runs, fastest first, for tests and benches; NULL past the end. */
const struct checksum *checksum_nth(unsigned n);

checksum_add_function checksum_add_portable;

/* Folds a sum to 16 bits in memory order. */
static inline uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Swaps the bytes of a sum: what a piece at an odd offset contributes. */
static inline uint64_t checksum_swap(uint64_t sum)
{
    uint32_t folded = checksum_fold(sum);

    return (folded << 8 | folded >> 8) & 0xffff;
}

/* A number in host order as it counts in a sum. */
static inline uint64_t checksum_word16(uint16_t value)
{
    uint8_t bytes[2];
    uint16_t word;

    put16(bytes, value);
    memcpy(&word, bytes, sizeof(word));
    return word;
}

static inline uint64_t checksum_word32(uint32_t value)
{
    uint8_t bytes[4];
    uint32_t word;

    put32(bytes, value);
    memcpy(&word, bytes, sizeof(word));
    return word;
}

#endif

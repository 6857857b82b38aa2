/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum (RFC 1071), as fast as the processor allows.
 *
 * Sums are kept unfolded in 64 bits and in memory order (as if the 16-bit words
 * were read in the machine's own byte order), so partial sums of pieces at even
 * offsets may be added. checksum_fold gives the 16 bits to store with memcpy
 * (already in memory order, not complemented).
 */
#ifndef WAVEHAND_BASE_CHECKSUM_H
#define WAVEHAND_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds the ones-complement sum of length bytes to sum. An odd last byte counts as padded with zero. */
typedef uint64_t checksum_add_function(const void *data, size_t length, uint64_t sum);
/* The same while copying the bytes to `to`. The areas must not overlap. */
typedef uint64_t checksum_copy_function(void *to, const void *from, size_t length, uint64_t sum);

struct checksum {
    checksum_add_function *add;
    checksum_copy_function *copy;
    const char *name; /* "avx512", "avx2", "neon", "portable" */
};

/* The fastest implementation this processor runs. Pure: the caller keeps the answer. */
const struct checksum *checksum_best(void);
/* Every implementation this processor runs, for tests and benches; NULL past the end. */
const struct checksum *checksum_nth(unsigned n);

checksum_add_function checksum_add_portable;

/* Folds a sum to 16 bits in memory order. */
uint16_t checksum_fold(uint64_t sum);
/* Swaps the bytes of a sum: what a piece at an odd offset contributes. */
uint64_t checksum_swap(uint64_t sum);
/* A number in host order as it counts in a sum. */
uint64_t checksum_word16(uint16_t value);
uint64_t checksum_word32(uint32_t value);

#endif

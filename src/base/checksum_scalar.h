/* SPDX-License-Identifier: MIT */
/*
 * The checksum in 64-bit words, for short inputs and the ends of long ones; and
 * the names that the files of the checksum share.
 *
 * A carry out of 64 bits is worth one again in ones-complement arithmetic, since
 * 2^64 - 1 is a multiple of 2^16 - 1.
 */
#ifndef WAVEHAND_BASE_CHECKSUM_SCALAR_H
#define WAVEHAND_BASE_CHECKSUM_SCALAR_H

#include <stdbool.h>

#include "base/checksum.h"

static inline uint64_t checksum_carry(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

/* 64 bits to 33, which leaves room to add. */
static inline uint64_t checksum_narrow(uint64_t sum) { return (sum & 0xffffffff) + (sum >> 32); }

/* The sum of fewer than 8 bytes as one word, copied on the way if `copy`. */
static inline uint64_t checksum_tail(uint8_t *to, const uint8_t *from, size_t length, bool copy)
{
    uint64_t sum = 0;

    if ((length & 4) != 0) {
        uint32_t word;

        memcpy(&word, from, 4);
        if (copy) {
            memcpy(to, from, 4);
            to += 4;
        }
        sum += word;
        from += 4;
    }
    if ((length & 2) != 0) {
        uint16_t word;

        memcpy(&word, from, 2);
        if (copy) {
            memcpy(to, from, 2);
            to += 2;
        }
        sum += word;
        from += 2;
    }
    if ((length & 1) != 0) {
        const uint8_t padded[2] = { *from, 0 };
        uint16_t word;

        memcpy(&word, padded, 2);
        if (copy)
            *to = *from;
        sum += word;
    }
    return sum;
}

/* Four chains of additions run beside each other. `to` may be NULL unless `copy`. */
static inline uint64_t checksum_scalar(uint8_t *to, const uint8_t *from, size_t length,
                                       uint64_t sum, bool copy)
{
    uint64_t a = 0, b = 0, c = 0, d = 0, word[4];

    for (; length >= 32; length -= 32, from += 32) {
        memcpy(word, from, 32);
        if (copy) {
            memcpy(to, word, 32);
            to += 32;
        }
        a = checksum_carry(a, word[0]);
        b = checksum_carry(b, word[1]);
        c = checksum_carry(c, word[2]);
        d = checksum_carry(d, word[3]);
    }
    for (; length >= 8; length -= 8, from += 8) {
        memcpy(word, from, 8);
        if (copy) {
            memcpy(to, word, 8);
            to += 8;
        }
        a = checksum_carry(a, word[0]);
    }
    b = checksum_carry(b, checksum_tail(to, from, length, copy));
    return sum + checksum_narrow(checksum_carry(checksum_carry(a, b), checksum_carry(c, d)));
}

#if defined(__x86_64__)
/* Writes those that processor and operating system together support, fastest first: 2 at most. */
unsigned checksum_x86(const struct checksum **usable);
#endif
#if defined(__AARCH64EL__)
extern const struct checksum checksum_neon; /* every such processor has it */
#endif

#endif

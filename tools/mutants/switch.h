/* SPDX-License-Identifier: MIT */
/*
 * The switch between mutants. Mutated sources ask it at every place where they differ from the
 * original; it says yes at one of them, and notes which were asked.
 */
#ifndef WAVEHAND_MUTANTS_H
#define WAVEHAND_MUTANTS_H

#include <stdbool.h>
#include <stdint.h>

extern unsigned char *mutant_reached; /* one byte a mutant */
extern unsigned mutant_active;        /* 0: the original */

static inline bool mutant_is(unsigned number)
{
    mutant_reached[number] = 1;
    return mutant_active == number;
}

/* The window test of base/seq.h, one number too wide at the end, and inside out. */
static inline bool mutant_seq_in_wide(uint32_t x, uint32_t low, uint32_t length)
{
    return x - low <= length;
}

static inline bool mutant_seq_not_in(uint32_t x, uint32_t low, uint32_t length)
{
    return x - low >= length;
}

#define MUTANT_MIN(number, a, b) (mutant_is(number) != ((a) < (b)) ? (a) : (b))
#define MUTANT_MAX(number, a, b) (mutant_is(number) != ((a) > (b)) ? (a) : (b))

#endif

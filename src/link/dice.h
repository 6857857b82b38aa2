/* SPDX-License-Identifier: MIT */
/*
 * A small seeded generator for simulated paths: the same seed gives the same
 * throws on every machine. Not for secrets.
 */
#ifndef WAVEHAND_LINK_DICE_H
#define WAVEHAND_LINK_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state[4];
};

/* One in how many: chances are parts of a thousand million. */
#define DICE_CERTAIN UINT32_C(1000000000)

/* Every 32-byte seed is allowed, zero included. */
void dice_seed(struct dice *dice, const uint8_t seed[32]);
/* 64 random bits. */
uint64_t dice_throw(struct dice *dice);
/* 0 <= answer < bound; 0 for a bound of 0. */
uint64_t dice_below(struct dice *dice, uint64_t bound);
/* True `chance` times in DICE_CERTAIN. */
bool dice_chance(struct dice *dice, uint32_t chance);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * xoshiro256** (Blackman and Vigna 2018), its state filled by splitmix64 so that
 * seeds that differ in one bit, and the seed of zeros, give unrelated sequences.
 */
#include "link/dice.h"

static uint64_t rotate(uint64_t value, unsigned by) { return value << by | value >> (64 - by); }

static uint64_t mix(uint64_t *counter)
{
    uint64_t z = *counter += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void dice_seed(struct dice *dice, const uint8_t seed[32])
{
    uint64_t counter = 0;
    for (unsigned i = 0; i < 4; i++) {
        /* Read byte by byte: the same on machines of either byte order. */
        uint64_t word = 0;
        for (unsigned byte = 0; byte < 8; byte++)
            word = word << 8 | seed[8 * i + byte];
        counter ^= word;
        dice->state[i] = mix(&counter);
    }
    if ((dice->state[0] | dice->state[1] | dice->state[2] | dice->state[3]) == 0)
        dice->state[0] = 1; /* the one state that would never change */
}

uint64_t dice_throw(struct dice *dice)
{
    uint64_t *s = dice->state;
    uint64_t answer = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return answer;
}

uint64_t dice_below(struct dice *dice, uint64_t bound)
{
    /* The bias of the remainder is below bound / 2^64: nothing for times and chances. */
    return bound == 0 ? 0 : dice_throw(dice) % bound;
}

bool dice_chance(struct dice *dice, uint32_t chance)
{
    return dice_below(dice, DICE_CERTAIN) < chance;
}

/* SPDX-License-Identifier: MIT */
/* Fixed-point arithmetic of congestion control: no floating point, and nothing overflows on the way. */
#ifndef WAVEHAND_TCP_CC_SCALE_H
#define WAVEHAND_TCP_CC_SCALE_H

#include <stdint.h>

/* a * numerator / denominator, rounded down; the result must fit, what is between need not. */
static inline uint64_t scale(uint64_t a, uint32_t numerator, uint32_t denominator)
{
    return a / denominator * numerator + a % denominator * numerator / denominator;
}

/* The cube root, rounded down: one bit of it after the other. */
static inline uint32_t cube_root(uint64_t a)
{
    uint32_t root = 0;
    for (uint32_t bit = UINT32_C(1) << 21; bit != 0; bit >>= 1) {
        uint64_t next = root | bit; /* at most 2^22 - 1, and its cube below 2^66 */
        if (next * next <= a / next) {
            root = (uint32_t)next;
        }
    }
    return root;
}

#endif

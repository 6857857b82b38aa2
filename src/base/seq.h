/* SPDX-License-Identifier: MIT */
/*
 * Sequence arithmetic modulo 2^32 (RFC 9293 3.4). Sequence numbers are compared
 * through these functions only; two numbers exactly 2^31 apart are neither less
 * nor greater by intent, and count as "less" both ways here.
 */
#ifndef WAVEHAND_BASE_SEQ_H
#define WAVEHAND_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool seq_leq(uint32_t a, uint32_t b) { return (int32_t)(a - b) <= 0; }
static inline bool seq_gt(uint32_t a, uint32_t b) { return (int32_t)(b - a) < 0; }
static inline bool seq_geq(uint32_t a, uint32_t b) { return (int32_t)(b - a) <= 0; }
/* low <= x < low + length, for any length below 2^32: the window test of RFC 9293 3.4. */
static inline bool seq_in(uint32_t x, uint32_t low, uint32_t length) { return x - low < length; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_gt(a, b) ? a : b; }
static inline uint32_t seq_min(uint32_t a, uint32_t b) { return seq_lt(a, b) ? a : b; }

#endif

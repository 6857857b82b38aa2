/* SPDX-License-Identifier: MIT */
/*
 * The checksum in vectors of 16 bytes: one instruction adds both 32-bit halves of
 * a 64-bit lane to the sum in that lane, which overflows only after 2^31 steps.
 */
#include "base/checksum_scalar.h"

#if defined(__AARCH64EL__)

#include <arm_neon.h>

#define SHORT 64 /* below, the scalar loop wins */

static inline uint64x2_t step(uint8_t *to, const uint8_t *from, uint64x2_t sum, bool copy)
{
    uint8x16_t v = vld1q_u8(from);

    if (copy)
        vst1q_u8(to, v);
    return vpadalq_u32(sum, vreinterpretq_u32_u8(v));
}

static inline uint64_t sum_neon(uint8_t *to, const uint8_t *from, size_t length, uint64_t sum,
                                bool copy)
{
    uint64x2_t a = vdupq_n_u64(0), b = a, c = a, d = a;
    size_t at = 0;

    if (length < SHORT)
        return checksum_scalar(to, from, length, sum, copy);
    for (; length - at >= 64; at += 64) {
        a = step(copy ? to + at : NULL, from + at, a, copy);
        b = step(copy ? to + at + 16 : NULL, from + at + 16, b, copy);
        c = step(copy ? to + at + 32 : NULL, from + at + 32, c, copy);
        d = step(copy ? to + at + 48 : NULL, from + at + 48, d, copy);
    }
    a = vaddq_u64(vaddq_u64(a, b), vaddq_u64(c, d));
    sum += checksum_narrow(checksum_carry(vgetq_lane_u64(a, 0), vgetq_lane_u64(a, 1)));
    return checksum_scalar(copy ? to + at : NULL, from + at, length - at, sum, copy);
}

static uint64_t add_neon(const void *data, size_t length, uint64_t sum)
{
    return sum_neon(NULL, data, length, sum, false);
}

static uint64_t copy_neon(void *to, const void *from, size_t length, uint64_t sum)
{
    return sum_neon(to, from, length, sum, true);
}

static void move_neon(void *to, const void *from, size_t length)
{
    (void)sum_neon(to, from, length, 0, true);
}

const struct checksum checksum_neon = { add_neon, copy_neon, move_neon, "neon" };

#endif

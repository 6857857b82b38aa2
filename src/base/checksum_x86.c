/* SPDX-License-Identifier: MIT */
/*
 * The checksum in vectors of 32 and 64 bytes.
 *
 * AVX2: each 64-bit lane adds the low and the high 32-bit half of what it reads,
 * so it overflows only after 2^31 steps. AVX-512 with VNNI: one instruction adds
 * all bytes at even places to 32-bit lanes, a second one all at odd places; these
 * sums count once and 256 times. A lane takes at most 510 a step and is emptied
 * long before it is full. Ends are read under a mask, so nothing beyond the input
 * is touched.
 *
 * A copy begins with what is missing to an aligned place to write to: a vector that
 * is stored across two cache lines costs two stores, and there are more of them in a
 * stream of bytes than the processor can take. An odd place stays as it is, for what
 * follows an odd number of bytes would count with its bytes swapped.
 */
#include "base/checksum_scalar.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define SHORT 128 /* below, the scalar loop wins */
#define INLINE(features) static inline __attribute__((always_inline, target(features)))
#define AVX2 "avx2"
#define AVX512 "avx512f,avx512bw,avx512vnni"

/* Bytes from `to` to the next place that is a multiple of `vector`; 0 if an odd number. */
static inline size_t to_alignment(const uint8_t *to, size_t vector)
{
    size_t missing = (size_t)(-(uintptr_t)to & (vector - 1));

    return (missing & 1) == 0 ? missing : 0;
}

/* ------------------------------------------------------------------- AVX2 -- */

INLINE(AVX2) __m256i step_avx2(uint8_t *to, const uint8_t *from, __m256i sum, bool copy)
{
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    __m256i v = _mm256_loadu_si256((const void *)from);

    if (copy)
        _mm256_storeu_si256((void *)to, v);
    sum = _mm256_add_epi64(sum, _mm256_and_si256(v, low));
    return _mm256_add_epi64(sum, _mm256_srli_epi64(v, 32));
}

INLINE(AVX2)
uint64_t sum_avx2(uint8_t *to, const uint8_t *from, size_t length, uint64_t sum, bool copy)
{
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    uint64_t lane[4];
    size_t at = 0;

    if (length < SHORT)
        return checksum_scalar(to, from, length, sum, copy);
    if (copy) {
        at = to_alignment(to, sizeof(a));
        sum = checksum_scalar(to, from, at, sum, copy);
    }
    for (; length - at >= 128; at += 128) {
        a = step_avx2(copy ? to + at : NULL, from + at, a, copy);
        b = step_avx2(copy ? to + at + 32 : NULL, from + at + 32, b, copy);
        c = step_avx2(copy ? to + at + 64 : NULL, from + at + 64, c, copy);
        d = step_avx2(copy ? to + at + 96 : NULL, from + at + 96, d, copy);
    }
    for (; length - at >= 32; at += 32)
        a = step_avx2(copy ? to + at : NULL, from + at, a, copy);
    a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
    _mm256_storeu_si256((void *)lane, a);
    sum += checksum_narrow(
        checksum_carry(checksum_carry(lane[0], lane[1]), checksum_carry(lane[2], lane[3])));
    return checksum_scalar(copy ? to + at : NULL, from + at, length - at, sum, copy);
}

static __attribute__((target(AVX2))) uint64_t add_avx2(const void *data, size_t length,
                                                       uint64_t sum)
{
    return sum_avx2(NULL, data, length, sum, false);
}

static __attribute__((target(AVX2))) uint64_t copy_avx2(void *to, const void *from, size_t length,
                                                        uint64_t sum)
{
    return sum_avx2(to, from, length, sum, true);
}

static const struct checksum checksum_avx2 = { add_avx2, copy_avx2, "avx2" };

/* ---------------------------------------------------------------- AVX-512 -- */

/* Sums of the bytes at even and at odd places. */
struct pair {
    __m512i even, odd;
};

/* 2^24 / 256 steps of 510 a lane, four lanes added: far below 2^32. */
#define BLOCK ((size_t)1 << 24)

INLINE(AVX512) struct pair add_avx512_vector(struct pair sum, __m512i v)
{
    sum.even = _mm512_dpbusd_epi32(sum.even, v, _mm512_set1_epi32(0x00010001));
    sum.odd = _mm512_dpbusd_epi32(sum.odd, v, _mm512_set1_epi32(0x01000100));
    return sum;
}

INLINE(AVX512) struct pair step_avx512(uint8_t *to, const uint8_t *from, struct pair sum, bool copy)
{
    __m512i v = _mm512_loadu_si512(from);

    if (copy)
        _mm512_storeu_si512(to, v);
    return add_avx512_vector(sum, v);
}

/* 1 to 64 bytes. */
INLINE(AVX512)
struct pair some_avx512(uint8_t *to, const uint8_t *from, size_t length, struct pair sum, bool copy)
{
    __mmask64 mask = ~(uint64_t)0 >> (64 - length);
    __m512i v = _mm512_maskz_loadu_epi8(mask, from);

    if (copy)
        _mm512_mask_storeu_epi8(to, mask, v);
    return add_avx512_vector(sum, v);
}

INLINE(AVX512) struct pair add_pairs(struct pair a, struct pair b)
{
    a.even = _mm512_add_epi32(a.even, b.even);
    a.odd = _mm512_add_epi32(a.odd, b.odd);
    return a;
}

/* The whole of a pair: 32-bit lanes are unsigned. */
INLINE(AVX512) uint64_t total(struct pair sum)
{
    const __m512i low = _mm512_set1_epi64(0xffffffff);
    __m512i even =
        _mm512_add_epi64(_mm512_and_si512(sum.even, low), _mm512_srli_epi64(sum.even, 32));
    __m512i odd = _mm512_add_epi64(_mm512_and_si512(sum.odd, low), _mm512_srli_epi64(sum.odd, 32));

    even = _mm512_add_epi64(even, _mm512_slli_epi64(odd, 8));
    return (uint64_t)_mm512_reduce_add_epi64(even);
}

/* A block of at most BLOCK bytes. */
INLINE(AVX512) uint64_t block_avx512(uint8_t *to, const uint8_t *from, size_t length, bool copy)
{
    struct pair a = { _mm512_setzero_si512(), _mm512_setzero_si512() }, b = a, c = a, d = a;
    size_t head = copy ? to_alignment(to, sizeof(__m512i)) : 0, at = 0;

    if (head != 0 && head < length) {
        d = some_avx512(to, from, head, d, copy);
        at = head;
    }
    for (; length - at >= 256; at += 256) {
        a = step_avx512(copy ? to + at : NULL, from + at, a, copy);
        b = step_avx512(copy ? to + at + 64 : NULL, from + at + 64, b, copy);
        c = step_avx512(copy ? to + at + 128 : NULL, from + at + 128, c, copy);
        d = step_avx512(copy ? to + at + 192 : NULL, from + at + 192, d, copy);
    }
    for (; length - at >= 64; at += 64)
        b = step_avx512(copy ? to + at : NULL, from + at, b, copy);
    if (length != at)
        c = some_avx512(copy ? to + at : NULL, from + at, length - at, c, copy);
    return total(add_pairs(add_pairs(a, b), add_pairs(c, d)));
}

INLINE(AVX512)
uint64_t sum_avx512(uint8_t *to, const uint8_t *from, size_t length, uint64_t sum, bool copy)
{
    uint64_t part = 0;

    if (length < SHORT)
        return checksum_scalar(to, from, length, sum, copy);
    for (; length > BLOCK; length -= BLOCK, from += BLOCK) {
        part = checksum_carry(part, block_avx512(to, from, BLOCK, copy));
        if (copy)
            to += BLOCK;
    }
    part = checksum_carry(part, block_avx512(to, from, length, copy));
    return sum + checksum_narrow(part);
}

static __attribute__((target(AVX512))) uint64_t add_avx512(const void *data, size_t length,
                                                           uint64_t sum)
{
    return sum_avx512(NULL, data, length, sum, false);
}

static __attribute__((target(AVX512))) uint64_t copy_avx512(void *to, const void *from,
                                                            size_t length, uint64_t sum)
{
    return sum_avx512(to, from, length, sum, true);
}

static const struct checksum checksum_avx512 = { add_avx512, copy_avx512, "avx512" };

/* ------------------------------------------------------------- processor -- */

enum { REGISTERS_YMM = 0x06, REGISTERS_ZMM = 0xe6 };

/* The registers that the operating system saves (XCR0); 0 if it does not say. */
static uint32_t saved_registers(void)
{
    uint32_t a, b, c, d;

    __cpuid(1, a, b, c, d);
    if ((c & bit_OSXSAVE) == 0)
        return 0;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return a;
}

/* A virtual machine may take ten microseconds for each CPUID, so nothing is asked twice. */
unsigned checksum_x86(const struct checksum **usable)
{
    const uint32_t avx512 = bit_AVX512F | bit_AVX512BW;
    uint32_t a, b, c, d, saved;
    unsigned n = 0;

    if (__get_cpuid_max(0, NULL) < 7)
        return 0;
    saved = saved_registers();
    __cpuid_count(7, 0, a, b, c, d);
    if ((saved & REGISTERS_ZMM) == REGISTERS_ZMM && (b & avx512) == avx512 &&
        (c & bit_AVX512VNNI) != 0)
        usable[n++] = &checksum_avx512;
    if ((saved & REGISTERS_YMM) == REGISTERS_YMM && (b & bit_AVX2) != 0)
        usable[n++] = &checksum_avx2;
    return n;
}

#endif

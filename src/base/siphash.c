/* SPDX-License-Identifier: MIT */
/*
 * SipHash: four words of state are mixed by add, rotate and xor, c rounds for each
 * eight bytes and d rounds at the end. The number of rounds is a constant of each
 * caller below, so that the compiler unrolls them.
 */
#include "base/siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits) { return x << bits | x >> (64 - bits); }

static inline void rounds(struct state *s, unsigned n)
{
    while (n-- != 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline uint32_t little32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t little64(const uint8_t *p)
{
    return little32(p) | (uint64_t)little32(p + 4) << 32;
}

static inline void absorb(struct state *s, uint64_t word, unsigned c)
{
    s->v3 ^= word;
    rounds(s, c);
    s->v0 ^= word;
}

static inline struct state begin(const struct siphash_key *key)
{
    return (struct state){
        /* "somepseudorandomlygeneratedbytes" */
        .v0 = key->k0 ^ 0x736f6d6570736575U,
        .v1 = key->k1 ^ 0x646f72616e646f6dU,
        .v2 = key->k0 ^ 0x6c7967656e657261U,
        .v3 = key->k1 ^ 0x7465646279746573U,
    };
}

/* `last`: what is left of the bytes, and their number in the uppermost byte. */
static inline uint64_t end(struct state *s, uint64_t last, unsigned c, unsigned d)
{
    absorb(s, last, c);
    s->v2 ^= 0xff;
    rounds(s, d);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t siphash(const struct siphash_key *key, const uint8_t *p, size_t length,
                               unsigned c, unsigned d)
{
    struct state s = begin(key);
    uint64_t last = (uint64_t)length << 56;
    size_t left = length;

    for (; left >= 8; left -= 8, p += 8)
        absorb(&s, little64(p), c);
    if (left >= 4) {
        last |= little32(p);
        for (size_t i = 4; i < left; i++)
            last |= (uint64_t)p[i] << 8 * i;
    } else {
        for (size_t i = 0; i < left; i++)
            last |= (uint64_t)p[i] << 8 * i;
    }
    return end(&s, last, c, d);
}

static inline uint64_t twelve(const struct siphash_key *key, uint64_t first, uint32_t last,
                              unsigned c, unsigned d)
{
    struct state s = begin(key);

    absorb(&s, first, c);
    return end(&s, last | (uint64_t)12 << 56, c, d);
}

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t length)
{
    return siphash(key, data, length, 1, 3);
}

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t length)
{
    return siphash(key, data, length, 2, 4);
}

uint64_t siphash13_twelve(const struct siphash_key *key, uint64_t first, uint32_t last)
{
    return twelve(key, first, last, 1, 3);
}

uint64_t siphash24_twelve(const struct siphash_key *key, uint64_t first, uint32_t last)
{
    return twelve(key, first, last, 2, 4);
}

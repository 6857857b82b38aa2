/* SPDX-License-Identifier: MIT */
/* SipHash: the keyed hash for tables, sequence numbers and ports (Aumasson, Bernstein 2012). */
#ifndef WAVEHAND_BASE_SIPHASH_H
#define WAVEHAND_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

/* SipHash-1-3, for tables that a peer must not be able to fill unevenly. */
uint64_t siphash13(const struct siphash_key *key, const void *data, size_t length);
/* The same of the 12 bytes that these two are in little-endian order, which need not go through memory. */
uint64_t siphash13_twelve(const struct siphash_key *key, uint64_t first, uint32_t last);
/* SipHash-2-4, for what leaves the host (RFC 6528 wants a cryptographic function). */
uint64_t siphash24(const struct siphash_key *key, const void *data, size_t length);
uint64_t siphash24_twelve(const struct siphash_key *key, uint64_t first, uint32_t last);

#endif

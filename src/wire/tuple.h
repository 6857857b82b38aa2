/* SPDX-License-Identifier: MIT */
/* Keyed hashes of a connection's four names. */
#ifndef WAVEHAND_WIRE_TUPLE_H
#define WAVEHAND_WIRE_TUPLE_H

#include "base/siphash.h"
#include "wire/segment.h"

/* SipHash-1-3, for tables. */
uint64_t tuple_hash13(const struct siphash_key *key, const struct tuple *tuple);
/* SipHash-2-4, for what leaves the host. */
uint64_t tuple_hash24(const struct siphash_key *key, const struct tuple *tuple);

#endif

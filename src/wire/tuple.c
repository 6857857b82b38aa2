/* SPDX-License-Identifier: MIT */
/*
 * Two thirds of a tuple of IPv4 are the prefix that maps its addresses, which says
 * nothing: it is hashed as the 12 bytes that differ, in two words instead of five.
 * They are put together in registers: a tuple has just been written in pieces, and a
 * load across the pieces would wait for the stores. SipHash takes the length in, so
 * that no tuple of IPv6 meets one of IPv4 by its bytes.
 */
#include "wire/tuple.h"

#include "base/bytes.h"

static inline bool is_ipv4(const struct tuple *tuple)
{
    return wh_is_ipv4(&tuple->local) && wh_is_ipv4(&tuple->remote);
}

static inline uint64_t addresses(const struct tuple *tuple)
{
    return (uint64_t)get32(tuple->local.bytes + 12) << 32 | get32(tuple->remote.bytes + 12);
}

static inline uint32_t ports(const struct tuple *tuple)
{
    return (uint32_t)tuple->local_port << 16 | tuple->remote_port;
}

uint64_t tuple_hash13(const struct siphash_key *key, const struct tuple *tuple)
{
    return is_ipv4(tuple) ? siphash13_twelve(key, addresses(tuple), ports(tuple))
                          : siphash13(key, tuple, sizeof *tuple);
}

uint64_t tuple_hash24(const struct siphash_key *key, const struct tuple *tuple)
{
    return is_ipv4(tuple) ? siphash24_twelve(key, addresses(tuple), ports(tuple))
                          : siphash24(key, tuple, sizeof *tuple);
}

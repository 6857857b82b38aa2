/* SPDX-License-Identifier: MIT */
/*
 * Two thirds of a tuple of IPv4 are the prefix that maps its addresses, which says
 * nothing: it is hashed as the 12 bytes that differ, in two words instead of five.
 * SipHash takes the length in, so no tuple of IPv6 meets one of IPv4 by its bytes.
 */
#include "wire/tuple.h"

#include <string.h>

#define SHORT_BYTES 12

/* False, with nothing written, unless both addresses are IPv4's. */
static inline bool shorten(const struct tuple *tuple, uint8_t text[SHORT_BYTES])
{
    if (!wh_is_ipv4(&tuple->local) || !wh_is_ipv4(&tuple->remote)) {
        return false;
    }
    memcpy(text, tuple->local.bytes + 12, 4);
    memcpy(text + 4, tuple->remote.bytes + 12, 4);
    memcpy(text + 8, &tuple->local_port, 2);
    memcpy(text + 10, &tuple->remote_port, 2);
    return true;
}

/* The lengths are constants at each call, so that the compiler unrolls the hash. */

uint64_t tuple_hash13(const struct siphash_key *key, const struct tuple *tuple)
{
    uint8_t text[SHORT_BYTES];
    return shorten(tuple, text) ? siphash13(key, text, sizeof text)
                                : siphash13(key, tuple, sizeof *tuple);
}

uint64_t tuple_hash24(const struct siphash_key *key, const struct tuple *tuple)
{
    uint8_t text[SHORT_BYTES];
    return shorten(tuple, text) ? siphash24(key, text, sizeof text)
                                : siphash24(key, tuple, sizeof *tuple);
}

/* SPDX-License-Identifier: MIT */
/* Which addresses are ours and which to speak from. */
#include "stack/stack.h"

#include <string.h>

static const wh_addr any = { { 0 } };
static const wh_addr any_ipv4 = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0 } };

bool address_is_any(const wh_addr *addr)
{
    return wh_addr_equal(addr, &any) || wh_addr_equal(addr, &any_ipv4);
}

int address_fitness(const wh_addr *bound, const wh_addr *local)
{
    if (wh_addr_equal(bound, local)) {
        return 3;
    }
    if (wh_addr_equal(bound, &any_ipv4)) {
        return wh_is_ipv4(local) ? 2 : 0;
    }
    return wh_addr_equal(bound, &any) ? 1 : 0;
}

static bool in_prefix(const wh_addr *a, const wh_addr *b, unsigned bits)
{
    unsigned bytes = bits / 8;
    unsigned rest = bits % 8;
    if (memcmp(a->bytes, b->bytes, bytes) != 0) {
        return false;
    }
    return rest == 0 || ((a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - rest)) == 0;
}

/* All ones behind the prefix, where a network has more addresses than two (RFC 3021 2.2). */
static wh_addr broadcast_of(const wh_addr *addr, unsigned prefix)
{
    wh_addr broadcast = *addr;
    if (!wh_is_ipv4(addr) || prefix < 97 || prefix > 126) {
        return any;
    }
    for (unsigned bit = prefix; bit < 128; bit++) {
        broadcast.bytes[bit / 8] |= (uint8_t)(0x80U >> (bit % 8));
    }
    return broadcast;
}

int wh_address_add(wh_stack *host, const wh_addr *addr, unsigned prefix_length)
{
    bool ipv4 = wh_is_ipv4(addr);
    if (prefix_length > (ipv4 ? 32U : 128U) || ip_source_invalid(addr)) {
        return WH_E_INVAL;
    }
    if (address_is_ours(host, addr)) {
        return WH_E_ADDRINUSE;
    }
    if (host->addresses == MAX_ADDRESSES) {
        return WH_E_NOMEM;
    }
    uint8_t prefix = (uint8_t)(ipv4 ? 96 + prefix_length : prefix_length);
    host->address[host->addresses++] =
        (struct address){ *addr, broadcast_of(addr, prefix), prefix };
    host->recent.known = false; /* its network's broadcast address is one from now on */
    return WH_OK;
}

bool address_is_ours(const struct wh_stack *host, const wh_addr *addr)
{
    for (unsigned i = 0; i < host->addresses; i++) {
        if (wh_addr_equal(&host->address[i].addr, addr)) {
            return true;
        }
    }
    return false;
}

/* RFC 4291 2.5.6. */
static bool is_link_local(const wh_addr *addr)
{
    return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

bool address_on_link(const struct wh_stack *host, const wh_addr *addr)
{
    bool ipv4 = wh_is_ipv4(addr);
    for (unsigned i = 0; i < host->addresses; i++) {
        if (wh_is_ipv4(&host->address[i].addr) == ipv4 &&
            in_prefix(&host->address[i].addr, addr, host->address[i].prefix)) {
            return true;
        }
    }
    return is_link_local(addr); /* always on the link */
}

bool address_is_network_broadcast(const struct wh_stack *host, const wh_addr *addr)
{
    for (unsigned i = 0; i < host->addresses; i++) {
        if (wh_addr_equal(&host->address[i].broadcast, addr)) {
            return !address_is_any(addr);
        }
    }
    return false;
}

/* How well an address of ours suits a destination of its family: rules 2 and 8 of RFC 6724 5. */
static unsigned suitability(const struct address *own, const wh_addr *destination)
{
    bool same_scope = is_link_local(&own->addr) == is_link_local(destination);
    bool near = in_prefix(&own->addr, destination, own->prefix);
    return (same_scope ? 256U : 0) + (near ? own->prefix : 0);
}

bool address_choose(const struct wh_stack *host, const wh_addr *destination, wh_addr *source)
{
    const struct address *best = NULL;
    bool ipv4 = wh_is_ipv4(destination);
    for (unsigned i = 0; i < host->addresses; i++) {
        const struct address *own = &host->address[i];
        if (wh_is_ipv4(&own->addr) == ipv4 &&
            (best == NULL || suitability(own, destination) > suitability(best, destination))) {
            best = own;
        }
    }
    if (best != NULL) {
        *source = best->addr;
    }
    return best != NULL;
}

int wh_gateway_set(wh_stack *host, const wh_addr *router)
{
    if (ip_source_invalid(router)) {
        return WH_E_INVAL;
    }
    host->gateway[wh_is_ipv4(router) ? 0 : 1] = *router;
    return WH_OK;
}

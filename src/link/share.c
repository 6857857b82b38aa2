/* SPDX-License-Identifier: MIT */
#include "link/share.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "wire/icmp.h"

/* Spreads every bit of x over all others. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0x9e3779b97f4a7c15); /* 2^64 divided by the golden ratio */
    x ^= x >> 29;
    x *= UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 32;
}

static uint64_t mix_end(const wh_endpoint *end)
{
    uint64_t high, low;
    memcpy(&high, end->addr.bytes, sizeof high);
    memcpy(&low, end->addr.bytes + sizeof high, sizeof low);
    return mix(mix(high + end->port) ^ low);
}

uint32_t share_of_ends(const wh_endpoint *one, const wh_endpoint *other, uint32_t shares)
{
    /* A sum is the same in either order; mixed once more, its high half is as good as any. */
    uint64_t number = mix(mix_end(one) + mix_end(other)) >> 32;
    return (uint32_t)(number * shares >> 32);
}

/* The ends of the packet that an ICMP message quotes; false if it quotes none. */
static bool quoted_ends(const struct packet *packet, wh_endpoint *source, wh_endpoint *destination)
{
    struct icmp icmp;
    if (icmp_parse(&icmp, packet, checksum_best(), true) != WH_WHY_NONE || !icmp.quoted)
        return false;
    *source = (wh_endpoint){ .addr = icmp.packet.source, .port = icmp.source_port };
    *destination = (wh_endpoint){ .addr = icmp.packet.destination, .port = icmp.destination_port };
    return true;
}

uint32_t share_of_packet(const uint8_t *bytes, size_t length, uint32_t shares)
{
    struct packet packet;
    if (ip_parse(&packet, bytes, length) != WH_WHY_NONE)
        return SHARE_ANY;
    wh_endpoint source = { .addr = packet.source }, destination = { .addr = packet.destination };
    bool ports = packet.protocol == IP_TCP || packet.protocol == IP_UDP;
    if (ports && packet.length >= 4) {
        source.port = get16(packet.payload);
        destination.port = get16(packet.payload + 2);
    } else if (packet.protocol == (packet.version == 4 ? IP_ICMP : IP_ICMPV6)) {
        quoted_ends(&packet, &source, &destination);
    }
    return share_of_ends(&source, &destination, shares);
}

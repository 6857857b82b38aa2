/* SPDX-License-Identifier: MIT */
/*
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers.
 *
 * Both versions become one struct packet. An IPv4 address stands there as
 * ::ffff:a.b.c.d, so such an address must never come in by IPv6: a packet that
 * bears one is refused here, at the door, and no later file can take a mapped
 * address for anything but IPv4 (RFC 4942 2.2 gives the attacks).
 *
 * Extension headers are walked in the order in which they stand, at most
 * EXTENSIONS_MAX of them (RFC 8504 5.3 allows a limit). Next header values that
 * are no extension end the walk and are the packet's protocol, known to us or not.
 */
#include "wire/ip.h"

#include "base/bytes.h"

enum {
    HEADER_V4 = 20,
    HEADER_V6 = 40,
    EXTENSIONS_MAX = 8,
};

enum {
    V4_DONT_FRAGMENT = 0x4000,
    V4_MORE_FRAGMENTS = 0x2000,
    V4_OFFSET = 0x1fff,
    V6_MORE_FRAGMENTS = 0x0001,
    V6_OFFSET = 0xfff8,
};

/* Extension headers: RFC 8200 4.1. */
enum {
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_DESTINATION_OPTIONS = 60,
};

/* Whether a packet is judged as one that arrived, or read as what an ICMP error quotes. */
enum strictness { ARRIVED, QUOTED };

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_mapped(const uint8_t *bytes)
{
    return memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static void read_mapped(wh_addr *addr, const uint8_t *bytes)
{
    memcpy(addr->bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(addr->bytes + sizeof(mapped_prefix), bytes, 4);
}

/* The sum of length bytes, a multiple of 4: for headers, too short for a call to be worth it. */
static uint64_t sum_words(const uint8_t *bytes, size_t length, uint64_t sum)
{
    for (size_t at = 0; at < length; at += 4) {
        uint32_t word;
        memcpy(&word, bytes + at, sizeof(word));
        sum += word;
    }
    return sum;
}

bool ip_header_sound(const uint8_t *header)
{
    return checksum_fold(sum_words(header, HEADER_V4, 0)) == 0xffff;
}

static wh_reason parse_v4(struct packet *packet, const uint8_t *bytes, size_t length,
                          enum strictness how)
{
    if (length < HEADER_V4)
        return WH_WHY_FRAME_TRUNCATED;
    uint32_t header = (bytes[0] & 0xfU) * 4;
    uint32_t total = get16(bytes + 2);
    uint16_t fragment = get16(bytes + 6);
    if (header < HEADER_V4)
        return WH_WHY_IP_HEADER_LENGTH;
    if (header > length)
        return WH_WHY_FRAME_TRUNCATED;
    if (how == ARRIVED) {
        if (total < header)
            return WH_WHY_IP_HEADER_LENGTH;
        if (total > length)
            return WH_WHY_FRAME_TRUNCATED;
        if (checksum_fold(sum_words(bytes, header, 0)) != 0xffff)
            return WH_WHY_IP_CHECKSUM;
        if (fragment & (V4_MORE_FRAGMENTS | V4_OFFSET))
            return WH_WHY_IP_FRAGMENT;
    } else {
        total = (uint32_t)MIN(length, (size_t)UINT16_MAX);
        if (fragment & V4_OFFSET) /* only the first fragment begins with a transport header */
            return WH_WHY_IP_FRAGMENT;
    }
    read_mapped(&packet->source, bytes + 12);
    read_mapped(&packet->destination, bytes + 16);
    packet->version = 4;
    packet->protocol = bytes[9];
    packet->protocol_at = 9;
    packet->hops = bytes[8];
    packet->traffic_class = bytes[1];
    packet->dont_fragment = (fragment & V4_DONT_FRAGMENT) != 0;
    packet->payload = bytes + header;
    packet->length = total - header;
    packet->header = header;
    return WH_WHY_NONE;
}

/*
 * True if every option in a hop-by-hop or destination options header has a
 * possible length and, being unknown to us as all but padding are, allows to be
 * skipped: its two highest bits are zero (RFC 8200 4.2).
 */
static bool options_may_be_skipped(const uint8_t *options, size_t length)
{
    size_t at = 0;
    while (at < length) {
        if (options[at] == 0) { /* Pad1 alone has no length */
            at++;
            continue;
        }
        if (options[at] & 0xc0)
            return false;
        if (length - at < 2 || options[at + 1] > length - at - 2)
            return false;
        at += 2U + options[at + 1];
    }
    return true;
}

/*
 * Skips one extension header of kind `next` at bytes[room]. *skip gets its
 * length. The order is free but for hop-by-hop options, which only the first
 * header may be (RFC 8200 4.1).
 */
static wh_reason skip_extension(uint8_t next, const uint8_t *bytes, size_t room, bool first,
                                enum strictness how, size_t *skip)
{
    if (room < 8)
        return WH_WHY_IP_EXTENSION;
    *skip = next == NEXT_FRAGMENT ? 8 : 8U + 8U * bytes[1];
    if (*skip > room)
        return WH_WHY_IP_EXTENSION;
    if (next == NEXT_FRAGMENT) {
        /* An atomic fragment is a whole packet (RFC 6946). */
        uint16_t field = get16(bytes + 2);
        uint16_t mask = how == ARRIVED ? V6_OFFSET | V6_MORE_FRAGMENTS : V6_OFFSET;
        return field & mask ? WH_WHY_IP_FRAGMENT : WH_WHY_NONE;
    }
    if (next == NEXT_HOP_BY_HOP && !first)
        return WH_WHY_IP_EXTENSION;
    if (how == QUOTED)
        return WH_WHY_NONE;
    if (next == NEXT_ROUTING) /* segments left: we are no router (RFC 8200 4.4) */
        return bytes[3] == 0 ? WH_WHY_NONE : WH_WHY_IP_EXTENSION;
    return options_may_be_skipped(bytes + 2, *skip - 2) ? WH_WHY_NONE : WH_WHY_IP_EXTENSION;
}

/* Walks the extension headers of bytes[end]; sets protocol and header. */
static wh_reason walk_extensions(struct packet *packet, const uint8_t *bytes, size_t end,
                                 enum strictness how)
{
    uint8_t next = bytes[6];
    size_t at = HEADER_V6;
    packet->protocol_at = 6;
    for (int i = 0; i <= EXTENSIONS_MAX; i++) {
        if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_FRAGMENT &&
            next != NEXT_DESTINATION_OPTIONS) {
            packet->protocol = next;
            packet->header = (uint32_t)at;
            return WH_WHY_NONE;
        }
        if (i == EXTENSIONS_MAX)
            break;
        size_t skip;
        wh_reason reason = skip_extension(next, bytes + at, end - at, i == 0, how, &skip);
        if (reason != WH_WHY_NONE)
            return reason;
        next = bytes[at];
        packet->protocol_at = (uint32_t)at;
        at += skip;
    }
    return WH_WHY_IP_EXTENSION;
}

static wh_reason parse_v6(struct packet *packet, const uint8_t *bytes, size_t length,
                          enum strictness how)
{
    if (length < HEADER_V6)
        return WH_WHY_FRAME_TRUNCATED;
    size_t end = how == ARRIVED ? HEADER_V6 + (size_t)get16(bytes + 4)
                                : MIN(length, (size_t)HEADER_V6 + UINT16_MAX);
    if (end > length)
        return WH_WHY_FRAME_TRUNCATED;
    if (is_mapped(bytes + 8))
        return WH_WHY_IP_SOURCE_INVALID;
    if (is_mapped(bytes + 24))
        return WH_WHY_IP_NOT_FOR_US;
    wh_reason reason = walk_extensions(packet, bytes, end, how);
    if (reason != WH_WHY_NONE)
        return reason;
    memcpy(packet->source.bytes, bytes + 8, 16);
    memcpy(packet->destination.bytes, bytes + 24, 16);
    packet->version = 6;
    packet->hops = bytes[7];
    packet->traffic_class = (uint8_t)(get16(bytes) >> 4);
    packet->dont_fragment = true;
    packet->payload = bytes + packet->header;
    packet->length = (uint32_t)end - packet->header;
    return WH_WHY_NONE;
}

static wh_reason parse(struct packet *packet, const uint8_t *bytes, size_t length,
                       enum strictness how)
{
    if (length == 0)
        return WH_WHY_FRAME_TRUNCATED;
    switch (bytes[0] >> 4) {
    case 4: return parse_v4(packet, bytes, length, how);
    case 6: return parse_v6(packet, bytes, length, how);
    default: return WH_WHY_IP_VERSION;
    }
}

wh_reason ip_parse(struct packet *packet, const uint8_t *bytes, size_t length)
{
    return parse(packet, bytes, length, ARRIVED);
}

wh_reason ip_parse_quoted(struct packet *packet, const uint8_t *bytes, size_t length)
{
    return parse(packet, bytes, length, QUOTED);
}

static size_t build_v4(uint8_t *at, const struct packet *packet, uint16_t id)
{
    at[0] = 4 << 4 | HEADER_V4 / 4;
    at[1] = packet->traffic_class;
    put16(at + 2, HEADER_V4 + packet->length);
    put16(at + 4, id);
    put16(at + 6, V4_DONT_FRAGMENT);
    at[8] = packet->hops;
    at[9] = packet->protocol;
    put16(at + 10, 0);
    memcpy(at + 12, packet->source.bytes + 12, 4);
    memcpy(at + 16, packet->destination.bytes + 12, 4);
    uint16_t sum = (uint16_t)~checksum_fold(sum_words(at, HEADER_V4, 0));
    memcpy(at + 10, &sum, sizeof(sum));
    return HEADER_V4;
}

static size_t build_v6(uint8_t *at, const struct packet *packet)
{
    put32(at, 6U << 28 | (uint32_t)packet->traffic_class << 20);
    put16(at + 4, packet->length);
    at[6] = packet->protocol;
    at[7] = packet->hops;
    memcpy(at + 8, packet->source.bytes, 16);
    memcpy(at + 24, packet->destination.bytes, 16);
    return HEADER_V6;
}

size_t ip_build(uint8_t *at, const struct packet *packet, uint16_t id)
{
    return is_mapped(packet->source.bytes) ? build_v4(at, packet, id) : build_v6(at, packet);
}

uint64_t ip_pseudo_sum(const wh_addr *source, const wh_addr *destination, uint8_t protocol,
                       uint32_t length)
{
    uint64_t sum = checksum_word16(protocol) + checksum_word32(length);
    if (is_mapped(source->bytes)) {
        sum = sum_words(source->bytes + 12, 4, sum);
        return sum_words(destination->bytes + 12, 4, sum);
    }
    sum = sum_words(source->bytes, 16, sum);
    return sum_words(destination->bytes, 16, sum);
}

bool ip_is_group(const wh_addr *addr)
{
    if (!is_mapped(addr->bytes))
        return addr->bytes[0] == 0xff; /* RFC 4291 2.7 */
    return (addr->bytes[12] & 0xf0) == 0xe0 || get32(addr->bytes + 12) == UINT32_MAX;
}

bool ip_is_loopback(const wh_addr *addr)
{
    static const wh_addr loopback = { .bytes = { [15] = 1 } };
    if (!is_mapped(addr->bytes))
        return memcmp(addr, &loopback, sizeof(loopback)) == 0;
    return addr->bytes[12] == 127;
}

bool ip_source_invalid(const wh_addr *addr)
{
    static const wh_addr unspecified;
    if (!is_mapped(addr->bytes))
        return addr->bytes[0] == 0xff || memcmp(addr, &unspecified, sizeof(unspecified)) == 0;
    /* "This network" is no destination (RFC 6890 2.2.2); multicast, class E and broadcast. */
    return addr->bytes[12] == 0 || addr->bytes[12] >= 0xe0;
}

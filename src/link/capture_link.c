/* SPDX-License-Identifier: MIT */
/*
 * What stands in front of the IP packet, for the kinds of link that captures of TCP
 * come from, by their numbers in files (https://www.tcpdump.org/linktypes.html).
 */
#include "base/bytes.h"
#include "link/capture_parts.h"

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_RAW_OLD = 12, /* what some systems write for 101 */
    LINK_RAW_BSD = 14,
    LINK_RAW = 101,
    LINK_LOOP = 108,
    LINK_SLL = 113,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_SLL2 = 276,
};

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    TYPE_VLAN = 0x8100,       /* IEEE 802.1Q */
    TYPE_VLAN_OUTER = 0x88a8, /* IEEE 802.1ad */
    TYPE_VLAN_OLD = 0x9100,
    TYPE_PPPOE = 0x8864, /* RFC 2516 */
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
    COOKED_OUTGOING = 4, /* packet types of Linux cooked captures */
    COOKED_TO_US = 0,
    TAGS = 2,
};

bool capture_link_known(uint32_t link)
{
    switch (link) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_RAW_OLD:
    case LINK_RAW_BSD:
    case LINK_RAW:
    case LINK_LOOP:
    case LINK_SLL:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_SLL2: return true;
    default: return false;
    }
}

/* Steps over VLAN tags and PPPoE behind an EtherType at `at`; the IP packet's offset, or 0. */
static uint32_t after_ethertype(const struct captured *captured, uint32_t at)
{
    for (unsigned tags = 0; tags <= TAGS && captured->length >= at + 2; tags++) {
        switch (get16(captured->frame + at)) {
        case TYPE_IPV4:
        case TYPE_IPV6: return at + 2;
        case TYPE_VLAN:
        case TYPE_VLAN_OUTER:
        case TYPE_VLAN_OLD: at += 4; break;
        case TYPE_PPPOE: {
            uint16_t protocol = captured->length >= at + 10 ? get16(captured->frame + at + 8) : 0;
            return protocol == PPP_IPV4 || protocol == PPP_IPV6 ? at + 10 : 0;
        }
        default: return 0;
        }
    }
    return 0;
}

static void cooked_direction(struct captured *captured, unsigned type)
{
    captured->outgoing = type == COOKED_OUTGOING;
    captured->incoming = type == COOKED_TO_US;
}

/* Where the IP packet ought to begin. False if there is none. */
static bool find_ip(uint32_t link, struct captured *captured, uint32_t *at)
{
    switch (link) {
    case LINK_ETHERNET: *at = after_ethertype(captured, 12); return *at > 0;
    case LINK_SLL:
        if (captured->length >= 16) {
            cooked_direction(captured, get16(captured->frame));
        }
        *at = after_ethertype(captured, 14);
        return *at > 0;
    case LINK_SLL2: {
        /* The protocol stands in front here; a tag is in the way only if the kernel left it in. */
        if (captured->length < 20) {
            return false;
        }
        cooked_direction(captured, captured->frame[10]);
        uint16_t type = get16(captured->frame);
        *at = 20;
        if (type == TYPE_VLAN || type == TYPE_VLAN_OUTER) {
            *at = after_ethertype(captured, 22);
            return *at > 0;
        }
        return type == TYPE_IPV4 || type == TYPE_IPV6;
    }
    case LINK_NULL:
    case LINK_LOOP:
        *at = 4; /* the address family before it differs between systems; the version will tell */
        return true;
    default: *at = 0; return true;
    }
}

void capture_link_look(uint32_t link, struct captured *captured)
{
    uint32_t at;
    if (!find_ip(link, captured, &at) || at >= captured->length) {
        return;
    }
    uint8_t version = captured->frame[at] >> 4;
    if (version == 4 || version == 6) {
        captured->ip = captured->frame + at;
        captured->ip_length = captured->length - at;
    }
}

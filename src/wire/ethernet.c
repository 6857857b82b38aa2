/* SPDX-License-Identifier: MIT */
/*
 * Ethernet II (RFC 894, RFC 2464) and ARP for IPv4 over Ethernet (RFC 826).
 * Frames with an 802.3 length or a VLAN tag have a type that the caller does not
 * know, and end there.
 */
#include "wire/ethernet.h"

#include "base/bytes.h"

enum {
    ARP_HARDWARE_ETHERNET = 1,
};

wh_reason ethernet_parse(struct ethernet *ethernet, const uint8_t *bytes, size_t length)
{
    if (length < ETHERNET_HEADER)
        return WH_WHY_FRAME_TRUNCATED;
    memcpy(ethernet->destination.bytes, bytes, 6);
    memcpy(ethernet->source.bytes, bytes + 6, 6);
    ethernet->type = get16(bytes + 12);
    return WH_WHY_NONE;
}

void ethernet_build(uint8_t *at, const struct ethernet *ethernet)
{
    memcpy(at, ethernet->destination.bytes, 6);
    memcpy(at + 6, ethernet->source.bytes, 6);
    put16(at + 12, ethernet->type);
}

wh_reason arp_parse(struct arp *arp, const uint8_t *bytes, size_t length)
{
    if (length < ARP_LENGTH || get16(bytes) != ARP_HARDWARE_ETHERNET ||
        get16(bytes + 2) != ETHERTYPE_IPV4 || bytes[4] != 6 || bytes[5] != 4)
        return WH_WHY_ARP_MALFORMED;
    arp->operation = get16(bytes + 6);
    memcpy(arp->sender_station.bytes, bytes + 8, 6);
    arp->sender = wh_ipv4(bytes[14], bytes[15], bytes[16], bytes[17]);
    memcpy(arp->target_station.bytes, bytes + 18, 6);
    arp->target = wh_ipv4(bytes[24], bytes[25], bytes[26], bytes[27]);
    return WH_WHY_NONE;
}

void arp_build(uint8_t *at, const struct arp *arp)
{
    put16(at, ARP_HARDWARE_ETHERNET);
    put16(at + 2, ETHERTYPE_IPV4);
    at[4] = 6;
    at[5] = 4;
    put16(at + 6, arp->operation);
    memcpy(at + 8, arp->sender_station.bytes, 6);
    memcpy(at + 14, arp->sender.bytes + 12, 4);
    memcpy(at + 18, arp->target_station.bytes, 6);
    memcpy(at + 24, arp->target.bytes + 12, 4);
}

struct station ethernet_group(const wh_addr *addr)
{
    const uint8_t *b = addr->bytes;
    if (!wh_is_ipv4(addr))
        return (struct station){ { 0x33, 0x33, b[12], b[13], b[14], b[15] } };
    if ((b[12] & 0xf0) == 0xe0) /* 28 bits of group go into 23 (RFC 1112 6.4) */
        return (struct station){ { 0x01, 0x00, 0x5e, b[13] & 0x7f, b[14], b[15] } };
    return (struct station){ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
}

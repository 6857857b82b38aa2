/* SPDX-License-Identifier: MIT */
/* Ethernet II (RFC 894, RFC 2464) and ARP (RFC 826): parse and build. No state. */
#ifndef WAVEHAND_WIRE_ETHERNET_H
#define WAVEHAND_WIRE_ETHERNET_H

#include <wavehand/wavehand.h>

#define ETHERNET_HEADER 14
#define ARP_LENGTH 28

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_IPV6 = 0x86dd,
};

struct station {
    uint8_t bytes[6];
};

struct ethernet {
    struct station destination, source;
    uint16_t type;
};

/* WH_WHY_FRAME_TRUNCATED if there are fewer than 14 bytes. */
wh_reason ethernet_parse(struct ethernet *ethernet, const uint8_t *bytes, size_t length);
/* Writes 14 bytes. */
void ethernet_build(uint8_t *at, const struct ethernet *ethernet);

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp {
    uint16_t operation;
    struct station sender_station, target_station;
    wh_addr sender, target; /* IPv4 */
};

/* Parses what follows the Ethernet header; WH_WHY_ARP_MALFORMED unless Ethernet/IPv4 ARP. */
wh_reason arp_parse(struct arp *arp, const uint8_t *bytes, size_t length);
/* Writes ARP_LENGTH bytes. */
void arp_build(uint8_t *at, const struct arp *arp);

/* The station of a multicast or broadcast address (RFC 1112 6.4, RFC 2464 7). */
struct station ethernet_group(const wh_addr *addr);

#endif

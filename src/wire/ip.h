/* SPDX-License-Identifier: MIT */
/* IPv4 (RFC 791) and IPv6 (RFC 8200): parse and build. No state. */
#ifndef WAVEHAND_WIRE_IP_H
#define WAVEHAND_WIRE_IP_H

#include <wavehand/wavehand.h>

#include "base/checksum.h"

enum {
    IP_ICMP = 1,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_ICMPV6 = 58,
};

#define IP_HEADER_MAX 40

struct packet {
    wh_addr source, destination;
    uint8_t version;  /* 4 or 6 */
    uint8_t protocol; /* of the payload, past IPv6 extension headers */
    uint8_t hops;
    uint8_t traffic_class; /* DSCP and ECN */
    bool dont_fragment;    /* IPv4; true for IPv6 */
    const uint8_t *payload;
    uint32_t length;      /* bytes of payload, as the header says */
    uint32_t header;      /* bytes before the payload */
    uint32_t protocol_at; /* offset of the byte that named the protocol, for ICMP's pointer */
};

/*
 * Parses an IP packet. Trailing bytes past the packet's own length are ignored
 * (RFC 894 padding). Verifies the IPv4 header checksum; IPv4 options and known
 * IPv6 extension headers are skipped. Answers WH_WHY_NONE or why to drop it:
 * WH_WHY_FRAME_TRUNCATED, _IP_VERSION, _IP_HEADER_LENGTH, _IP_CHECKSUM,
 * _IP_FRAGMENT, _IP_EXTENSION, and for IPv6 packets with an IPv4-mapped address
 * _IP_SOURCE_INVALID or _IP_NOT_FOR_US. Whether the addresses make sense
 * otherwise is the caller's question: ip_source_invalid, ip_is_group.
 */
wh_reason ip_parse(struct packet *packet, const uint8_t *bytes, size_t length);

/* True if the checksum of an IPv4 header of 20 bytes is right. */
bool ip_header_sound(const uint8_t *header);

/*
 * The same for the start of a packet quoted in an ICMP error, which may be cut
 * off: no checksum or length is checked, length is what is there.
 */
wh_reason ip_parse_quoted(struct packet *packet, const uint8_t *bytes, size_t length);

/*
 * Writes a header for a payload of packet->length bytes with packet's addresses
 * (both of one family), protocol, hops and traffic_class to at[IP_HEADER_MAX].
 * IPv4: DF set, identification `id`, checksum computed. Returns 20 or 40. The
 * payload is at most 65515 bytes for IPv4, 65535 for IPv6.
 */
size_t ip_build(uint8_t *at, const struct packet *packet, uint16_t id);

/* 20 or 40, by the family of the address. */
static inline uint32_t ip_header_length(const wh_addr *addr) { return wh_is_ipv4(addr) ? 20 : 40; }

/* The pseudo-header's part of a transport checksum (RFC 9293 3.1, RFC 8200 8.1). */
uint64_t ip_pseudo_sum(const wh_addr *source, const wh_addr *destination, uint8_t protocol,
                       uint32_t length);

/*
 * True for addresses that no answer can be sent to: 0.0.0.0/8, multicast, class E
 * and broadcast; :: and IPv6 multicast. Loopback is allowed.
 */
bool ip_source_invalid(const wh_addr *addr);
/* Multicast or limited broadcast. */
bool ip_is_group(const wh_addr *addr);
/* 127.0.0.0/8 and ::1, which never leave a host (RFC 1122 3.2.1.3, RFC 4291 2.5.3). */
bool ip_is_loopback(const wh_addr *addr);

#endif

/* SPDX-License-Identifier: MIT */
/* ICMP (RFC 792, RFC 1191), ICMPv6 (RFC 4443), neighbour discovery (RFC 4861): parse and build. */
#ifndef WAVEHAND_WIRE_ICMP_H
#define WAVEHAND_WIRE_ICMP_H

#include <wavehand/wavehand.h>

#include "wire/ethernet.h"
#include "wire/ip.h"

/* What a message means, the same for both versions. */
enum icmp_kind {
    ICMP_OTHER,
    ICMP_ECHO_REQUEST,
    ICMP_ECHO_REPLY,
    ICMP_NET_UNREACHABLE,         /* v4 3/0, v6 1/0 */
    ICMP_HOST_UNREACHABLE,        /* v4 3/1, v6 1/3 */
    ICMP_PROTOCOL_UNREACHABLE,    /* v4 3/2, v6 4/1 (unrecognized next header) */
    ICMP_PORT_UNREACHABLE,        /* v4 3/3, v6 1/4 */
    ICMP_TOO_BIG,                 /* v4 3/4, v6 2/0 */
    ICMP_PROHIBITED,              /* v4 3/9, 3/10, 3/13, v6 1/1 */
    ICMP_SOURCE_ROUTE_FAILED,     /* v4 3/5 */
    ICMP_UNREACHABLE_OTHER,       /* any other code of unreachable */
    ICMP_SOURCE_QUENCH,           /* v4 4 */
    ICMP_TIME_EXCEEDED,           /* v4 11, v6 3 */
    ICMP_PARAMETER_PROBLEM,       /* v4 12, v6 4/0, 4/2 */
    ICMP_NEIGHBOUR_SOLICITATION,  /* v6 135 */
    ICMP_NEIGHBOUR_ADVERTISEMENT, /* v6 136 */
};

struct icmp {
    enum icmp_kind kind;
    uint8_t type, code;
    uint16_t id, sequence; /* echo */
    uint32_t mtu;          /* too big: the next hop's, 0 if it did not say */
    const uint8_t *body;   /* echo: data; errors: the quoted packet */
    uint32_t length;       /* of body */
    /* errors: what is quoted, if `quoted` */
    bool quoted;
    struct packet packet; /* source is ours */
    uint16_t source_port, destination_port;
    uint32_t seq; /* TCP */
    bool has_seq;
    /* neighbour discovery */
    wh_addr target;
    bool has_station, override, solicited;
    struct station station;
};

/*
 * Parses the payload of an ICMP or ICMPv6 packet and verifies its checksum
 * (unless checksum_known). Answers WH_WHY_NONE, _ICMP_MALFORMED, _ICMP_CHECKSUM, or
 * _ND_MALFORMED (RFC 4861 7.1: hop limit 255, code 0, option lengths).
 */
wh_reason icmp_parse(struct icmp *icmp, const struct packet *packet, const struct checksum *sum,
                     bool checksum_known);

/*
 * True if an ICMP error may be sent about this packet (RFC 1122 3.2.2, RFC 4443
 * 2.4 (e)): not about an ICMP error, nor to a group, nor to who cannot be answered.
 */
bool icmp_error_allowed(const struct packet *about);

/* Room that icmp_build_* may need before a body. */
#define ICMP_HEADER 8

/*
 * Builds whole IP packets into at[room]; return their length, or 0 if room is
 * too small. Echo replies copy id, sequence and body.
 */
size_t icmp_build_echo_reply(uint8_t *at, size_t room, const struct packet *request,
                             const struct icmp *icmp, const struct checksum *sum);

/* An error to be built. */
struct icmp_error {
    const wh_addr *source, *destination;
    enum icmp_kind kind;
    uint32_t mtu;          /* too big: the next hop's */
    const uint8_t *quoted; /* the packet that it is about, from its IP header on */
    size_t quoted_length;
};

/*
 * Kinds that are built: the unreachable ones that have a name, TOO_BIG,
 * PROHIBITED, TIME_EXCEEDED; 0 for any other. Quotes the first bytes of the
 * packet, as much as RFC 1812 4.3.2.3 / RFC 4443 2.4 allow.
 */
size_t icmp_build_error(uint8_t *at, size_t room, const struct icmp_error *error,
                        const struct checksum *sum);

/* The group that an IPv6 address's owner listens to for solicitations (RFC 4291 2.7.1). */
wh_addr nd_solicited_node_group(const wh_addr *addr);
/*
 * Solicitation (to the solicited-node group) and advertisement (override set), hop
 * limit 255. A solicitation from :: must have no station (NULL).
 */
size_t nd_build_solicitation(uint8_t *at, size_t room, const wh_addr *source, const wh_addr *target,
                             const struct station *station, const struct checksum *sum);
/* The same to the target alone: is it still there? (RFC 4861 7.3.3) */
size_t nd_build_probe(uint8_t *at, size_t room, const wh_addr *source, const wh_addr *target,
                      const struct station *station, const struct checksum *sum);
size_t nd_build_advertisement(uint8_t *at, size_t room, const wh_addr *source,
                              const wh_addr *destination, const wh_addr *target,
                              const struct station *station, bool solicited,
                              const struct checksum *sum);

#endif

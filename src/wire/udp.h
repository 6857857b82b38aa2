/* SPDX-License-Identifier: MIT */
/* UDP (RFC 768): parse and build. No state. */
#ifndef WAVEHAND_WIRE_UDP_H
#define WAVEHAND_WIRE_UDP_H

#include "wire/ip.h"

#define UDP_HEADER 8

struct datagram {
    uint16_t source_port, destination_port;
    const uint8_t *data;
    uint32_t length;
};

/* Verifies length and, unless checksum_known, checksum (zero: over IPv4 only, RFC 8200 8.1). */
wh_reason udp_parse(struct datagram *datagram, const struct packet *packet,
                    const struct checksum *sum, bool checksum_known);

/*
 * Builds a whole IP packet that carries the datagram; returns its length, 0 if
 * room is too small. Of `packet` only addresses, hops and traffic_class are read;
 * `id` is IPv4's identification.
 */
size_t udp_build(uint8_t *at, size_t room, const struct packet *packet,
                 const struct datagram *datagram, uint16_t id, const struct checksum *sum);

#endif

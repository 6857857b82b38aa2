/* SPDX-License-Identifier: MIT */
/* One datagram flow, as UDP and ICMP echo share it; see datagrams.h. */
#ifndef WAVEHAND_RELAY_DATAGRAM_FLOW_H
#define WAVEHAND_RELAY_DATAGRAM_FLOW_H

#include "relay/datagrams.h"
#include "relay/loop.h"
#include "relay/upstream.h"

struct datagram_flow {
    struct source source;
    int fd;        /* connected to the far end; -1: none */
    uint8_t class; /* enum datagram_class */
    wh_time deadline;
    struct datagram_key key;
    struct datagram_flow *chain; /* next in the bucket, or among the dead */
    struct link silence;         /* in the list of its class */
};

/*
 * Connects fd to the far end, and enters and watches the flow. NULL: fd is closed, and
 * the datagram's sender has been told if there is no way there.
 */
struct datagram_flow *datagram_flow_open(struct relay *relay, int fd,
                                         const struct upstream *upstream,
                                         const struct datagram_key *key, enum datagram_class class,
                                         const wh_datagram *datagram);
/* Hands on what the program has sent, `most` datagrams a turn. */
void datagram_flow_receive(struct relay *relay, wh_dgram *socket, int most,
                           void (*forward)(struct relay *relay, const wh_datagram *datagram));

#endif

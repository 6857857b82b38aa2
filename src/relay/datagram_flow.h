/* SPDX-License-Identifier: MIT */
/* One datagram flow; see datagrams.h. */
#ifndef WAVEHAND_RELAY_DATAGRAM_FLOW_H
#define WAVEHAND_RELAY_DATAGRAM_FLOW_H

#include "relay/datagrams.h"
#include "relay/loop.h"

struct datagram_flow {
    struct source source;
    int fd;        /* connected to the far end; -1: none */
    uint8_t class; /* enum datagram_class */
    wh_time deadline;
    struct datagram_key key;
    struct datagram_flow *chain; /* next in the bucket, or among the dead */
    struct link silence;         /* in the list of its class */
};

#endif

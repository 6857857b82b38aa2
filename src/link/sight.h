/* SPDX-License-Identifier: MIT */
/* What the path, and whoever follows frames, sees in one contiguous frame. */
#ifndef WAVEHAND_LINK_SIGHT_H
#define WAVEHAND_LINK_SIGHT_H

#include <wavehand/wavehand.h>

#include "wire/ip.h"

struct sight {
    uint8_t *frame;
    size_t length;
    size_t link_header; /* bytes before the IP packet: 0, or 14 on Ethernet */
    bool ip;            /* a whole, unfragmented IP packet; else nothing below counts */
    struct packet packet;
    size_t transport; /* where the transport header begins in the frame */
    bool ports;       /* TCP or UDP with both ports there */
    uint16_t source_port, destination_port;
    bool tcp; /* a TCP header that can be read; else nothing below counts */
    uint32_t seq, ack;
    uint16_t flags; /* WH_SYN ... */
    uint32_t data;  /* bytes of data */
};

/* Looks at frame[length]. Never reads past it; verifies no transport checksum. */
void sight_take(struct sight *sight, wh_link_kind link, uint8_t *frame, size_t length);

/* Bytes of link header before the IP packet. */
static inline size_t link_header_length(wh_link_kind link)
{
    return link == WH_LINK_ETHERNET ? 14 : 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Which of several stacks a packet is for.
 *
 * A device with several queues is served by a stack each, and the stacks know nothing
 * of each other. What they agree on without talking is this function: of a packet's two
 * ends it makes a number below `shares`, the same for both directions and for an ICMP
 * error about it. So whoever meets a packet, or is about to open a connection, knows
 * whose it is.
 *
 * The function has no key. Who knows it can put all of a program's connections on one
 * stack; the one harmed is that program, whose connections then share a core.
 */
#ifndef WAVEHAND_LINK_SHARE_H
#define WAVEHAND_LINK_SHARE_H

#include <wavehand/wavehand.h>

/* What any stack may take: fragments and whatever else tells no two ends, to be counted and dropped. */
#define SHARE_ANY UINT32_MAX

/* The share of a conversation between two endpoints: from 0 to shares - 1. */
uint32_t share_of_ends(const wh_endpoint *one, const wh_endpoint *other, uint32_t shares);
/* The share of an IP packet, or SHARE_ANY. Protocols without ports go by their addresses alone. */
uint32_t share_of_packet(const uint8_t *bytes, size_t length, uint32_t shares);

#endif

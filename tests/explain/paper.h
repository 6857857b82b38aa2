/* SPDX-License-Identifier: MIT */
/* Packets by hand: looked into and changed at the box, or made for hosts that do what ours never would. */
#ifndef WAVEHAND_TRUTH_PAPER_H
#define WAVEHAND_TRUTH_PAPER_H

#include "base/bytes.h"
#include "base/seq.h"
#include "ground.h"
#include "wire/ip.h"
#include "wire/segment.h"

/* Takes a packet apart; false if it is no TCP segment. tuple.local is the source. */
bool packet_read(struct segment *segment, const uint8_t *packet, uint32_t length);
/* It has passed so many routers. */
void packet_travel(uint8_t *packet, uint8_t hops);
/* Makes its TCP checksum right again. */
void packet_mend(uint8_t *packet, uint32_t length);
/*
 * Takes an option away; true if it was there. NOPs stand in its place; without a trace,
 * the others close ranks and the rest is end-of-list (RFC 9293 3.2). The checksum is mended.
 */
bool packet_strip(uint8_t *packet, uint32_t length, uint8_t kind, bool traceless);

/* What a hand-made packet needs besides the segment. */
struct paper {
    enum side from; /* whose address it bears */
    uint16_t id;
    uint8_t hops;
    const wh_addr *source, *destination; /* NULL: the hosts' own */
};
/*
 * Writes the packet of a segment (its ports, numbers, flags, window, options, length; the data are
 * letters) to at[1500]; returns its length.
 */
uint32_t paper_write(const struct ground *ground, const struct paper *paper,
                     const struct segment *segment, uint8_t *at);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The last step of a frame's way out: headers into a slot, references to the
 * chunks that hold the data, checksum finished or left to the link. The slot and
 * the references live until the link hands the frame back.
 *
 * A super-segment for a link that takes none is cut here. Its first frame is made like
 * any other; those behind it are copies of its headers with what differs put in: the
 * sequence number, IPv4's identification, and the two checksums.
 */
#ifndef WAVEHAND_TCP_EMIT_H
#define WAVEHAND_TCP_EMIT_H

#include "base/chunk.h"
#include "base/list.h"
#include "wire/segment.h"

struct tcp;

/* Headers begin here in a slot, so that the IP header is aligned with or without Ethernet. */
#define SLOT_LINK_ROOM 16
#define SLOT_HEADERS (SLOT_LINK_ROOM + 40 + SEGMENT_HEADER_MAX)

struct frame_slot {
    struct link link; /* among the spare or the lent */
    uint32_t chunks;
    struct chunk *chunk[WH_FRAME_SLICES - 1];
    uint8_t headers[SLOT_HEADERS];
};

/* Slots that wait for the next frame, and slots with the link. */
struct slot_store {
    struct list spare, lent;
    uint32_t spares, lents;
};

/* Where frames of one wh_output go. */
struct outbox {
    struct tcp *tcp;
    wh_frame *frames;
    size_t cap, n;
    const uint8_t *link_header; /* Ethernet header for the present destination, or NULL */
};

/* Who speaks and why, for the trace. */
struct emit_note {
    wh_state state;
    wh_reason reason;
    uint8_t scale; /* of the window field */
};

static inline bool outbox_full(const struct outbox *outbox) { return outbox->n == outbox->cap; }

/* How many more frames there is room for, in the outbox and in memory: up to `want`. */
uint32_t emit_room(struct outbox *outbox, uint32_t want);
/* At most this much of [seq, seq + length) fits one frame's slices, from the chunk that holds seq. */
uint32_t emit_reach(const struct chunk *chunk, uint32_t seq, uint32_t length);
/* ... and so much fits frames of `size` bytes of data each. At least what fits the first. */
uint32_t emit_reach_each(const struct chunk *chunk, uint32_t seq, uint32_t length, uint32_t size);
/*
 * Emits a segment: tuple, seq ... options, hops, traffic_class and segment_size
 * from `segment`, its `length` bytes of data from the chunk that holds segment->seq,
 * or with a SYN the number behind it (chunk->seq is the number of data[0]). Where the link
 * does not cut, a segment with a segment_size leaves as frames of that size, FIN and PSH
 * on the last alone. False if the outbox is full or there is no memory for a slot; what
 * emit_room has promised is there.
 */
bool emit_segment(struct outbox *outbox, const struct segment *segment, struct chunk *chunk,
                  const struct emit_note *note);
/* Emits a finished IP packet (or ARP) that a chunk holds; the reference moves to the frame. */
bool emit_packet(struct outbox *outbox, struct chunk *packet);

/* The link is done with the frame. */
void emit_return(struct tcp *tcp, void *slot);
void emit_init(struct tcp *tcp);
/* Frees every slot, also those still with the link, and what they refer to. */
void emit_free(struct tcp *tcp);

#endif

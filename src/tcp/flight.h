/* SPDX-License-Identifier: MIT */
/*
 * What is in flight: ranges of sequence numbers sent and not yet cumulatively
 * acknowledged, in order, without gaps. Ranges and not frames, because a SACK
 * may cut frames anywhere and a retransmission is built anew from bytes.
 *
 * A flight exists only while something is outstanding. Its memory is a chunk, so
 * taking and returning one costs no allocation. The number of ranges is bounded
 * by the largest chunk; a split that finds no room is refused, and the range
 * keeps its old, pessimistic marks.
 */
#ifndef WAVEHAND_TCP_FLIGHT_H
#define WAVEHAND_TCP_FLIGHT_H

#include "base/chunk.h"
#include "base/seq.h"
#include "tcp/cc/cc.h"

enum {
    RANGE_SACKED = 1 << 0,        /* the peer holds it */
    RANGE_LOST = 1 << 1,          /* deemed lost, and not sent again since */
    RANGE_RETRANSMITTED = 1 << 2, /* sent more than once: no RTT sample (Karn) */
};

struct range {
    uint64_t sent;       /* when it was last sent */
    uint32_t start, end; /* [start, end) */
    uint8_t flags;       /* RANGE_... */
};

struct flight {
    struct chunk *chunk;  /* whose data this is */
    struct chunk *cursor; /* of the send queue: the one of SND.NXT; NULL: look from the front */
    uint32_t capacity;    /* ranges */
    uint32_t head, count;
    uint32_t sacked;      /* bytes in ranges marked so */
    uint32_t lost;        /* bytes in ranges marked so */
    uint32_t high_sacked; /* highest end of a SACKed range; valid while sacked > 0 */
    uint32_t judged_to;   /* IsLost() has been decided for everything below (recovery.c) */
    uint32_t hint;        /* no range below this position is LOST */
    uint32_t delivered;   /* bytes acknowledged or SACKed since it began, mod 2^32 */
    uint64_t cc[CC_STATE / sizeof(uint64_t)]; /* congestion control's own */
    struct range ring[];
};

/* Nothing is in flight. */
static inline bool flight_empty(const struct flight *flight)
{
    return flight == NULL || flight->count == 0;
}
/* The variables of the connection's congestion control, CC_STATE bytes. */
static inline void *flight_cc(struct flight *flight) { return flight->cc; }

static inline struct range *flight_at(struct flight *flight, uint32_t position)
{
    uint32_t at = flight->head + position;
    return &flight->ring[at < flight->capacity ? at : at - flight->capacity];
}

/* Notes that [start, end) is sent now, right after what was noted before. False without memory. */
bool flight_send(struct flight **flight, struct chunk_store *store, uint32_t start, uint32_t end,
                 uint64_t now);
/* Something is about to be sent after a rest: takes a flight, if there is none. False without memory. */
bool flight_begin(struct flight **flight, struct chunk_store *store);
/*
 * Everything below `ack` is acknowledged: forgets it. *sent gets the newest send time among what was acknowledged
 * and sent once only, or 0 (Karn's rule). *delivered: bytes that were not SACKed before.
 */
void flight_acknowledge(struct flight *flight, uint32_t ack, uint64_t *sent, uint32_t *delivered);
/*
 * Marks [left, right), which lies in flight, as SACKed; returns the bytes that were not
 * before, and raises *sent to the newest send time among those sent once only.
 */
uint32_t flight_sack(struct flight **flight, struct chunk_store *store, uint32_t left,
                     uint32_t right, uint64_t *sent);
/* Marks a range as lost, as sent again, or forgets its SACK, keeping the sums right. */
void flight_mark_lost(struct flight *flight, struct range *range);
void flight_mark_sent_again(struct flight *flight, struct range *range, uint64_t now);
/* Forgets every SACK (reneging) and marks all as lost if `lost`. */
void flight_reset(struct flight *flight, bool forget_sacks, bool lost);
/*
 * Splits the range at this position so that a range ends at `at`; false if there
 * is no room for one more range.
 */
bool flight_split(struct flight **flight, struct chunk_store *store, uint32_t position,
                  uint32_t at);
/* Position of the range that contains seq, which must be in flight. */
uint32_t flight_find(struct flight *flight, uint32_t seq);
/* Position of the first range that is LOST, or count. */
uint32_t flight_first_lost(struct flight *flight);
void flight_free(struct flight **flight, struct chunk_store *store);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The same packet, seen at two places: in captures of both ends, or on several
 * interfaces of one host. Each packet waits a while for its twin; what never turns
 * up at the far place was lost on the way there.
 */
#ifndef WAVEHAND_EXPLAIN_TWINS_H
#define WAVEHAND_EXPLAIN_TWINS_H

#include "explain/packet.h"

struct sighting {
    uint64_t print; /* of what stays the same on the way */
    wh_time when;
    uint64_t number;
    uint64_t line; /* of the story, + 1; 0: it has none */
    uint32_t seq, ack, length, point, place, tsval;
    uint16_t flags;
    uint8_t from;
    uint8_t has;  /* options, WH_HAS_... */
    bool waiting; /* for its twin */
};

/* How many packets wait at most: of captures at two ends, a flight; on one host, a burst. */
#define TWINS_FAR 256
#define TWINS_NEAR 32

struct twins {
    struct sighting *sighting; /* `room` of them, or NULL */
    unsigned room;
    unsigned next;
    unsigned oldest; /* none before it waits */
    unsigned count;
    /* As long as no packet came twice, the last one of each end is all that is remembered. */
    uint64_t last_print[2];
    uint32_t last_place[2];
    uint32_t near[2]; /* + 1: the point where this end's packets are seen first; 0: not known */
    bool matched;     /* packets are seen at two points */
};

void twins_free(struct twins *twins);
/*
 * True once packets of one host have been seen at several places: this one is the
 * last one again. The ring is in use from then on.
 */
bool twins_repeats_last(struct twins *twins, unsigned from, const struct seen *seen);
/* The first sighting of this packet at another place, which waits no more; or NULL: it is the first. */
struct sighting *twins_match(struct twins *twins, unsigned from, const struct seen *seen);
/* Remembers a first sighting, among at most `room`. NULL when there is no memory. */
struct sighting *twins_add(struct twins *twins, unsigned from, const struct seen *seen,
                           unsigned room);

#endif

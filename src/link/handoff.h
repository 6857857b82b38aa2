/* SPDX-License-Identifier: MIT */
/*
 * Frames from one thread to one other: a ring of bytes with a single producer and a single
 * consumer, and no lock.
 *
 * The producer copies a frame in, header first, and then moves `written`; the consumer is
 * shown the frames where they lie and, when it is through with them, moves `read`. Each
 * of the two counts is written by one side alone and only grows; each side remembers what it
 * last saw of the other's, and asks again only when that says "full" or "empty", so
 * that a cache line travels once a batch and not once a frame. A frame lies in one
 * piece: what does not fit before the end of the ring begins anew at its start.
 *
 * A full ring loses the frame and counts it (WH_WHY_HANDOFF_FULL): as a full device does.
 */
#ifndef WAVEHAND_LINK_HANDOFF_H
#define WAVEHAND_LINK_HANDOFF_H

#include <wavehand/wavehand.h>

struct handoff;

/* A ring of `size` bytes, a power of two from 256 on. NULL without memory. */
struct handoff *handoff_new(size_t size);
void handoff_free(struct handoff *ring);

/* Producer: copies an arriving frame (of slice[0]) in. False if the ring is full: lost, and counted. */
bool handoff_put(struct handoff *ring, const wh_frame *frame);

/*
 * Consumer: shows up to cap frames, oldest first, which stay where they are until
 * handoff_done; returns how many. Their buffer is NULL: who keeps data must copy it.
 */
size_t handoff_take(struct handoff *ring, wh_frame *frames, size_t cap);
/* Consumer: gives back all that was taken. */
void handoff_done(struct handoff *ring);
/* Consumer: true if there is something to take. */
bool handoff_waiting(struct handoff *ring);

/* Anybody: frames lost so far because the ring was full. */
size_t handoff_lost(const struct handoff *ring);

#endif

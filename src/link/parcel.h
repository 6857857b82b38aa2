/* SPDX-License-Identifier: MIT */
/* Frames under way on a path, ordered by when they arrive. */
#ifndef WAVEHAND_LINK_PARCEL_H
#define WAVEHAND_LINK_PARCEL_H

#include <wavehand/wavehand.h>

struct parcel {
    struct parcel *next; /* in the list of those handed out */
    wh_time due;
    wh_time natural;   /* held back to be overtaken: when it would have arrived */
    uint64_t order;    /* among those due at the same time */
    uint64_t serial;   /* of the frame it came from; 0: made by the path */
    uint32_t position; /* in the heap */
    uint32_t length;
    uint8_t passes; /* how many more frames shall overtake it; 0: not held back */
    uint8_t bytes[];
};

/* NULL without memory. */
struct parcel *parcel_new(size_t length);
void parcel_free(struct parcel *parcel);
void parcel_free_list(struct parcel *parcel);

/* A binary heap: adding, taking and hastening cost O(log n). */
struct underway {
    struct parcel **heap;
    size_t count, room;
    size_t bytes;
};

void underway_free(struct underway *underway);
/* False without memory. due and order must be set. */
bool underway_add(struct underway *underway, struct parcel *parcel);
/* The next to arrive, or NULL. */
static inline struct parcel *underway_first(const struct underway *underway)
{
    return underway->count > 0 ? underway->heap[0] : NULL;
}
/* Takes the first out. */
struct parcel *underway_take(struct underway *underway);
/* Makes a parcel arrive earlier. */
void underway_hasten(struct underway *underway, struct parcel *parcel, wh_time due, uint64_t order);

#endif

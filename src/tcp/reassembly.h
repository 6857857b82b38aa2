/* SPDX-License-Identifier: MIT */
/*
 * From out of order to in order: holds what arrived beyond a hole, as blocks of
 * contiguous bytes in sequence order, in bounded memory, and reports them as SACK
 * blocks, the most recent first (RFC 2018 4). Exists only while there is a hole.
 */
#ifndef WAVEHAND_TCP_REASSEMBLY_H
#define WAVEHAND_TCP_REASSEMBLY_H

#include "base/chunk.h"
#include "wire/segment.h"

struct block {
    uint32_t left, right;
    struct chunk_queue bytes;
};

struct reassembly {
    struct chunk *chunk; /* whose data this is */
    uint32_t capacity;
    uint32_t count;
    uint32_t held;                   /* bytes */
    uint32_t cost;                   /* bytes of memory behind them */
    uint32_t recent[WH_SACK_BLOCKS]; /* a number inside each of the latest blocks, newest first */
    uint32_t recents;
    struct block block[]; /* in sequence order, disjoint, not touching */
};

/*
 * Takes data[length] at seq, all of it beyond `next` and inside the window. What
 * is held already is not taken twice. `budget` bounds the memory behind all
 * blocks. WH_WHY_NONE, or _REASSEMBLY_FULL, _MEMORY_CAP.
 */
wh_reason reassembly_add(struct reassembly **reassembly, struct chunk_store *store, uint32_t seq,
                         const uint8_t *data, uint32_t length, size_t budget);
/* True if some of [seq, seq + length) is held already: the first such piece (RFC 2883 4.2). NULL holds nothing. */
bool reassembly_holds(const struct reassembly *reassembly, uint32_t seq, uint32_t length,
                      uint32_t *left, uint32_t *right);
/*
 * The stream has grown to *next: moves what follows now in order to the end of
 * queue and *next forward; frees the reassembly when nothing is left.
 */
void reassembly_take(struct reassembly **reassembly, struct chunk_store *store, uint32_t *next,
                     struct chunk_queue *queue);
/* Fills in up to cap SACK blocks; returns how many. */
unsigned reassembly_sacks(const struct reassembly *reassembly, struct sack_block *sacks,
                          unsigned cap);
void reassembly_free(struct reassembly **reassembly, struct chunk_store *store);

#endif

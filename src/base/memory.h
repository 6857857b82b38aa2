/* SPDX-License-Identifier: MIT */
/*
 * The stack's memory: hooks from the embedder under a hard cap, and pools of
 * equal records addressed by a 32-bit index.
 */
#ifndef WAVEHAND_BASE_MEMORY_H
#define WAVEHAND_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wavehand/wavehand.h>

struct memory {
    wh_memory hooks;
    size_t cap;     /* never exceeded */
    size_t reserve; /* the last part of the cap, for what keeps ACK, FIN and RST possible */
    size_t used;
    size_t peak;
};

/* An ordinary request must leave the reserve free; a vital one may use it. */
enum memory_need { MEMORY_ORDINARY, MEMORY_VITAL };

void memory_init(struct memory *memory, const wh_memory *hooks, size_t cap);
/* NULL at the cap or when the hook has none. Not cleared. */
void *memory_take(struct memory *memory, size_t size, enum memory_need need);
/* NULL is allowed. size is what was asked for. */
void memory_give(struct memory *memory, void *at, size_t size);

/*
 * A pool of records of one size in slabs. Index 0 is never used. Freed records
 * are used again, last freed first; an empty slab goes back to the hooks.
 */
struct pool {
    struct memory *memory;
    void **slab;
    uint32_t slabs;        /* entries of slab[] */
    uint32_t record_size;  /* bytes, a multiple of 4, at least 8 */
    uint32_t per_slab;     /* a power of two */
    uint32_t shift;        /* log2(per_slab) */
    uint32_t used;         /* records in use */
    uint32_t free_head;    /* internal: slab with free records */
};

/* per_slab must be a power of two. */
void pool_init(struct pool *pool, struct memory *memory, uint32_t record_size, uint32_t per_slab);
/* Frees all slabs whatever is in use. */
void pool_free(struct pool *pool);
/* Takes a record, cleared to zero; *index gets its number. NULL without memory. */
void *pool_take(struct pool *pool, uint32_t *index, enum memory_need need);
void pool_give(struct pool *pool, uint32_t index);
/* The record with this index, which must be in use. */
void *pool_at(const struct pool *pool, uint32_t index);
/* The next index in use after `index` (begin with 0), or 0 at the end. For walks. */
uint32_t pool_next(const struct pool *pool, uint32_t index);

#endif

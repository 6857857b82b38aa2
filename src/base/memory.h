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
    /* Called when a request fails, to give back what is only kept for later; may be NULL. */
    void (*reclaim)(void *context);
    void *reclaim_context;
};

/* An ordinary request must leave the reserve free; a vital one may use it. */
enum memory_need { MEMORY_ORDINARY, MEMORY_VITAL };

/* The reserve is a sixteenth of the cap, 1 MiB at most. */
void memory_init(struct memory *memory, const wh_memory *hooks, size_t cap);
/* NULL at the cap or when the hook has none. Not cleared. */
void *memory_take(struct memory *memory, size_t size, enum memory_need need);
/* NULL is allowed. size is what was asked for. */
void memory_give(struct memory *memory, void *at, size_t size);

/*
 * A pool of records of one size in slabs. Index 0 is never used. Freed records
 * are used again, last freed first; an empty slab goes back to the hooks, but
 * one is kept. Records are aligned as the hooks align memory; if record_size
 * is a multiple of 32 the first of a slab stands at one of 64. Taking and giving cost O(1); the directory of
 * slabs (a pointer each) keeps its largest size until pool_free.
 */
struct pool {
    struct memory *memory;
    void **slab;          /* the records of each slab, or a tagged link between vacant entries */
    uint32_t slabs;       /* entries of slab[] in use, vacant ones included */
    uint32_t room;        /* entries that slab[] has room for */
    uint32_t record_size; /* bytes, a multiple of 4, at least 8 */
    uint32_t per_slab;    /* a power of two */
    uint32_t shift;       /* log2(per_slab) */
    uint32_t used;        /* records in use */
    uint32_t free_head;   /* internal: first slab with free records */
    uint32_t vacant_head; /* internal: first entry of slab[] without a slab */
    uint32_t empty;       /* internal: slabs kept without a record in use */
};

/* per_slab must be a power of two, at least 2. */
void pool_init(struct pool *pool, struct memory *memory, uint32_t record_size, uint32_t per_slab);
/* Frees all slabs whatever is in use. */
void pool_free(struct pool *pool);
/* Takes a record, cleared to zero; *index gets its number. NULL without memory. */
void *pool_take(struct pool *pool, uint32_t *index, enum memory_need need);
void pool_give(struct pool *pool, uint32_t index);
/* True if this is the index of a record in use; any number may be asked about. */
bool pool_has(const struct pool *pool, uint32_t index);
/* The next index in use after `index` (begin with 0), or 0 at the end. For walks. */
uint32_t pool_next(const struct pool *pool, uint32_t index);

/* The record with this index, which must be in use. */
static inline void *pool_at(const struct pool *pool, uint32_t index)
{
    return (uint8_t *)pool->slab[index >> pool->shift] +
           (size_t)(index & (pool->per_slab - 1)) * pool->record_size;
}

#endif

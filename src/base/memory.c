/* SPDX-License-Identifier: MIT */
/*
 * Memory under a cap. Every byte from the hooks is counted before it is asked
 * for, so the cap holds whatever arrives; the slab directory of a pool is
 * counted like anything else.
 *
 * A slab is one piece from the hooks: the records first, so that they inherit
 * its alignment, then a short trailer with a free list threaded through the free
 * records, a mark below which records have been used before (a new slab is not
 * touched beyond it), and a bitmap of the records in use, which is what walks
 * read. Slabs with a free record stand in a doubly linked list. Entries of the
 * directory whose slab went back to the hooks are vacant and linked through the
 * entries themselves, tagged by their lowest bit, which no pointer has set.
 */
#include "base/memory.h"

#include <string.h>

#include "base/bytes.h"

#define NONE UINT32_MAX
#define CACHE_LINE 64
#define RESERVE_MAX ((size_t)1 << 20)
#define EMPTY_SLABS_KEPT 1

void memory_init(struct memory *memory, const wh_memory *hooks, size_t cap)
{
    *memory = (struct memory){ .hooks = *hooks, .cap = cap, .reserve = MIN(cap / 16, RESERVE_MAX) };
}

static void *take_once(struct memory *memory, size_t size, enum memory_need need)
{
    size_t limit = memory->cap - (need == MEMORY_VITAL ? 0 : memory->reserve);
    void *at;

    if (size > limit || memory->used > limit - size)
        return NULL;
    at = memory->hooks.alloc(memory->hooks.context, size);
    if (at == NULL)
        return NULL;
    memory->used += size;
    memory->peak = MAX(memory->peak, memory->used);
    return at;
}

void *memory_take(struct memory *memory, size_t size, enum memory_need need)
{
    void *at = take_once(memory, size, need);

    if (at == NULL && memory->reclaim != NULL) {
        memory->reclaim(memory->reclaim_context);
        at = take_once(memory, size, need);
    }
    return at;
}

void memory_give(struct memory *memory, void *at, size_t size)
{
    if (at == NULL)
        return;
    memory->used -= size;
    memory->hooks.free(memory->hooks.context, at, size);
}

/* -------------------------------------------------------------------- pool */

/* What follows the records of a slab. */
struct trailer {
    uint32_t next, previous; /* slabs with free records */
    uint32_t free;           /* first freed record, by position, or NONE */
    uint32_t fresh;          /* this record and all after it have never been used */
    uint32_t live;           /* records in use */
    uint32_t skipped;        /* bytes before the first record, spent on alignment */
    uint64_t in_use[];       /* a bit for each record */
};

static size_t bitmap_words(const struct pool *pool) { return (pool->per_slab + 63) / 64; }

/* Record sizes are multiples of 4 only: the trailer needs 8. */
static size_t trailer_offset(const struct pool *pool)
{
    return ((size_t)pool->per_slab * pool->record_size + 7) & ~(size_t)7;
}

static size_t alignment_slack(const struct pool *pool)
{
    return pool->record_size % (CACHE_LINE / 2) == 0 ? CACHE_LINE - 8 : 0;
}

static size_t slab_bytes(const struct pool *pool)
{
    return alignment_slack(pool) + trailer_offset(pool) + sizeof(struct trailer) +
           bitmap_words(pool) * sizeof(uint64_t);
}

static struct trailer *trailer_of(const struct pool *pool, uint32_t number)
{
    return (struct trailer *)(void *)((uint8_t *)pool->slab[number] + trailer_offset(pool));
}

static bool is_vacant(const struct pool *pool, uint32_t number)
{
    return ((uintptr_t)pool->slab[number] & 1) != 0;
}

static void vacant_push(struct pool *pool, uint32_t number)
{
    /* NONE loses its top bit on 32-bit machines; vacant_pop restores it. */
    pool->slab[number] = (void *)((uintptr_t)pool->vacant_head << 1 | 1);
    pool->vacant_head = number;
}

static uint32_t vacant_pop(struct pool *pool)
{
    uint32_t number = pool->vacant_head;
    uint32_t next = (uint32_t)((uintptr_t)pool->slab[number] >> 1);

    pool->vacant_head = next >= NONE >> 1 ? NONE : next;
    return number;
}

static void free_list_push(struct pool *pool, uint32_t number)
{
    struct trailer *trailer = trailer_of(pool, number);

    trailer->previous = NONE;
    trailer->next = pool->free_head;
    if (pool->free_head != NONE)
        trailer_of(pool, pool->free_head)->previous = number;
    pool->free_head = number;
}

static void free_list_remove(struct pool *pool, uint32_t number)
{
    const struct trailer *trailer = trailer_of(pool, number);

    if (trailer->previous != NONE)
        trailer_of(pool, trailer->previous)->next = trailer->next;
    else
        pool->free_head = trailer->next;
    if (trailer->next != NONE)
        trailer_of(pool, trailer->next)->previous = trailer->previous;
}

void pool_init(struct pool *pool, struct memory *memory, uint32_t record_size, uint32_t per_slab)
{
    *pool = (struct pool){ .memory = memory,
                           .record_size = record_size,
                           .per_slab = per_slab,
                           .free_head = NONE,
                           .vacant_head = NONE };
    while (1U << pool->shift < per_slab)
        pool->shift++;
}

static void slab_release(struct pool *pool, uint32_t number)
{
    uint8_t *records = pool->slab[number];

    memory_give(pool->memory, records - trailer_of(pool, number)->skipped, slab_bytes(pool));
}

void pool_free(struct pool *pool)
{
    for (uint32_t number = 0; number < pool->slabs; number++)
        if (!is_vacant(pool, number))
            slab_release(pool, number);
    memory_give(pool->memory, pool->slab, pool->room * sizeof(*pool->slab));
    pool_init(pool, pool->memory, pool->record_size, pool->per_slab);
}

/* Makes room for one more entry in the directory. */
static bool directory_grow(struct pool *pool, enum memory_need need)
{
    uint32_t room = pool->room == 0 ? 8 : pool->room * 2;
    void **slab;

    if (pool->slabs < pool->room)
        return true;
    /* Indices have 32 bits, and links between vacant entries 31. */
    if (pool->slabs >= NONE >> 2 || ((uint64_t)pool->slabs + 1) << pool->shift > NONE)
        return false;
    slab = memory_take(pool->memory, room * sizeof(*slab), need);
    if (slab == NULL)
        return false;
    if (pool->slabs != 0)
        memcpy(slab, pool->slab, pool->slabs * sizeof(*slab));
    memory_give(pool->memory, pool->slab, pool->room * sizeof(*slab));
    pool->slab = slab;
    pool->room = room;
    return true;
}

/* Gets a new slab and puts it at the head of the free list. */
static bool slab_add(struct pool *pool, enum memory_need need)
{
    struct trailer *trailer;
    uint32_t number, skipped = 0;
    uint8_t *at;

    if (pool->vacant_head == NONE && !directory_grow(pool, need))
        return false;
    at = memory_take(pool->memory, slab_bytes(pool), need);
    if (at == NULL)
        return false;
    if (alignment_slack(pool) != 0)
        skipped = (uint32_t)(-(uintptr_t)at % CACHE_LINE);
    number = pool->vacant_head != NONE ? vacant_pop(pool) : pool->slabs++;
    pool->slab[number] = at + skipped;
    trailer = trailer_of(pool, number);
    trailer->free = NONE;
    trailer->fresh = number == 0; /* index 0 is never given out */
    trailer->live = 0;
    trailer->skipped = skipped;
    memset(trailer->in_use, 0, bitmap_words(pool) * sizeof(uint64_t));
    free_list_push(pool, number);
    pool->empty++;
    return true;
}

void *pool_take(struct pool *pool, uint32_t *index, enum memory_need need)
{
    struct trailer *trailer;
    uint32_t number, position;
    uint8_t *record;

    if (pool->free_head == NONE && !slab_add(pool, need))
        return NULL;
    number = pool->free_head;
    trailer = trailer_of(pool, number);
    if (trailer->free != NONE) {
        position = trailer->free;
        record = (uint8_t *)pool->slab[number] + (size_t)position * pool->record_size;
        memcpy(&trailer->free, record, sizeof(trailer->free));
    } else {
        position = trailer->fresh++;
        record = (uint8_t *)pool->slab[number] + (size_t)position * pool->record_size;
    }
    if (trailer->live++ == 0)
        pool->empty--;
    if (trailer->free == NONE && trailer->fresh == pool->per_slab)
        free_list_remove(pool, number);
    trailer->in_use[position / 64] |= (uint64_t)1 << position % 64;
    pool->used++;
    memset(record, 0, pool->record_size);
    *index = number << pool->shift | position;
    return record;
}

void pool_give(struct pool *pool, uint32_t index)
{
    uint32_t number = index >> pool->shift, position = index & (pool->per_slab - 1);
    struct trailer *trailer = trailer_of(pool, number);
    bool was_full = trailer->free == NONE && trailer->fresh == pool->per_slab;

    memcpy(pool_at(pool, index), &trailer->free, sizeof(trailer->free));
    trailer->free = position;
    trailer->in_use[position / 64] &= ~((uint64_t)1 << position % 64);
    trailer->live--;
    pool->used--;
    if (was_full)
        free_list_push(pool, number);
    if (trailer->live != 0)
        return;
    /* One empty slab stays, or a record that comes and goes would cost a slab each time. */
    if (pool->empty < EMPTY_SLABS_KEPT) {
        pool->empty++;
        return;
    }
    free_list_remove(pool, number);
    slab_release(pool, number);
    vacant_push(pool, number);
}

bool pool_has(const struct pool *pool, uint32_t index)
{
    uint32_t number = index >> pool->shift, position = index & (pool->per_slab - 1);

    if (number >= pool->slabs || is_vacant(pool, number))
        return false;
    return (trailer_of(pool, number)->in_use[position / 64] >> position % 64 & 1) != 0;
}

uint32_t pool_next(const struct pool *pool, uint32_t index)
{
    uint32_t position = (index & (pool->per_slab - 1)) + 1;

    for (uint32_t number = index >> pool->shift; number < pool->slabs; number++, position = 0) {
        const struct trailer *trailer;

        if (is_vacant(pool, number) || position >= pool->per_slab)
            continue;
        trailer = trailer_of(pool, number);
        for (uint32_t word = position / 64; word < bitmap_words(pool); word++) {
            uint64_t bits = trailer->in_use[word];

            if (word == position / 64)
                bits &= ~(uint64_t)0 << position % 64;
            if (bits != 0)
                return number << pool->shift | (word * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
    return 0;
}

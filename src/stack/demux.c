/* SPDX-License-Identifier: MIT */
/*
 * An extendible hash whose buckets are open-addressing tables.
 *
 * The leading bits of a hash choose an entry of the directory and with it a
 * segment of 2048 slots; the trailing bits choose the slot at which the search
 * begins. A full segment splits in two by the next leading bit, two neighbours with
 * little in them become one again, and the directory doubles or halves when that
 * asks for it. So the table grows and shrinks by a segment at a time: the most
 * that one operation does is to move the entries of one segment, or to copy the
 * directory, of 8 bytes for each 2048 slots. A table of one segment has as few
 * slots as its entries ask for. Since the slots keep 29 bits of the hash, no record
 * is looked at for any of this.
 *
 * Inside a segment entries stand in Robin Hood order: none is further from its
 * first slot than one that it passed. A search for what is not there ends as early
 * as one for what is, and a removal moves back the entries behind it until one
 * stands in its first slot, so there are no tombstones.
 *
 * The hash is keyed, so a peer cannot choose tuples that meet in one segment.
 */
#include "stack/demux.h"

#include <string.h>

#include "wire/tuple.h"

#define SEGMENT_SLOTS (1U << DEMUX_SEGMENT_BITS)
#define SLOTS_LEAST 16U
#define KIND_MASK (DEMUX_KINDS - 1U)

/* Split above 13/16 full; join when the two together fill no more than half of one. */
static bool is_full(uint32_t used, uint32_t mask) { return used >= (mask + 1) / 16 * 13; }

static bool is_sparse(uint32_t used, uint32_t mask) { return used <= (mask + 1) / 2; }

static size_t segment_bytes(uint32_t mask)
{
    return sizeof(struct demux_segment) + (size_t)(mask + 1) * sizeof(struct demux_slot);
}

static uint32_t mark_of(uint32_t hash, unsigned kind) { return (hash & ~KIND_MASK) | kind; }

static struct demux_entry entry_of(const struct demux_slot *slot)
{
    return (struct demux_entry){ .kind = slot->mark & KIND_MASK, .index = slot->index };
}

/* The slot at which the search for this hash (or mark) begins. */
static uint32_t home(uint32_t hash, uint32_t mask) { return hash >> 3 & mask; }

static uint32_t directory_index(uint32_t hash, uint32_t depth)
{
    return (uint32_t)((uint64_t)hash << depth >> 32);
}

static struct demux_segment *segment_of(const struct demux *demux, uint32_t hash)
{
    return demux->directory[directory_index(hash, demux->depth)];
}

/* ----------------------------------------------------------- one segment -- */

/*
 * The next slot, from *at on, that may hold this hash, or NULL; *at moves past it.
 * Begin with the home. Ends at a free slot, and at an entry nearer to its home
 * than ours would be.
 */
static const struct demux_slot *candidate(const struct demux_segment *segment, uint32_t mask,
                                          uint32_t hash, uint32_t *at)
{
    const uint32_t first = home(hash, mask);

    for (;; (*at)++) {
        const struct demux_slot *slot = &segment->slot[*at & mask];

        if (slot->index == 0)
            return NULL;
        if ((slot->mark ^ hash) <= KIND_MASK) {
            (*at)++;
            return slot;
        }
        if (((*at - home(slot->mark, mask)) & mask) < *at - first)
            return NULL;
    }
}

/* Puts an entry in its place; at least two slots are free. */
static void segment_insert(struct demux_segment *segment, uint32_t mask, struct demux_slot entry)
{
    uint32_t at = home(entry.mark, mask), distance = 0;

    for (;; at = (at + 1) & mask, distance++) {
        struct demux_slot *slot = &segment->slot[at], passed = *slot;
        uint32_t its = (at - home(passed.mark, mask)) & mask;

        if (passed.index == 0) {
            *slot = entry;
            break;
        }
        if (its < distance) {
            *slot = entry;
            entry = passed;
            distance = its;
        }
    }
    segment->used++;
}

/* Frees the slot at `at` and closes the gap. */
static void segment_remove(struct demux_segment *segment, uint32_t mask, uint32_t at)
{
    for (;;) {
        uint32_t next = (at + 1) & mask;
        const struct demux_slot *slot = &segment->slot[next];

        if (slot->index == 0 || home(slot->mark, mask) == next)
            break;
        segment->slot[at] = *slot;
        at = next;
    }
    segment->slot[at] = (struct demux_slot){ 0 };
    segment->used--;
}

static struct demux_segment *segment_new(struct demux *demux, uint32_t mask, uint32_t depth)
{
    struct demux_segment *segment =
        memory_take(demux->memory, segment_bytes(mask), MEMORY_ORDINARY);

    if (segment != NULL) {
        memset(segment, 0, segment_bytes(mask));
        segment->depth = depth;
    }
    return segment;
}

/* Moves everything from one segment to another of the same or another size. */
static void segment_pour(struct demux_segment *to, uint32_t to_mask,
                         const struct demux_segment *from, uint32_t from_mask)
{
    for (uint32_t at = 0; at <= from_mask; at++)
        if (from->slot[at].index != 0)
            segment_insert(to, to_mask, from->slot[at]);
}

/* Moves the entries that have this bit of the hash set to a new segment. */
static void segment_divide(struct demux_segment *from, struct demux_segment *to, uint32_t mask,
                           uint32_t bit)
{
    uint32_t start = 0, at;

    /* Behind a free slot, so that closing a gap moves only entries not yet seen. */
    while (from->slot[start].index != 0)
        start++;
    for (at = start + 1; at <= start + mask;) {
        struct demux_slot slot = from->slot[at & mask];

        if (slot.index != 0 && (slot.mark & bit) != 0) {
            segment_insert(to, mask, slot);
            segment_remove(from, mask, at & mask);
        } else {
            at++;
        }
    }
}

/* ------------------------------------------------------------ the table -- */

void demux_init(struct demux *demux, struct memory *memory, const struct siphash_key *key,
                demux_tuple_function *tuple_of, const void *context)
{
    *demux =
        (struct demux){ .memory = memory, .key = *key, .tuple_of = tuple_of, .context = context };
}

void demux_free(struct demux *demux)
{
    uint32_t entries = demux->directory == NULL ? 0 : 1U << demux->depth;

    for (uint32_t at = 0; at < entries;) {
        struct demux_segment *segment = demux->directory[at];

        at += 1U << (demux->depth - segment->depth);
        memory_give(demux->memory, segment, segment_bytes(demux->mask));
    }
    memory_give(demux->memory, demux->directory, entries * sizeof(void *));
    demux_init(demux, demux->memory, &demux->key, demux->tuple_of, demux->context);
}

/* The first directory and segment of a table. */
static bool create(struct demux *demux)
{
    demux->directory = memory_take(demux->memory, sizeof(void *), MEMORY_ORDINARY);
    if (demux->directory == NULL)
        return false;
    demux->mask = SLOTS_LEAST - 1;
    demux->directory[0] = segment_new(demux, demux->mask, 0);
    if (demux->directory[0] == NULL) {
        memory_give(demux->memory, demux->directory, sizeof(void *));
        demux->directory = NULL;
        return false;
    }
    demux->segments[0] = 1;
    return true;
}

/* Gives the only segment another number of slots. Without memory everything stays. */
static void resize(struct demux *demux, uint32_t mask)
{
    struct demux_segment *old = demux->directory[0], *segment = segment_new(demux, mask, 0);

    if (segment == NULL)
        return;
    segment_pour(segment, mask, old, demux->mask);
    memory_give(demux->memory, old, segment_bytes(demux->mask));
    demux->directory[0] = segment;
    demux->mask = mask;
}

/* Gives the directory another depth, one more or one less. */
static bool directory_resize(struct demux *demux, uint32_t depth)
{
    size_t entries = (size_t)1 << depth, before = (size_t)1 << demux->depth;
    struct demux_segment **directory =
        memory_take(demux->memory, entries * sizeof(void *), MEMORY_ORDINARY);

    if (directory == NULL)
        return false;
    for (size_t at = 0; at < entries; at++)
        directory[at] = demux->directory[at * before / entries];
    memory_give(demux->memory, demux->directory, before * sizeof(void *));
    demux->directory = directory;
    demux->depth = depth;
    return true;
}

/* Points the directory's entries for the 2^-depth'th part that `hash` lies in at a segment. */
static void directory_point(struct demux *demux, uint32_t hash, uint32_t depth,
                            struct demux_segment *segment)
{
    uint32_t span = 1U << (demux->depth - depth);
    uint32_t at = directory_index(hash, demux->depth) & ~(span - 1);

    for (uint32_t i = 0; i < span; i++)
        demux->directory[at + i] = segment;
}

/* Splits the segment that `hash` belongs to. Without memory everything stays. */
static void split(struct demux *demux, uint32_t hash)
{
    struct demux_segment *segment = segment_of(demux, hash), *other;
    uint32_t depth = segment->depth + 1, bit = 0x80000000U >> segment->depth;

    if (depth > DEMUX_DEPTH_MAX)
        return;
    other = segment_new(demux, demux->mask, depth);
    if (other == NULL)
        return;
    if (depth > demux->depth && !directory_resize(demux, depth)) {
        memory_give(demux->memory, other, segment_bytes(demux->mask));
        return;
    }
    segment_divide(segment, other, demux->mask, bit);
    segment->depth = depth;
    demux->segments[depth - 1]--;
    demux->segments[depth] += 2;
    directory_point(demux, hash | bit, depth, other);
}

/*
 * Joins the segment that `hash` belongs to with its other half, if both together
 * have little in them. Then this one or the other is less than a quarter full, so
 * a fuller one does not look at its other half.
 */
static void join(struct demux *demux, uint32_t hash)
{
    struct demux_segment *segment = segment_of(demux, hash), *other;
    uint32_t depth = segment->depth;

    if (!is_sparse(2 * segment->used, demux->mask))
        return;
    other = segment_of(demux, hash ^ 0x80000000U >> (depth - 1));
    if (other->depth != depth || !is_sparse(segment->used + other->used, demux->mask))
        return;
    segment_pour(segment, demux->mask, other, demux->mask);
    segment->depth = depth - 1;
    directory_point(demux, hash, depth - 1, segment);
    memory_give(demux->memory, other, segment_bytes(demux->mask));
    demux->segments[depth] -= 2;
    demux->segments[depth - 1]++;
    /* Without memory for the smaller one the directory stays; the next join asks again. */
    if (demux->segments[demux->depth] == 0)
        (void)directory_resize(demux, demux->depth - 1);
}

static void grow(struct demux *demux, uint32_t hash)
{
    if (demux->mask + 1 < SEGMENT_SLOTS)
        resize(demux, demux->mask * 2 + 1);
    else
        split(demux, hash);
}

static void shrink(struct demux *demux, uint32_t hash)
{
    if (segment_of(demux, hash)->depth != 0)
        join(demux, hash);
    else if (demux->mask + 1 > SLOTS_LEAST && demux->used < (demux->mask + 1) / 8)
        resize(demux, demux->mask / 2);
}

/* ---------------------------------------------------------------- calls -- */

uint32_t demux_hash(const struct demux *demux, const struct tuple *tuple)
{
    return (uint32_t)(tuple_hash13(&demux->key, tuple) >> 32);
}

static bool tuple_equal(const struct tuple *a, const struct tuple *b)
{
    uint64_t x[4], y[4];
    uint32_t x_ports, y_ports;

    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    memcpy(&x_ports, &a->local_port, sizeof(x_ports));
    memcpy(&y_ports, &b->local_port, sizeof(y_ports));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x_ports ^ y_ports)) ==
           0;
}

struct demux_entry demux_find(const struct demux *demux, uint32_t hash, const struct tuple *tuple)
{
    const struct demux_segment *segment;
    const struct demux_slot *slot;
    uint32_t at;

    if (demux->directory == NULL)
        return (struct demux_entry){ 0 };
    segment = segment_of(demux, hash);
    at = home(hash, demux->mask);
    while ((slot = candidate(segment, demux->mask, hash, &at)) != NULL) {
        struct demux_entry entry = entry_of(slot);

        if (tuple_equal(demux->tuple_of(demux->context, entry.kind, entry.index), tuple))
            return entry;
    }
    return (struct demux_entry){ 0 };
}

void demux_prefetch(const struct demux *demux, uint32_t hash)
{
    if (demux->directory != NULL)
        __builtin_prefetch(&segment_of(demux, hash)->slot[home(hash, demux->mask)]);
}

struct demux_entry demux_peek(const struct demux *demux, uint32_t hash)
{
    const struct demux_slot *slot;
    uint32_t at;

    if (demux->directory == NULL)
        return (struct demux_entry){ 0 };
    at = home(hash, demux->mask);
    slot = candidate(segment_of(demux, hash), demux->mask, hash, &at);
    if (slot == NULL)
        return (struct demux_entry){ 0 };
    return entry_of(slot);
}

bool demux_insert(struct demux *demux, uint32_t hash, struct demux_entry entry)
{
    struct demux_slot slot = { .mark = mark_of(hash, entry.kind), .index = entry.index };
    struct demux_segment *segment;

    if (demux->directory == NULL && !create(demux))
        return false;
    if (is_full(segment_of(demux, hash)->used, demux->mask))
        grow(demux, hash);
    segment = segment_of(demux, hash);
    /* One slot stays free: it ends every search. */
    if (segment->used >= demux->mask)
        return false;
    segment_insert(segment, demux->mask, slot);
    demux->used++;
    return true;
}

/* The slot of this very entry, or NULL. */
static struct demux_slot *slot_of(struct demux *demux, uint32_t hash, struct demux_entry entry)
{
    struct demux_segment *segment;
    const struct demux_slot *slot;
    uint32_t at;

    if (demux->directory == NULL)
        return NULL;
    segment = segment_of(demux, hash);
    at = home(hash, demux->mask);
    while ((slot = candidate(segment, demux->mask, hash, &at)) != NULL)
        if (slot->index == entry.index && (slot->mark & KIND_MASK) == entry.kind)
            return &segment->slot[slot - segment->slot];
    return NULL;
}

bool demux_replace(struct demux *demux, uint32_t hash, struct demux_entry entry,
                   struct demux_entry with)
{
    struct demux_slot *slot = slot_of(demux, hash, entry);

    if (slot == NULL)
        return false;
    *slot = (struct demux_slot){ .mark = mark_of(hash, with.kind), .index = with.index };
    return true;
}

bool demux_remove(struct demux *demux, uint32_t hash, struct demux_entry entry)
{
    struct demux_slot *slot = slot_of(demux, hash, entry);
    struct demux_segment *segment;

    if (slot == NULL)
        return false;
    segment = segment_of(demux, hash);
    segment_remove(segment, demux->mask, (uint32_t)(slot - segment->slot));
    demux->used--;
    shrink(demux, hash);
    return true;
}

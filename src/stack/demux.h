/* SPDX-License-Identifier: MIT */
/*
 * Which record a segment belongs to: a keyed hash from the tuple of addresses and
 * ports to the kind and index of a record. It holds no tuples, only 8 bytes an
 * entry; the tuple is compared in the record itself.
 */
#ifndef WAVEHAND_STACK_DEMUX_H
#define WAVEHAND_STACK_DEMUX_H

#include "base/memory.h"
#include "base/siphash.h"
#include "wire/segment.h"

/* Kinds of record are numbers below this one; the stack names them. */
#define DEMUX_KINDS 8
/* Slots of a segment, once the table has more than one. */
#define DEMUX_SEGMENT_BITS 11
/* The directory's largest depth: with it the table takes 2^28 records. */
#define DEMUX_DEPTH_MAX (29 - DEMUX_SEGMENT_BITS)

/* What a tuple leads to. index 0: nothing. */
struct demux_entry {
    unsigned kind;
    uint32_t index;
};

/* The tuple of a record that is in the table. */
typedef const struct tuple *demux_tuple_function(const void *context, unsigned kind,
                                                 uint32_t index);

struct demux_slot {
    uint32_t mark;  /* 29 bits of the hash, 3 bits of kind */
    uint32_t index; /* 0: free */
};

struct demux_segment {
    uint32_t used;  /* slots */
    uint32_t depth; /* leading bits of the hash that all entries here share */
    struct demux_slot slot[];
};

struct demux {
    struct demux_segment **directory; /* 2^depth pointers, by the leading bits of the hash */
    uint32_t depth;
    uint32_t mask; /* slots of a segment, minus one */
    uint32_t used; /* entries */
    struct memory *memory;
    demux_tuple_function *tuple_of;
    const void *context;
    struct siphash_key key;
    uint32_t segments[DEMUX_DEPTH_MAX + 1]; /* by depth */
};

void demux_init(struct demux *demux, struct memory *memory, const struct siphash_key *key,
                demux_tuple_function *tuple_of, const void *context);
/* Gives all memory back, whatever is in the table. */
void demux_free(struct demux *demux);

/* The hash of a tuple, for the calls below. A record may keep it, or compute it again. */
uint32_t demux_hash(const struct demux *demux, const struct tuple *tuple);
/* What the tuple leads to. */
struct demux_entry demux_find(const struct demux *demux, uint32_t hash, const struct tuple *tuple);

/*
 * For batches: hash all tuples and prefetch for each, then peek for each and
 * prefetch the record, then find. Peek answers with the first entry whose hash
 * agrees, without looking at its record; it is nearly always the one.
 */
void demux_prefetch(const struct demux *demux, uint32_t hash);
struct demux_entry demux_peek(const struct demux *demux, uint32_t hash);

/*
 * Enters a record whose tuple is not yet in the table; kind < DEMUX_KINDS, index
 * not 0. False if there is no memory for the table to grow and no slot left.
 */
bool demux_insert(struct demux *demux, uint32_t hash, struct demux_entry entry);
/* Puts `with` in the place of an entry of the same tuple. Needs no memory. False: not there. */
bool demux_replace(struct demux *demux, uint32_t hash, struct demux_entry entry,
                   struct demux_entry with);
/* False: not there. */
bool demux_remove(struct demux *demux, uint32_t hash, struct demux_entry entry);

#endif

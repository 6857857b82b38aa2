/* SPDX-License-Identifier: MIT */
/*
 * The TIME-WAIT entries of a stack: a FIFO in slabs, because 2MSL is the same for
 * all. An entry is named by its position, which never moves. One whose 2MSL was
 * restarted is appended again when it comes to the head; one that ended early is a
 * hole until then.
 */
#ifndef WAVEHAND_STACK_TIME_WAIT_TABLE_H
#define WAVEHAND_STACK_TIME_WAIT_TABLE_H

#include "tcp/time_wait.h"

struct time_wait_table {
    struct memory *memory;
    struct time_wait **slab; /* circular directory, by slab number */
    uint32_t directory;      /* its length, a power of two, or 0 */
    uint32_t head, tail;     /* positions: [head, tail) */
    uint32_t used;           /* entries that are not holes */
    /* The entry that is the next to end, and its tuple's hash: its slot has been asked for. */
    uint32_t asked, asked_hash; /* position, 0: none */
};

void time_wait_table_init(struct time_wait_table *table, struct memory *memory);
void time_wait_table_free(struct time_wait_table *table);
/* A cleared entry at the tail, its position in *position; NULL without memory. Never position 0. */
struct time_wait *time_wait_append(struct time_wait_table *table, uint32_t *position);
/* The entry at a position in [head, tail). */
struct time_wait *time_wait_at(const struct time_wait_table *table, uint32_t position);
/* Makes a hole of it. */
void time_wait_remove(struct time_wait_table *table, uint32_t position);
/* The oldest entry, past all holes at the head; NULL if there is none. */
struct time_wait *time_wait_first(struct time_wait_table *table, uint32_t *position);
/* The next entry that is no hole, from *position on (begin with head); NULL at the end. For walks. */
struct time_wait *time_wait_walk(const struct time_wait_table *table, uint32_t *position);

#endif

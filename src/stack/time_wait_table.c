/* SPDX-License-Identifier: MIT */
#include "stack/time_wait_table.h"

#include <string.h>

#define SLAB_BITS 10
#define SLAB_ENTRIES (1U << SLAB_BITS)
#define SLAB_BYTES (SLAB_ENTRIES * sizeof(struct time_wait))

static struct time_wait **slab_of(const struct time_wait_table *table, uint32_t position)
{
    return &table->slab[(position >> SLAB_BITS) & (table->directory - 1)];
}

/* A hole: no live entry is ever CLOSED. */
static bool is_hole(const struct time_wait *entry) { return entry->record.state != WH_TIME_WAIT; }

void time_wait_table_init(struct time_wait_table *table, struct memory *memory)
{
    memset(table, 0, sizeof *table);
    table->memory = memory;
    table->head = 1; /* zero means "none" elsewhere */
    table->tail = 1;
}

void time_wait_table_free(struct time_wait_table *table)
{
    for (uint32_t i = 0; i < table->directory; i++) {
        memory_give(table->memory, table->slab[i], SLAB_BYTES);
    }
    memory_give(table->memory, table->slab, table->directory * sizeof table->slab[0]);
    time_wait_table_init(table, table->memory);
    table->slab = NULL;
}

/* Doubles the directory; slabs keep their numbers. */
static bool grow(struct time_wait_table *table)
{
    uint32_t old = table->directory;
    uint32_t new = old == 0 ? 2 : old * 2;
    struct time_wait **slab = memory_take(table->memory, new * sizeof *slab, MEMORY_ORDINARY);
    if (slab == NULL) {
        return false;
    }
    memset(slab, 0, new * sizeof *slab);
    uint32_t first = table->head >> SLAB_BITS;
    for (uint32_t i = 0; i < old; i++) {
        slab[(first + i) & (new - 1)] = table->slab[(first + i) & (old - 1)];
    }
    memory_give(table->memory, table->slab, old * sizeof *slab);
    table->slab = slab;
    table->directory = new;
    return true;
}

static bool make_room(struct time_wait_table *table)
{
    /* Slab numbers wrap where positions do. */
    uint32_t slabs =
        (((table->tail >> SLAB_BITS) - (table->head >> SLAB_BITS)) & (UINT32_MAX >> SLAB_BITS)) + 1;
    if (slabs > table->directory && !grow(table)) {
        return false;
    }
    struct time_wait **slab = slab_of(table, table->tail);
    if (*slab == NULL) {
        *slab = memory_take(table->memory, SLAB_BYTES, MEMORY_ORDINARY);
    }
    return *slab != NULL;
}

struct time_wait *time_wait_at(const struct time_wait_table *table, uint32_t position)
{
    return &(*slab_of(table, position))[position & (SLAB_ENTRIES - 1)];
}

struct time_wait *time_wait_append(struct time_wait_table *table, uint32_t *position)
{
    if (!make_room(table)) {
        return NULL;
    }
    struct time_wait *entry = time_wait_at(table, table->tail);
    memset(entry, 0, sizeof *entry);
    if (table->tail == 0) {
        table->tail++; /* leave a hole: position 0 names nothing */
        return time_wait_append(table, position);
    }
    *position = table->tail++;
    table->used++;
    return entry;
}

void time_wait_remove(struct time_wait_table *table, uint32_t position)
{
    memset(time_wait_at(table, position), 0, sizeof(struct time_wait));
    table->used--;
}

/* The head leaves a slab: its memory goes back. */
static void pass_head(struct time_wait_table *table)
{
    uint32_t position = table->head++;
    if ((table->head & (SLAB_ENTRIES - 1)) == 0) {
        struct time_wait **slab = slab_of(table, position);
        memory_give(table->memory, *slab, SLAB_BYTES);
        *slab = NULL;
    }
}

struct time_wait *time_wait_first(struct time_wait_table *table, uint32_t *position)
{
    while (table->head != table->tail) {
        struct time_wait *entry = time_wait_at(table, table->head);
        if (!is_hole(entry)) {
            *position = table->head;
            return entry;
        }
        pass_head(table);
    }
    if (table->directory != 0 && *slab_of(table, table->head) != NULL) {
        /* Empty: keep nothing. */
        memory_give(table->memory, *slab_of(table, table->head), SLAB_BYTES);
        *slab_of(table, table->head) = NULL;
    }
    return NULL;
}

struct time_wait *time_wait_walk(const struct time_wait_table *table, uint32_t *position)
{
    if (*position - table->head > table->tail - table->head) {
        *position = table->head; /* what stood there has ended, and its slab may be gone */
    }
    for (; *position != table->tail; (*position)++) {
        struct time_wait *entry = time_wait_at(table, *position);
        if (!is_hole(entry)) {
            return entry;
        }
    }
    return NULL;
}

/* SPDX-License-Identifier: MIT */
#include "link/parcel.h"

#include <stdlib.h>

struct parcel *parcel_new(size_t length)
{
    struct parcel *parcel = malloc(sizeof *parcel + length);
    if (parcel != NULL)
        *parcel = (struct parcel){ .length = (uint32_t)length };
    return parcel;
}

void parcel_free(struct parcel *parcel) { free(parcel); }

void parcel_free_list(struct parcel *parcel)
{
    while (parcel != NULL) {
        struct parcel *next = parcel->next;
        parcel_free(parcel);
        parcel = next;
    }
}

void underway_free(struct underway *underway)
{
    for (size_t i = 0; i < underway->count; i++)
        parcel_free(underway->heap[i]);
    free(underway->heap);
    *underway = (struct underway){ 0 };
}

static bool before(const struct parcel *a, const struct parcel *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void put(struct underway *underway, size_t at, struct parcel *parcel)
{
    underway->heap[at] = parcel;
    parcel->position = (uint32_t)at;
}

static void rise(struct underway *underway, size_t at, struct parcel *parcel)
{
    while (at > 0 && before(parcel, underway->heap[(at - 1) / 2])) {
        put(underway, at, underway->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(underway, at, parcel);
}

static void sink(struct underway *underway, size_t at, struct parcel *parcel)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < underway->count && before(underway->heap[child + 1], underway->heap[child]))
            child++;
        if (child >= underway->count || !before(underway->heap[child], parcel))
            break;
        put(underway, at, underway->heap[child]);
        at = child;
    }
    put(underway, at, parcel);
}

bool underway_add(struct underway *underway, struct parcel *parcel)
{
    if (underway->count == underway->room) {
        size_t room = underway->room == 0 ? 64 : 2 * underway->room;
        struct parcel **heap =
            room > UINT32_MAX ? NULL : realloc(underway->heap, room * sizeof(struct parcel *));
        if (heap == NULL)
            return false;
        underway->heap = heap;
        underway->room = room;
    }
    underway->bytes += parcel->length;
    rise(underway, underway->count++, parcel);
    return true;
}

struct parcel *underway_take(struct underway *underway)
{
    struct parcel *first = underway->heap[0];
    struct parcel *last = underway->heap[--underway->count];
    underway->bytes -= first->length;
    if (first != last)
        sink(underway, 0, last);
    return first;
}

void underway_hasten(struct underway *underway, struct parcel *parcel, wh_time due, uint64_t order)
{
    parcel->due = due;
    parcel->order = order;
    rise(underway, parcel->position, parcel);
}

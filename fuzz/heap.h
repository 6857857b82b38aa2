/* SPDX-License-Identifier: MIT */
/*
 * Memory for a stack under test: counts every byte, never gives more than a cap,
 * checks that free is told the size that alloc was, and refuses now and then when
 * it is told to.
 */
#ifndef WAVEHAND_FUZZ_HEAP_H
#define WAVEHAND_FUZZ_HEAP_H

#include <wavehand/wavehand.h>

#include "fuzz.h"

struct heap {
    size_t cap, used;
    uint32_t refuse; /* this many allocations from now on fail */
};

/* Before each allocation; keeps what follows aligned for any type. */
union heap_mark {
    size_t size;
    max_align_t align;
};

static inline void *heap_alloc(void *context, size_t size)
{
    struct heap *heap = context;
    if (heap->refuse > 0) {
        heap->refuse--;
        return NULL;
    }
    REQUIRE(size > 0 && heap->used + size <= heap->cap);
    union heap_mark *mark = malloc(sizeof(*mark) + size);
    REQUIRE(mark != NULL);
    mark->size = size;
    heap->used += size;
    memset(mark + 1, 0xa5, size); /* nobody may count on zeros */
    return mark + 1;
}

static inline void heap_free(void *context, void *memory, size_t size)
{
    struct heap *heap = context;
    union heap_mark *mark = (union heap_mark *)memory - 1;
    REQUIRE(mark->size == size && heap->used >= size);
    heap->used -= size;
    free(mark);
}

#endif

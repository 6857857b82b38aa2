/* SPDX-License-Identifier: MIT */
/* What the tests of src/tcp and src/stack share: a counted heap that can refuse, and numbers. */
#ifndef WAVEHAND_TESTS_ARENA_H
#define WAVEHAND_TESTS_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/chunk.h"
#include "base/seq.h"

struct arena {
    size_t bytes; /* given out by the hooks and not returned */
    long grants;  /* this many more requests are granted, then none; negative: all */
    bool refuse_all;
    struct memory memory;
    struct chunk_store store;
};

static inline void *arena_alloc(void *context, size_t size)
{
    struct arena *arena = context;
    if (arena->refuse_all || arena->grants == 0) {
        return NULL;
    }
    arena->grants -= arena->grants > 0;
    void *at = malloc(size);
    assert_non_null(at);
    memset(at, 0xa5, size); /* nobody may count on zeros */
    arena->bytes += size;
    return at;
}

static inline void arena_release(void *context, void *at, size_t size)
{
    struct arena *arena = context;
    arena->bytes -= size;
    free(at);
}

static inline wh_memory arena_hooks(struct arena *arena)
{
    return (wh_memory){ .context = arena, .alloc = arena_alloc, .free = arena_release };
}

static inline void arena_begin(struct arena *arena, size_t cap)
{
    wh_memory hooks = arena_hooks(arena);
    memset(arena, 0, sizeof *arena);
    arena->grants = -1;
    memory_init(&arena->memory, &hooks, cap);
    chunk_store_init(&arena->store, &arena->memory);
}

/* Everything must have come back. */
static inline void arena_end(struct arena *arena)
{
    chunk_store_trim(&arena->store);
    assert_int_equal(arena->memory.used, 0);
    assert_int_equal(arena->bytes, 0);
}

/* SplitMix64: the same numbers on every machine. */
static inline uint64_t any(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t any_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(any(state) % bound);
}

#endif

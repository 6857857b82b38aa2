/* SPDX-License-Identifier: MIT */
/* Memory that will be needed soon is asked for before it is: a hint, without effect on anything. */
#ifndef WAVEHAND_BASE_PREFETCH_H
#define WAVEHAND_BASE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE 64

/* Any address may be given, NULL included: what cannot be read is not. */
static inline void prefetch(const void *at, size_t bytes)
{
    for (size_t offset = 0; offset < bytes; offset += CACHE_LINE) {
        /* As a number: beyond NULL there is nothing to point at. */
        __builtin_prefetch((const void *)((uintptr_t)at + offset));
    }
}

#endif

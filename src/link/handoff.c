/* SPDX-License-Identifier: MIT */
#include "link/handoff.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Two sides on lines of their own: a neighbour's write must not cost the other a miss. */
enum { CACHE_LINE = 64 };

/* Before each frame, at a multiple of its own size, so that one always fits before the end. */
struct entry {
    uint32_t length; /* of the frame; WRAP: the rest of the ring is empty, go on at its start */
    uint16_t flags;
    uint16_t segment_size;
    uint16_t checksum_start;
    uint16_t checksum_offset;
    uint32_t unused;
};
_Static_assert(sizeof(struct entry) == 16, "a power of two, or one might not fit before the end");

#define WRAP UINT32_MAX

struct handoff {
    /* the producer's */
    _Alignas(CACHE_LINE) atomic_size_t written; /* bytes, ever, modulo its range */
    size_t read_seen;
    atomic_size_t lost;
    /* the consumer's */
    _Alignas(CACHE_LINE) atomic_size_t read; /* bytes, ever, modulo its range */
    uint64_t taken;                          /* ... and those that are being looked at */
    size_t written_seen;
    /* nobody's: constant */
    _Alignas(CACHE_LINE) size_t size;
    uint8_t *bytes;
};

struct handoff *handoff_new(size_t size)
{
    struct handoff *ring = aligned_alloc(CACHE_LINE, sizeof *ring);
    if (ring == NULL)
        return NULL;
    memset(ring, 0, sizeof *ring);
    ring->size = size;
    ring->bytes = calloc(1, size); /* aligned for any type, an entry included */
    if (ring->bytes == NULL) {
        free(ring);
        return NULL;
    }
    return ring;
}

void handoff_free(struct handoff *ring)
{
    if (ring == NULL)
        return;
    free(ring->bytes);
    free(ring);
}

static size_t room_of(size_t length)
{
    return sizeof(struct entry) +
           (length + sizeof(struct entry) - 1) / sizeof(struct entry) * sizeof(struct entry);
}

static struct entry *entry_at(const struct handoff *ring, size_t position)
{
    return (struct entry *)(void *)(ring->bytes + (position & (ring->size - 1)));
}

/* ------------------------------------------------------------- producer --- */

/* True if so many bytes are free behind `written`. */
static bool has_room(struct handoff *ring, size_t written, size_t need)
{
    if (written + need - ring->read_seen <= ring->size)
        return true;
    ring->read_seen = atomic_load_explicit(&ring->read, memory_order_acquire);
    return written + need - ring->read_seen <= ring->size;
}

bool handoff_put(struct handoff *ring, const wh_frame *frame)
{
    size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    size_t need = room_of(frame->length);
    size_t to_end = ring->size - (written & (ring->size - 1));
    size_t skipped = need > to_end ? to_end : 0;
    if (!has_room(ring, written, skipped + need)) {
        atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
        return false;
    }
    if (skipped > 0)
        entry_at(ring, written)->length = WRAP;
    struct entry *entry = entry_at(ring, written + skipped);
    *entry = (struct entry){ .length = frame->length,
                             .flags = frame->flags,
                             .segment_size = frame->segment_size,
                             .checksum_start = frame->checksum_start,
                             .checksum_offset = frame->checksum_offset };
    memcpy(entry + 1, frame->slice[0].base, frame->length);
    atomic_store_explicit(&ring->written, written + skipped + need, memory_order_release);
    return true;
}

/* ------------------------------------------------------------- consumer --- */

bool handoff_waiting(struct handoff *ring)
{
    if (ring->taken == ring->written_seen)
        ring->written_seen = atomic_load_explicit(&ring->written, memory_order_acquire);
    return ring->taken != ring->written_seen;
}

size_t handoff_take(struct handoff *ring, wh_frame *frames, size_t cap)
{
    size_t n = 0;
    while (n < cap && handoff_waiting(ring)) {
        const struct entry *entry = entry_at(ring, ring->taken);
        if (entry->length == WRAP) {
            ring->taken += ring->size - (ring->taken & (ring->size - 1));
            continue;
        }
        frames[n++] = (wh_frame){ .slice = { { entry + 1, entry->length } },
                                  .slices = 1,
                                  .length = entry->length,
                                  .flags = entry->flags,
                                  .segment_size = entry->segment_size,
                                  .checksum_start = entry->checksum_start,
                                  .checksum_offset = entry->checksum_offset };
        ring->taken += room_of(entry->length);
    }
    return n;
}

void handoff_done(struct handoff *ring)
{
    atomic_store_explicit(&ring->read, ring->taken, memory_order_release);
}

size_t handoff_lost(const struct handoff *ring)
{
    return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}

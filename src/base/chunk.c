/* SPDX-License-Identifier: MIT */
/*
 * Chunks come in sizes some four times apart, so that a lone request of a few
 * bytes does not hold 64 KiB and bulk does not hold a thousand headers; and one of
 * 2 KiB, which a frame of Ethernet's 1500 bytes fills more than half, so that it can
 * stay where the link has put it and be read there. A freed chunk goes to the head of
 * its class's spare list and is the next one taken: its memory is still in the cache.
 */
#include "base/chunk.h"

#include <string.h>

#include "base/bytes.h"

#define SPARE_BYTES_MAX ((size_t)1 << 20)

/* What stands in a chunk of its own whose bytes are somebody else's. */
struct reference {
    void (*done)(void *argument);
    void *argument;
};

/* The largest holds a super-segment with its headers and some hundred bytes of link header. */
static const uint32_t class_bytes[CHUNK_CLASSES + 1] = {
    1024, 2048, 4096, 16384, 66560, sizeof(struct chunk) + sizeof(struct reference)
};

static uint32_t class_size(unsigned class)
{
    return class_bytes[class] - (uint32_t)sizeof(struct chunk);
}

_Static_assert(66560 - sizeof(struct chunk) >= 65535 + 512,
               "a super-segment fits the largest chunk");

static void store_reclaim(void *context) { chunk_store_trim(context); }

void chunk_store_init(struct chunk_store *store, struct memory *memory)
{
    *store = (struct chunk_store){ .memory = memory };
    memory->reclaim = store_reclaim;
    memory->reclaim_context = store;
}

void chunk_store_trim(struct chunk_store *store)
{
    for (unsigned class = 0; class <= CHUNK_FOREIGN; class ++) {
        while (store->spare[class] != NULL) {
            struct chunk *chunk = store->spare[class];

            store->spare[class] = chunk->next;
            memory_give(store->memory, chunk, class_bytes[class]);
        }
        store->spares[class] = 0;
    }
}

size_t chunk_store_spare(const struct chunk_store *store)
{
    size_t bytes = 0;
    for (unsigned class = 0; class <= CHUNK_FOREIGN; class ++) {
        bytes += (size_t)store->spares[class] * class_bytes[class];
    }
    return bytes;
}

uint32_t chunk_max(void) { return class_size(CHUNK_CLASSES - 1); }

uint32_t chunk_cost(const struct chunk *chunk)
{
    return class_bytes[chunk->class] + (chunk->class == CHUNK_FOREIGN ? chunk->size : 0);
}

/* The smallest class with room for want bytes, or the largest. */
static unsigned class_for(uint64_t want)
{
    unsigned class = 0;

    while (class < CHUNK_CLASSES - 1 && class_size(class) < want)
        class ++;
    return class;
}

static struct chunk *take_class(struct chunk_store *store, unsigned class, enum memory_need need)
{
    struct chunk *chunk = store->spare[class];

    if (chunk != NULL) {
        store->spare[class] = chunk->next;
        store->spares[class]--;
    } else {
        chunk = memory_take(store->memory, class_bytes[class], need);
        if (chunk == NULL)
            return NULL;
    }
    chunk->next = NULL;
    chunk->data = chunk->own;
    chunk->references = 1;
    chunk->size = class_size(class);
    chunk->begin = chunk->end = 0;
    chunk->seq = 0;
    chunk->block = 0;
    chunk->class = (uint8_t) class;
    return chunk;
}

struct chunk *chunk_take(struct chunk_store *store, uint32_t want, enum memory_need need)
{
    if (want > chunk_max())
        return NULL;
    return take_class(store, class_for(want), need);
}

struct chunk *chunk_refer(struct chunk_store *store, const void *base, uint32_t length,
                          void (*done)(void *argument), void *argument, enum memory_need need)
{
    struct chunk *chunk = take_class(store, CHUNK_FOREIGN, need);

    if (chunk == NULL)
        return NULL;
    struct reference *reference = (struct reference *)(void *)chunk->own;
    chunk->data = (uint8_t *)(uintptr_t)base;
    chunk->size = chunk->end = length;
    reference->done = done;
    reference->argument = argument;
    return chunk;
}

void chunk_drop(struct chunk_store *store, struct chunk *chunk)
{
    unsigned class = chunk->class;
    size_t bound = MIN(SPARE_BYTES_MAX, store->memory->cap / 32);

    if (--chunk->references != 0)
        return;
    if (class == CHUNK_FOREIGN) {
        const struct reference *reference = (const void *)chunk->own;
        reference->done(reference->argument);
    }
    if ((size_t)(store->spares[class] + 1) * class_bytes[class] > bound) {
        memory_give(store->memory, chunk, class_bytes[class]);
        return;
    }
    chunk->next = store->spare[class];
    store->spare[class] = chunk;
    store->spares[class]++;
}

/* ------------------------------------------------------------------- queue */

void chunk_queue_push(struct chunk_queue *queue, struct chunk *chunk)
{
    chunk->next = NULL;
    if (queue->tail != NULL)
        queue->tail->next = chunk;
    else
        queue->head = chunk;
    queue->tail = chunk;
    queue->length += chunk_length(chunk);
    queue->cost += chunk_cost(chunk);
}

/*
 * A chunk for `left` more bytes. Its class follows what is queued already as well
 * as what is being queued: a writer of many small pieces gets larger chunks as its
 * queue grows. Where memory is short a smaller chunk is better than none.
 */
struct chunk *chunk_queue_extend(struct chunk_queue *queue, struct chunk_store *store, size_t left,
                                 enum memory_need need)
{
    unsigned class = class_for(MAX((uint64_t)left, queue->length));
    struct chunk *chunk;

    while ((chunk = take_class(store, class, need)) == NULL && class != 0)
        class --;
    if (chunk != NULL)
        chunk_queue_push(queue, chunk);
    return chunk;
}

size_t chunk_queue_append(struct chunk_queue *queue, struct chunk_store *store, const void *data,
                          size_t length, enum memory_need need)
{
    const uint8_t *from = data;
    size_t taken = 0;

    while (taken < length) {
        struct chunk *tail = queue->tail;
        uint32_t n;

        /*
         * Room in the tail is filled even while frames in flight refer to the chunk:
         * they refer to bytes before `end` as it was, `end` only grows, and nobody
         * else writes past it because a chunk stands in one queue.
         */
        if (tail == NULL || chunk_room(tail) == 0) {
            tail = chunk_queue_extend(queue, store, length - taken, need);
            if (tail == NULL)
                break;
        }
        n = (uint32_t)MIN(length - taken, (size_t)chunk_room(tail));
        memcpy(tail->data + tail->end, from + taken, n);
        tail->end += n;
        tail->block = 0; /* as far as it was summed, it no longer is */
        queue->length += n;
        taken += n;
    }
    return taken;
}

static void drop_head(struct chunk_queue *queue, struct chunk_store *store)
{
    struct chunk *head = queue->head;

    queue->head = head->next;
    if (queue->head == NULL)
        queue->tail = NULL;
    head->next = NULL;
    queue->cost -= chunk_cost(head);
    chunk_drop(store, head);
}

void chunk_queue_consume(struct chunk_queue *queue, struct chunk_store *store, uint64_t n)
{
    queue->length -= (uint32_t)n;
    while (queue->head != NULL && n >= chunk_length(queue->head)) {
        n -= chunk_length(queue->head);
        drop_head(queue, store);
    }
    if (queue->head != NULL)
        queue->head->begin += (uint32_t)n;
}

void chunk_queue_cut(struct chunk_queue *queue, struct chunk_store *store, uint64_t n)
{
    uint32_t keep = queue->length - (uint32_t)n;
    if (n == 0)
        return;
    if (keep == 0) {
        chunk_queue_clear(queue, store);
        return;
    }
    uint32_t at;
    struct chunk *last = chunk_queue_find(queue, keep - 1, &at);
    struct chunk_queue rest = { last->next, queue->tail, 0, 0 };
    for (const struct chunk *chunk = last->next; chunk != NULL; chunk = chunk->next) {
        rest.cost += chunk_cost(chunk);
    }
    last->end = at + 1;
    last->block = 0; /* its last block is shorter than what was summed */
    last->next = NULL;
    queue->tail = last;
    queue->length = keep;
    queue->cost -= rest.cost;
    chunk_queue_clear(&rest, store);
}

void chunk_queue_clear(struct chunk_queue *queue, struct chunk_store *store)
{
    while (queue->head != NULL)
        drop_head(queue, store);
    queue->length = 0;
}

struct chunk *chunk_queue_find(const struct chunk_queue *queue, uint64_t offset, uint32_t *at)
{
    struct chunk *chunk = queue->head;

    while (offset >= chunk_length(chunk)) {
        offset -= chunk_length(chunk);
        chunk = chunk->next;
    }
    *at = chunk->begin + (uint32_t)offset;
    return chunk;
}

void chunk_queue_copy(const struct chunk_queue *queue, uint64_t offset, void *to, size_t length)
{
    const struct chunk *chunk;
    uint8_t *out = to;
    uint32_t at;

    if (length == 0)
        return;
    chunk = chunk_queue_find(queue, offset, &at);
    for (;;) {
        size_t n = MIN((size_t)(chunk->end - at), length);

        memcpy(out, chunk->data + at, n);
        out += n;
        length -= n;
        if (length == 0)
            return;
        chunk = chunk->next;
        at = chunk->begin;
    }
}

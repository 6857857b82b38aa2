/* SPDX-License-Identifier: MIT */
/*
 * Chunks: reference-counted pieces of memory that hold a stream's bytes while
 * there are any. A queue of bytes is a list of chunks; a frame on its way out
 * holds a reference to the chunks it points into, so an acknowledgement may drop
 * the queue's reference before the link is done.
 */
#ifndef WAVEHAND_BASE_CHUNK_H
#define WAVEHAND_BASE_CHUNK_H

#include "base/memory.h"

struct chunk {
    struct chunk *next; /* in the one queue it stands in */
    uint32_t references;
    uint32_t size;  /* usable bytes at data */
    uint32_t begin; /* first byte that counts, from data */
    uint32_t end;   /* one past the last; never moves back over bytes that a frame refers to */
    uint32_t seq;   /* sequence number of the byte at begin, for reassembly */
    uint16_t block; /* bytes of a block that is summed, or 0 (chunk_sum.h) */
    uint8_t class;  /* size class; index into chunk_store.spare */
    _Alignas(max_align_t) uint8_t data[]; /* 16 bytes on 64-bit machines */
};

#define CHUNK_CLASSES 5
/*
 * Whole allocations by class are 1 KiB, 2 KiB, 4 KiB, 16 KiB and 65 KiB; usable is
 * what remains past the header (32 bytes on 64-bit machines).
 */

/*
 * Freed chunks wait here for the next taker: no allocation per segment. They
 * count as used memory, are bounded per class (a thirty-second of the cap, 1 MiB
 * at most), and go back to the hooks when any request of this memory fails.
 */
struct chunk_store {
    struct memory *memory;
    struct chunk *spare[CHUNK_CLASSES];
    uint32_t spares[CHUNK_CLASSES];
};

/* Also makes the store what memory_take falls back on; the store must not move afterwards. */
void chunk_store_init(struct chunk_store *store, struct memory *memory);
/* Gives every spare chunk back to the hooks. */
void chunk_store_trim(struct chunk_store *store);
/* Bytes of memory that spare chunks hold. */
size_t chunk_store_spare(const struct chunk_store *store);
/* The largest usable size of a chunk (at least 65535 + 512 bytes). */
uint32_t chunk_max(void);
/* A chunk with room for at least want <= chunk_max() bytes, one reference, begin = end = 0. */
struct chunk *chunk_take(struct chunk_store *store, uint32_t want, enum memory_need need);
static inline void chunk_hold(struct chunk *chunk) { chunk->references++; }
/* Drops a reference; the last one frees it. */
void chunk_drop(struct chunk_store *store, struct chunk *chunk);
static inline uint32_t chunk_length(const struct chunk *chunk) { return chunk->end - chunk->begin; }
static inline uint32_t chunk_room(const struct chunk *chunk) { return chunk->size - chunk->end; }
/* Bytes that this chunk costs under the cap. */
uint32_t chunk_cost(const struct chunk *chunk);

/* A stream of bytes: chunks from head to tail, none of them empty. Zeroed memory is a queue. */
struct chunk_queue {
    struct chunk *head, *tail;
    uint32_t length; /* bytes */
    uint32_t cost;   /* bytes of memory behind them */
};

/* Appends a copy; returns the bytes taken, fewer than length when memory ran out. */
size_t chunk_queue_append(struct chunk_queue *queue, struct chunk_store *store, const void *data,
                          size_t length, enum memory_need need);
/*
 * Appends an empty chunk for `left` more bytes, or for as many as there is memory for; NULL
 * without any. The caller fills some of it at once.
 */
struct chunk *chunk_queue_extend(struct chunk_queue *queue, struct chunk_store *store, size_t left,
                                 enum memory_need need);
/* Appends the chunk itself (its reference moves to the queue). It must not be empty. */
void chunk_queue_push(struct chunk_queue *queue, struct chunk *chunk);
/* Drops n <= length bytes from the front. */
void chunk_queue_consume(struct chunk_queue *queue, struct chunk_store *store, uint64_t n);
/*
 * Drops n <= length bytes from the end. Nothing may refer to them: what is appended
 * next takes their place.
 */
void chunk_queue_cut(struct chunk_queue *queue, struct chunk_store *store, uint64_t n);
/* Drops everything. */
void chunk_queue_clear(struct chunk_queue *queue, struct chunk_store *store);
/*
 * The chunk that holds the byte at offset < length; *at is its place from data.
 * Walks from the head: who sends from far inside a long queue keeps the answer.
 */
struct chunk *chunk_queue_find(const struct chunk_queue *queue, uint64_t offset, uint32_t *at);
/* Copies length bytes from offset; both lie within the queue. */
void chunk_queue_copy(const struct chunk_queue *queue, uint64_t offset, void *to, size_t length);

#endif

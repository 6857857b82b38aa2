/* SPDX-License-Identifier: MIT */
/*
 * Sums of a chunk's bytes, made while they are copied into it, so that a segment
 * built from them later needs no second pass over the data.
 *
 * A chunk is summed in blocks: the first is as long as its filler says, those behind
 * it have one length. Who fills it with what is to leave in segments lets a block be
 * a segment. A segment that is no block, because it was cut elsewhere when it left,
 * is summed anew: nothing depends on the guess having been right. The sums stand at
 * the end of the chunk, which is so much shorter.
 */
#ifndef WAVEHAND_BASE_CHUNK_SUM_H
#define WAVEHAND_BASE_CHUNK_SUM_H

#include "base/checksum.h"
#include "base/chunk.h"

/* How bytes are to be copied and summed. */
struct summing {
    const struct checksum *checksum;
    uint32_t block; /* bytes of a block; less than CHUNK_SUM_LEAST: none is summed */
    uint32_t first; /* of the first byte's: bytes until a new one begins, 1 to block */
};

/* Blocks smaller than this are not worth the room of their sums. */
#define CHUNK_SUM_LEAST 512

/* Like chunk_queue_append, summing on the way. */
size_t chunk_queue_append_summed(struct chunk_queue *queue, struct chunk_store *store,
                                 const void *data, size_t length, enum memory_need need,
                                 const struct summing *summing);
/* The sum of data[at, at + length), if these bytes are a whole block as far as it goes. */
bool chunk_sum(const struct chunk *chunk, uint32_t at, uint32_t length, uint16_t *sum);
/* Bytes have been written to the chunk by somebody else, or been taken from its end. */
static inline void chunk_sum_forget(struct chunk *chunk) { chunk->block = 0; }

#endif

/* SPDX-License-Identifier: MIT */
#include "base/chunk_sum.h"

#include "base/bytes.h"

/* What stands at the end of a chunk with block != 0. */
struct sums {
    uint16_t first; /* bytes of the first block */
    uint16_t sum[]; /* of each block, as far as it is filled; each begins at an even place */
};

static struct sums *sums_of(const struct chunk *chunk)
{
    return (struct sums *)(void *)((uint8_t *)(uintptr_t)chunk->data + chunk->size);
}

/* A chunk that has just been taken will be summed, `done` bytes behind where summing->first counts. */
static void begin(struct chunk *chunk, const struct summing *summing, size_t done)
{
    if (summing->block < CHUNK_SUM_LEAST || summing->block > UINT16_MAX) {
        return;
    }
    /* One block more than fit: the first may be a short one. */
    uint32_t room = (2 + chunk->size / summing->block) * (uint32_t)sizeof(uint16_t) +
                    (uint32_t)sizeof(struct sums);
    chunk->size = (chunk->size - room) & ~UINT32_C(1);
    chunk->block = (uint16_t)summing->block;
    uint32_t past = (uint32_t)((done + summing->block - summing->first) % summing->block);
    sums_of(chunk)->first = (uint16_t)(summing->block - past);
}

/* The block that holds this place: its number, and where it begins and ends. */
static uint32_t block_at(const struct chunk *chunk, uint32_t at, uint32_t *left, uint32_t *right)
{
    uint32_t first = sums_of(chunk)->first;
    uint32_t number = at < first ? 0 : 1 + (at - first) / chunk->block;

    *left = number == 0 ? 0 : first + (number - 1) * chunk->block;
    *right = MIN(first + number * chunk->block, chunk->size);
    return number;
}

/* Copies n bytes, for which there is room, behind what is there. */
static void fill(struct chunk *chunk, const uint8_t *from, uint32_t n,
                 const struct checksum *checksum)
{
    if (chunk->block == 0) {
        (void)checksum->copy(chunk->data + chunk->end, from, n, 0);
        chunk->end += n;
        return;
    }
    uint16_t *sums = sums_of(chunk)->sum;

    while (n > 0) {
        uint32_t left, right;
        uint32_t number = block_at(chunk, chunk->end, &left, &right);
        uint32_t piece = MIN(n, right - chunk->end);
        uint64_t sum = checksum->copy(chunk->data + chunk->end, from, piece, 0);

        if (((chunk->end - left) & 1) != 0)
            sum = checksum_swap(sum);
        sums[number] = checksum_fold(sum + (chunk->end == left ? 0 : sums[number]));
        chunk->end += piece;
        from += piece;
        n -= piece;
    }
}

size_t chunk_queue_append_summed(struct chunk_queue *queue, struct chunk_store *store,
                                 const void *data, size_t length, enum memory_need need,
                                 const struct summing *summing)
{
    const uint8_t *from = data;
    size_t taken = 0;

    while (taken < length) {
        struct chunk *tail = queue->tail;

        /* The tail is filled even while frames refer to it, as in chunk_queue_append. */
        if (tail == NULL || chunk_room(tail) == 0) {
            tail = chunk_queue_extend(queue, store, length - taken, need);
            if (tail == NULL)
                break;
            begin(tail, summing, taken);
        }
        uint32_t n = (uint32_t)MIN(length - taken, (size_t)chunk_room(tail));
        fill(tail, from + taken, n, summing->checksum);
        queue->length += n;
        taken += n;
    }
    return taken;
}

bool chunk_sum(const struct chunk *chunk, uint32_t at, uint32_t length, uint16_t *sum)
{
    uint32_t left, right;

    if (chunk->block == 0 || length == 0)
        return false;
    uint32_t number = block_at(chunk, at, &left, &right);
    if (at != left || at + length != MIN(right, chunk->end))
        return false;
    *sum = sums_of(chunk)->sum[number];
    return true;
}

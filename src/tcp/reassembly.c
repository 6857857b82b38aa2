/* SPDX-License-Identifier: MIT */
#include "tcp/reassembly.h"

#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"

static uint32_t capacity_of(const struct chunk *chunk)
{
    return (uint32_t)((chunk->size - sizeof(struct reassembly)) / sizeof(struct block));
}

/* Room for one more block, moving to a larger chunk if there is one. */
static wh_reason make_room(struct reassembly **reassembly, struct chunk_store *store)
{
    struct reassembly *old = *reassembly;
    if (old != NULL && old->count < old->capacity) {
        return WH_WHY_NONE;
    }
    if (old != NULL && old->chunk->size >= chunk_max()) {
        return WH_WHY_REASSEMBLY_FULL;
    }
    uint32_t want = old == NULL ? 512 : MIN(old->chunk->size + 1, chunk_max());
    struct chunk *chunk = chunk_take(store, want, MEMORY_ORDINARY);
    if (chunk == NULL) {
        return WH_WHY_MEMORY_CAP;
    }
    struct reassembly *new = (struct reassembly *)(void *)chunk->data;
    if (old == NULL) {
        memset(new, 0, sizeof *new);
    } else {
        memcpy(new, old, sizeof *new + old->count * sizeof(struct block));
        chunk_drop(store, old->chunk);
    }
    new->chunk = chunk;
    new->capacity = capacity_of(chunk);
    *reassembly = new;
    return WH_WHY_NONE;
}

/* Position of the first block whose right edge is not left of seq. */
static uint32_t find(const struct reassembly *r, uint32_t seq)
{
    uint32_t low = 0;
    uint32_t high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seq_lt(r->block[middle].right, seq)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool reassembly_holds(const struct reassembly *reassembly, uint32_t seq, uint32_t length,
                      uint32_t *left, uint32_t *right)
{
    if (reassembly == NULL) {
        return false;
    }
    uint32_t position = find(reassembly, seq + 1); /* a block that ends at seq does not count */
    if (position == reassembly->count) {
        return false;
    }
    const struct block *block = &reassembly->block[position];
    *left = seq_max(seq, block->left);
    *right = seq_min(seq + length, block->right);
    return seq_lt(*left, *right);
}

static void remove_block(struct reassembly *r, uint32_t position)
{
    r->count--;
    memmove(&r->block[position], &r->block[position + 1],
            (r->count - position) * sizeof r->block[0]);
}

/* The block that holds seq becomes the most recent; each block is remembered once. */
static void note_recent(struct reassembly *r, uint32_t seq)
{
    uint32_t position = find(r, seq);
    if (position < r->count && r->block[position].right == seq) {
        position++;
    }
    if (position == r->count || seq_lt(seq, r->block[position].left)) {
        return; /* refused: it must not push out what is held */
    }
    const struct block *block = &r->block[position];
    uint32_t kept[WH_SACK_BLOCKS];
    uint32_t n = 0;
    kept[n++] = seq;
    for (uint32_t i = 0; i < r->recents && n < WH_SACK_BLOCKS; i++) {
        if (!seq_in(r->recent[i], block->left, block->right - block->left)) {
            kept[n++] = r->recent[i];
        }
    }
    memcpy(r->recent, kept, n * sizeof kept[0]);
    r->recents = n;
}

/* Moves all chunks of `from` behind those of `to`. */
static void join(struct chunk_queue *to, struct chunk_queue *from)
{
    if (from->head == NULL) {
        return;
    }
    if (to->head == NULL) {
        to->head = from->head;
    } else {
        to->tail->next = from->head;
    }
    to->tail = from->tail;
    to->length += from->length;
    to->cost += from->cost;
}

/*
 * Appends with chunks that fit, not such as a long queue would ask for: the next hole that is
 * filled joins this block to its neighbour, and what is then left of the last chunk stays empty.
 */
static size_t append(struct chunk_queue *queue, struct chunk_store *store, const uint8_t *data,
                     uint32_t length)
{
    uint32_t room = queue->tail != NULL ? MIN(chunk_room(queue->tail), length) : 0;
    size_t taken = chunk_queue_append(queue, store, data, room, MEMORY_ORDINARY);
    while (taken < length) {
        uint32_t n = MIN(length - (uint32_t)taken, chunk_max());
        struct chunk *chunk = chunk_take(store, n, MEMORY_ORDINARY);
        if (chunk == NULL) {
            break;
        }
        memcpy(chunk->data, data + taken, n);
        chunk->end = n;
        chunk_queue_push(queue, chunk);
        taken += n;
    }
    return taken;
}

/* Appends to a block; on a lack of memory takes what it can. */
static wh_reason extend(struct reassembly *r, struct chunk_store *store, struct block *block,
                        const uint8_t *data, uint32_t length)
{
    r->cost -= block->bytes.cost;
    size_t taken = append(&block->bytes, store, data, length);
    r->cost += block->bytes.cost;
    block->right += (uint32_t)taken;
    r->held += (uint32_t)taken;
    return taken == length ? WH_WHY_NONE : WH_WHY_MEMORY_CAP;
}

static wh_reason insert_block(struct reassembly **reassembly, struct chunk_store *store,
                              uint32_t position, uint32_t seq)
{
    wh_reason reason = make_room(reassembly, store);
    if (reason != WH_WHY_NONE) {
        return reason;
    }
    struct reassembly *r = *reassembly;
    memmove(&r->block[position + 1], &r->block[position],
            (r->count - position) * sizeof r->block[0]);
    r->count++;
    r->block[position] = (struct block){ .left = seq, .right = seq };
    return WH_WHY_NONE;
}

/* Joins the block at position with the next while they touch. */
static void merge_next(struct reassembly *r, uint32_t position)
{
    struct block *block = &r->block[position];
    while (position + 1 < r->count && block[1].left == block->right) {
        join(&block->bytes, &block[1].bytes);
        block->right = block[1].right;
        remove_block(r, position + 1);
    }
}

/* Puts data into the gap that ends where the block at `position` begins, at most. */
static wh_reason fill_gap(struct reassembly **reassembly, struct chunk_store *store,
                          uint32_t *position, uint32_t seq, const uint8_t *data, uint32_t length)
{
    struct reassembly *r = *reassembly;
    bool touches = r != NULL && *position > 0 && r->block[*position - 1].right == seq;
    if (touches) {
        (*position)--;
    } else {
        wh_reason reason = insert_block(reassembly, store, *position, seq);
        if (reason != WH_WHY_NONE) {
            return reason;
        }
        r = *reassembly;
    }
    wh_reason reason = extend(r, store, &r->block[*position], data, length);
    if (r->block[*position].left == r->block[*position].right) {
        remove_block(r, *position);
    } else {
        merge_next(r, *position);
    }
    return reason;
}

wh_reason reassembly_add(struct reassembly **reassembly, struct chunk_store *store, uint32_t seq,
                         const uint8_t *data, uint32_t length, size_t budget)
{
    uint32_t first = seq;
    wh_reason reason = WH_WHY_NONE;
    while (length > 0 && reason == WH_WHY_NONE) {
        struct reassembly *r = *reassembly;
        uint32_t position = r == NULL ? 0 : find(r, seq);
        uint32_t gap = length;
        if (r != NULL && position < r->count && seq_geq(seq, r->block[position].left) &&
            seq_lt(seq, r->block[position].right)) {
            /* held already: skip over it */
            uint32_t skip = MIN(length, r->block[position].right - seq);
            seq += skip;
            data += skip;
            length -= skip;
            continue;
        }
        if (r != NULL && position < r->count && r->block[position].right == seq) {
            position++;
        }
        if (r != NULL && position < r->count) {
            gap = MIN(length, r->block[position].left - seq);
        }
        if (r != NULL && r->cost >= budget) {
            reason = WH_WHY_REASSEMBLY_FULL;
            break;
        }
        reason = fill_gap(reassembly, store, &position, seq, data, gap);
        seq += gap;
        data += gap;
        length -= gap;
    }
    if (*reassembly != NULL && (*reassembly)->count == 0) {
        reassembly_free(reassembly, store);
    } else if (*reassembly != NULL) {
        note_recent(*reassembly, first);
    }
    return reason;
}

void reassembly_take(struct reassembly **reassembly, struct chunk_store *store, uint32_t *next,
                     struct chunk_queue *queue)
{
    struct reassembly *r = *reassembly;
    while (r != NULL && r->count > 0 && seq_leq(r->block[0].left, *next)) {
        struct block *block = &r->block[0];
        r->held -= block->right - block->left;
        r->cost -= block->bytes.cost;
        uint32_t old = MIN(*next - block->left, block->right - block->left);
        chunk_queue_consume(&block->bytes, store, old);
        if (seq_gt(block->right, *next)) {
            join(queue, &block->bytes);
            *next = block->right;
        } else {
            chunk_queue_clear(&block->bytes, store);
        }
        remove_block(r, 0);
        if (r->count == 0) {
            reassembly_free(reassembly, store);
            return;
        }
    }
}

unsigned reassembly_sacks(const struct reassembly *reassembly, struct sack_block *sacks,
                          unsigned cap)
{
    if (reassembly == NULL) {
        return 0;
    }
    unsigned n = 0;
    for (uint32_t i = 0; i < reassembly->recents && n < cap; i++) {
        uint32_t seq = reassembly->recent[i];
        uint32_t position = find(reassembly, seq);
        if (position < reassembly->count && reassembly->block[position].right == seq) {
            position++;
        }
        if (position >= reassembly->count || seq_lt(seq, reassembly->block[position].left)) {
            continue;
        }
        struct sack_block sack = { reassembly->block[position].left,
                                   reassembly->block[position].right };
        bool told = false;
        for (unsigned k = 0; k < n; k++) {
            told = told || sacks[k].left == sack.left;
        }
        if (!told) {
            sacks[n++] = sack;
        }
    }
    return n;
}

void reassembly_free(struct reassembly **reassembly, struct chunk_store *store)
{
    struct reassembly *r = *reassembly;
    if (r == NULL) {
        return;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        chunk_queue_clear(&r->block[i].bytes, store);
    }
    chunk_drop(store, r->chunk);
    *reassembly = NULL;
}

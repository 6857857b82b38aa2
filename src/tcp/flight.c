/* SPDX-License-Identifier: MIT */
#include "tcp/flight.h"

#include <string.h>

#include "base/bytes.h"

static uint32_t range_length(const struct range *range) { return range->end - range->start; }

static struct flight *flight_in(struct chunk *chunk)
{
    struct flight *flight = (struct flight *)(void *)chunk->data;
    flight->chunk = chunk;
    flight->capacity = (uint32_t)((chunk->size - sizeof *flight) / sizeof(struct range));
    return flight;
}

/* Room for one more range, moving to a larger chunk if there is one. */
static bool flight_room(struct flight **flight, struct chunk_store *store)
{
    struct flight *old = *flight;
    if (old != NULL && old->count < old->capacity) {
        return true;
    }
    if (old != NULL && old->chunk->size >= chunk_max()) {
        return false;
    }
    uint32_t want = old == NULL ? 900 : MIN(old->chunk->size + 1, chunk_max());
    struct chunk *chunk = chunk_take(store, want, MEMORY_VITAL);
    if (chunk == NULL) {
        return false;
    }
    struct flight *new = flight_in(chunk);
    uint32_t capacity = new->capacity;
    if (old == NULL) {
        memset(new, 0, sizeof *new);
    } else {
        memcpy(new, old, sizeof *new);
        for (uint32_t i = 0; i < old->count; i++) {
            new->ring[i] = *flight_at(old, i);
        }
    }
    new->head = 0;
    new->chunk = chunk;
    new->capacity = capacity;
    if (old != NULL) {
        chunk_drop(store, old->chunk);
    }
    *flight = new;
    return true;
}

void flight_free(struct flight **flight, struct chunk_store *store)
{
    if (*flight != NULL) {
        chunk_drop(store, (*flight)->chunk);
        *flight = NULL;
    }
}

bool flight_begin(struct flight **flight, struct chunk_store *store)
{
    return *flight != NULL || flight_room(flight, store);
}

bool flight_send(struct flight **flight, struct chunk_store *store, uint32_t start, uint32_t end,
                 uint64_t now)
{
    if (!flight_empty(*flight)) {
        /* What leaves at one instant is one range: a batch of frames costs one entry. */
        struct range *last = flight_at(*flight, (*flight)->count - 1);
        if (last->sent == now && last->flags == 0) {
            last->end = end;
            return true;
        }
    }
    bool fresh = flight_empty(*flight);
    if (!flight_room(flight, store)) {
        return false;
    }
    if (fresh) {
        (*flight)->judged_to = start;
    }
    (*flight)->count++;
    *flight_at(*flight, (*flight)->count - 1) =
        (struct range){ .sent = now, .start = start, .end = end };
    return true;
}

/* Takes `length` bytes of a range out of the sums it counts in. */
static void uncount(struct flight *flight, const struct range *range, uint32_t length)
{
    if (range->flags & RANGE_SACKED) {
        flight->sacked -= length;
    }
    if (range->flags & RANGE_LOST) {
        flight->lost -= length;
    }
}

void flight_acknowledge(struct flight *f, uint32_t ack, uint64_t *sent, uint32_t *delivered)
{
    *sent = 0;
    *delivered = 0;
    if (f == NULL) {
        return;
    }
    while (f->count > 0) {
        struct range *first = flight_at(f, 0);
        if (seq_leq(ack, first->start)) {
            break;
        }
        uint32_t covered = seq_min(ack, first->end) - first->start;
        if ((first->flags & (RANGE_SACKED | RANGE_RETRANSMITTED)) == 0) {
            *sent = first->sent;
        }
        if ((first->flags & RANGE_SACKED) == 0) {
            *delivered += covered;
        }
        uncount(f, first, covered);
        first->start += covered;
        if (first->start != first->end) {
            break;
        }
        f->head = f->head + 1 == f->capacity ? 0 : f->head + 1;
        f->count--;
        f->hint -= f->hint > 0;
    }
    f->judged_to = seq_max(f->judged_to, ack);
}

uint32_t flight_find(struct flight *flight, uint32_t seq)
{
    uint32_t low = 0;
    uint32_t high = flight->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (seq_leq(flight_at(flight, middle)->end, seq)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool flight_split(struct flight **flight, struct chunk_store *store, uint32_t position, uint32_t at)
{
    if (!flight_room(flight, store)) {
        return false;
    }
    struct flight *f = *flight;
    f->count++;
    for (uint32_t i = f->count - 1; i > position; i--) {
        *flight_at(f, i) = *flight_at(f, i - 1);
    }
    flight_at(f, position)->end = at;
    flight_at(f, position + 1)->start = at;
    if (f->hint > position) {
        f->hint++;
    }
    return true;
}

uint32_t flight_sack(struct flight **flight, struct chunk_store *store, uint32_t left,
                     uint32_t right, uint64_t *sent)
{
    uint32_t newly = 0;
    uint32_t position = flight_find(*flight, left);
    while (position < (*flight)->count) {
        struct range *range = flight_at(*flight, position);
        if (seq_geq(range->start, right)) {
            break;
        }
        if (range->flags & RANGE_SACKED) {
            position++;
            continue;
        }
        if (seq_lt(range->start, left)) {
            if (!flight_split(flight, store, position, left)) {
                break;
            }
            position++;
            range = flight_at(*flight, position);
        }
        if (seq_gt(range->end, right)) {
            if (!flight_split(flight, store, position, right)) {
                break;
            }
            range = flight_at(*flight, position);
        }
        uint32_t length = range_length(range);
        uncount(*flight, range, length);
        if ((range->flags & RANGE_RETRANSMITTED) == 0 && range->sent > *sent) {
            *sent = range->sent;
        }
        range->flags = (uint8_t)((range->flags & ~RANGE_LOST) | RANGE_SACKED);
        (*flight)->high_sacked =
            (*flight)->sacked == 0 ? range->end : seq_max((*flight)->high_sacked, range->end);
        (*flight)->sacked += length;
        newly += length;
        position++;
    }
    return newly;
}

static uint32_t position_of(const struct flight *flight, const struct range *range)
{
    uint32_t at = (uint32_t)(range - flight->ring);
    return at >= flight->head ? at - flight->head : at + flight->capacity - flight->head;
}

void flight_mark_lost(struct flight *flight, struct range *range)
{
    if (range->flags & (RANGE_SACKED | RANGE_LOST)) {
        return;
    }
    range->flags |= RANGE_LOST;
    flight->lost += range_length(range);
    flight->hint = MIN(flight->hint, position_of(flight, range));
}

void flight_mark_sent_again(struct flight *flight, struct range *range, uint64_t now)
{
    uncount(flight, range, range_length(range));
    range->flags = RANGE_RETRANSMITTED;
    range->sent = now;
}

void flight_reset(struct flight *flight, bool forget_sacks, bool lost)
{
    for (uint32_t i = 0; i < flight->count; i++) {
        struct range *range = flight_at(flight, i);
        if (forget_sacks && (range->flags & RANGE_SACKED)) {
            flight->sacked -= range_length(range);
            range->flags &= (uint8_t)~RANGE_SACKED;
        }
        if (lost) {
            flight_mark_lost(flight, range);
        }
    }
}

uint32_t flight_first_lost(struct flight *flight)
{
    while (flight->lost > 0 && flight->hint < flight->count &&
           (flight_at(flight, flight->hint)->flags & RANGE_LOST) == 0) {
        flight->hint++;
    }
    return flight->lost > 0 ? flight->hint : flight->count;
}

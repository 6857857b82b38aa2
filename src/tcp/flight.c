/* SPDX-License-Identifier: MIT */
#include "tcp/flight.h"

#include <string.h>

#include "base/bytes.h"

static uint32_t range_length(const struct range *range) { return range->end - range->start; }

static uint16_t place_of(const struct flight *flight, const struct range *range)
{
    return (uint16_t)(range - flight->place);
}

/* ----------------------------------------------------------------- lists -- */

/* Puts a range into the list, before `next` (NO_RANGE: at the end). */
static void list_put(struct flight *flight, struct range_list *list, struct range *range,
                     uint16_t next)
{
    uint16_t at = place_of(flight, range);
    uint16_t prev = next == NO_RANGE ? list->last : flight->place[next].prev;
    range->prev = prev;
    range->next = next;
    *(prev == NO_RANGE ? &list->first : &flight->place[prev].next) = at;
    *(next == NO_RANGE ? &list->last : &flight->place[next].prev) = at;
}

static void list_drop(struct flight *flight, struct range_list *list, const struct range *range)
{
    *(range->prev == NO_RANGE ? &list->first : &flight->place[range->prev].next) = range->next;
    *(range->next == NO_RANGE ? &list->last : &flight->place[range->next].prev) = range->prev;
}

/* The list that a range stands in; NULL for a SACKed one. */
static struct range_list *list_of(struct flight *flight, const struct range *range)
{
    if (range->flags & RANGE_SACKED) {
        return NULL;
    }
    return range->flags & RANGE_LOST ? &flight->losses : &flight->flying;
}

/* So many bytes of the range are not lost any more, if they were. */
static void lost_less(struct flight *flight, const struct range *range, uint32_t bytes)
{
    if (range->flags & RANGE_LOST) {
        flight->lost -= bytes;
        flight->spared -= range->flags & RANGE_PROBE ? bytes : 0;
    }
}

/* Takes a range off its list and its bytes out of the sums. */
static void withdraw(struct flight *flight, const struct range *range)
{
    if (range->flags & RANGE_SACKED) {
        flight->sacked -= range_length(range);
        return;
    }
    struct range_list *list = list_of(flight, range);
    list_drop(flight, list, range);
    lost_less(flight, range, range_length(range));
}

/* ---------------------------------------------------------------- memory -- */

#define RANGE_COST (sizeof(struct range) + 2 * sizeof(uint16_t))

/* Memory of at least so many bytes: a chunk, or beyond the largest one its own. */
static struct flight *take(struct chunk_store *store, size_t bytes)
{
    struct flight *flight;
    struct chunk *chunk = NULL;
    if (bytes <= chunk_max()) {
        chunk = chunk_take(store, (uint32_t)bytes, MEMORY_VITAL);
        flight = chunk != NULL ? (struct flight *)(void *)chunk->data : NULL;
        bytes = chunk != NULL ? chunk->size : 0;
    } else {
        flight = memory_take(store->memory, bytes, MEMORY_ORDINARY);
    }
    if (flight != NULL) {
        memset(flight, 0, sizeof *flight);
        flight->chunk = chunk;
        flight->bytes = bytes;
        flight->capacity = (uint16_t)MIN((bytes - sizeof *flight) / RANGE_COST, FLIGHT_RANGES);
        flight->head = flight->capacity / 2;
    }
    return flight;
}

static void give(struct flight *flight, struct chunk_store *store)
{
    if (flight->chunk != NULL) {
        chunk_drop(store, flight->chunk);
    } else {
        memory_give(store->memory, flight, flight->bytes);
    }
}

/* Moves to where there is room for twice as many, if there may be. Places keep their numbers. */
static bool grow(struct flight **flight, struct chunk_store *store)
{
    struct flight *old = *flight;
    if (old->capacity >= FLIGHT_RANGES) {
        return false;
    }
    size_t bytes = sizeof *old + 2 * (size_t)old->capacity * RANGE_COST;
    bool last_chunk = old->bytes < chunk_max() && bytes > chunk_max();
    struct flight *new = take(store, last_chunk ? chunk_max() : bytes);
    if (new == NULL) {
        return false;
    }
    struct flight place = *new; /* what is its own */
    memcpy(new, old, sizeof *new + old->used * sizeof(struct range));
    new->chunk = place.chunk;
    new->bytes = place.bytes;
    new->capacity = place.capacity;
    new->head = (uint16_t)(place.capacity / 2);
    memcpy(flight_order(new, 0), flight_order(old, 0), old->count * sizeof(uint16_t));
    give(old, store);
    *flight = new;
    return true;
}

static bool room(struct flight **flight, struct chunk_store *store)
{
    return (*flight)->count < (*flight)->capacity || grow(flight, store);
}

bool flight_begin(struct flight **flight, struct chunk_store *store)
{
    if (*flight != NULL) {
        return true;
    }
    struct flight *new = take(store, sizeof *new + 4 * RANGE_COST);
    if (new == NULL) {
        return false;
    }
    new->spare = NO_RANGE;
    new->flying = (struct range_list){ NO_RANGE, NO_RANGE };
    new->losses = (struct range_list){ NO_RANGE, NO_RANGE };
    new->reo_mult = 1;
    new->limit = FLIGHT_UNLIMITED;
    new->pace_deadline = UINT64_MAX;
    *flight = new;
    return true;
}

void flight_free(struct flight **flight, struct chunk_store *store)
{
    if (*flight != NULL) {
        give(*flight, store);
        *flight = NULL;
    }
}

/* Moves the row so that there is as much room before it as behind. */
static void center(struct flight *flight)
{
    const uint16_t *from = flight_order(flight, 0);
    flight->head = (uint16_t)((2U * flight->capacity - flight->count) / 2);
    memmove(flight_order(flight, 0), from, flight->count * sizeof *from);
}

/* Makes a place for a range at this position of the order; there is room. */
static struct range *insert(struct flight *flight, uint32_t position)
{
    uint16_t place = flight->spare;
    if (place == NO_RANGE) {
        place = flight->used++;
    } else {
        flight->spare = flight->place[place].next;
    }
    bool before = position < flight->count / 2U; /* move the shorter part of the row */
    if (before ? flight->head == 0 : flight->head + flight->count == 2 * flight->capacity) {
        center(flight);
    }
    uint16_t *order = flight_order(flight, 0);
    if (before) {
        memmove(order - 1, order, position * sizeof *order);
        flight->head--;
    } else if (position < flight->count) {
        memmove(order + position + 1, order + position, (flight->count - position) * sizeof *order);
    }
    flight->count++;
    *flight_order(flight, position) = place;
    return &flight->place[place];
}

/* Everything is acknowledged: the row is as it was in the beginning. */
static void forget_all(struct flight *flight)
{
    flight->count = 0;
    flight->used = 0;
    flight->spare = NO_RANGE;
    flight->head = flight->capacity / 2;
    flight->flying = (struct range_list){ NO_RANGE, NO_RANGE };
    flight->losses = (struct range_list){ NO_RANGE, NO_RANGE };
    flight->disturbed = false;
}

/* Forgets `n` ranges from this position on; they stand in no list any more. */
static void remove_ranges(struct flight *flight, uint32_t position, uint32_t n)
{
    if (n == flight->count) {
        forget_all(flight);
        return;
    }
    for (uint32_t i = position; i < position + n; i++) {
        uint16_t place = *flight_order(flight, i);
        flight->place[place].next = flight->spare;
        flight->spare = place;
    }
    uint16_t *order = flight_order(flight, 0);
    if (position < flight->count / 2U) {
        memmove(order + n, order, position * sizeof *order);
        flight->head = (uint16_t)(flight->head + n);
    } else {
        memmove(order + position, order + position + n,
                (flight->count - position - n) * sizeof *order);
    }
    flight->count = (uint16_t)(flight->count - n);
}

/* ---------------------------------------------------------- what happens -- */

bool flight_send(struct flight **flight, struct chunk_store *store, uint32_t start, uint32_t end,
                 uint64_t now, const struct snapshot *then)
{
    struct flight *f = *flight;
    struct range *last = f->count > 0 ? flight_at(f, f->count - 1U) : NULL;
    bool plain = last != NULL && (last->flags & ~RANGE_APP_LIMITED) == 0;
    /* What leaves at one instant is one range. Without room the last one grows: it counts as sent later. */
    if (plain && (last->sent == now || !room(flight, store))) {
        if (last->sent != now) { /* ... and stands behind whatever was sent again meanwhile */
            list_drop(f, &f->flying, last);
            list_put(f, &f->flying, last, NO_RANGE);
        }
        last->sent = now;
        last->end = end;
        last->then.in_flight = then->in_flight;
        return true;
    }
    if (!room(flight, store)) {
        return false;
    }
    f = *flight;
    if (f->count == 0) {
        f->fack = start;
    }
    struct range *range = insert(f, f->count);
    *range = (struct range){ .sent = now, .start = start, .end = end, .then = *then };
    range->flags = f->has_limit ? RANGE_APP_LIMITED : 0;
    list_put(f, &f->flying, range, NO_RANGE);
    return true;
}

/* The peer has got `bytes` of the range, which it had not told before. */
static void deliver(struct flight *flight, const struct range *range, uint32_t bytes, uint32_t end,
                    struct delivery *what)
{
    what->bytes += bytes;
    flight->delivered += bytes;
    what->probe = what->probe || (range->flags & RANGE_PROBE);
    if ((range->flags & RANGE_RETRANSMITTED) == 0) {
        what->sent_once = MAX(what->sent_once, range->sent);
        what->first_once = what->first_once == 0 ? range->sent : MIN(what->first_once, range->sent);
        if (!what->original || seq_lt(range->start, what->original_from)) {
            what->original_from = range->start;
        }
        what->original = true;
        what->reordered = what->reordered || seq_lt(end, flight->fack);
    } else {
        what->repeated = true;
        if (range->sent > what->trusted_to) {
            return; /* RFC 8985 6.2, step 2: this answers the first sending, not the last */
        }
    }
    flight->fack = seq_max(flight->fack, end);
    if (range->sent > what->newest ||
        (range->sent == what->newest && seq_gt(end, what->newest_end))) {
        what->newest = range->sent;
        what->newest_end = end;
    }
    if (range->sent >= what->then_sent) {
        what->then_sent = range->sent;
        what->then = range->then;
        what->then_flags = range->flags;
    }
}

/* The same as below where nothing has happened but that it was sent: all in one order. */
static void acknowledge_undisturbed(struct flight *flight, uint32_t ack, struct delivery *what)
{
    uint32_t whole = 0;
    struct range *range = NULL;
    while (whole < flight->count) {
        struct range *next = flight_at(flight, whole);
        if (seq_leq(ack, next->start)) {
            break;
        }
        if (range == NULL) {
            what->first_once = next->sent;
            what->original_from = next->start;
        }
        range = next;
        what->probe = what->probe || (range->flags & RANGE_PROBE);
        what->bytes += seq_min(ack, range->end) - range->start;
        if (seq_lt(ack, range->end)) {
            range->start = ack;
            break;
        }
        whole++;
    }
    if (range == NULL) {
        return;
    }
    what->original = true;
    what->sent_once = what->newest = what->then_sent = range->sent;
    what->newest_end = flight->fack = seq_min(ack, range->end);
    what->then = range->then;
    what->then_flags = range->flags;
    flight->delivered += what->bytes;
    if (whole < flight->count && whole > 0) {
        struct range *first = flight_at(flight, whole);
        first->prev = NO_RANGE;
        flight->flying.first = place_of(flight, first);
    }
    if (whole > 0) {
        remove_ranges(flight, 0, whole);
    }
}

void flight_acknowledge(struct flight *flight, uint32_t ack, struct delivery *delivery)
{
    uint32_t whole = 0;
    if (flight == NULL) {
        return;
    }
    if (!flight->disturbed) {
        acknowledge_undisturbed(flight, ack, delivery);
        return;
    }
    while (whole < flight->count) {
        struct range *range = flight_at(flight, whole);
        if (seq_leq(ack, range->start)) {
            break;
        }
        uint32_t end = seq_min(ack, range->end);
        uint32_t covered = end - range->start;
        if ((range->flags & RANGE_SACKED) == 0) {
            deliver(flight, range, covered, end, delivery);
        }
        if (end != range->end) {
            flight->sacked -= range->flags & RANGE_SACKED ? covered : 0;
            lost_less(flight, range, covered);
            range->start = end;
            break;
        }
        withdraw(flight, range);
        whole++;
    }
    if (whole > 0) {
        remove_ranges(flight, 0, whole);
    }
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
    if (!room(flight, store)) {
        return false;
    }
    struct flight *f = *flight;
    struct range *upper = insert(f, position + 1);
    struct range *lower = flight_at(f, position);
    *upper = *lower;
    upper->start = at;
    lower->end = at;
    struct range_list *list = list_of(f, lower);
    if (list != NULL) {
        list_put(f, list, upper, lower->next);
    }
    return true;
}

/* Makes the SACKed range at this position one with SACKed neighbours; returns its position. */
static uint32_t merge(struct flight *flight, uint32_t position)
{
    struct range *range = flight_at(flight, position);
    if (position + 1 < flight->count && (flight_at(flight, position + 1)->flags & RANGE_SACKED)) {
        range->end = flight_at(flight, position + 1)->end;
        remove_ranges(flight, position + 1, 1);
    }
    if (position > 0 && (flight_at(flight, position - 1)->flags & RANGE_SACKED)) {
        flight_at(flight, position - 1)->end = range->end;
        remove_ranges(flight, position, 1);
        position--;
    }
    return position;
}

/*
 * Honest SACKs cut between segments. Beyond what a chunk holds, more ranges than segments of
 * half a kilobyte are somebody's attempt at our memory.
 */
static bool too_fine(struct flight *flight)
{
    uint32_t bytes = flight_at(flight, flight->count - 1U)->end - flight_at(flight, 0)->start;
    return flight->count > 1024 && flight->count > bytes / 512;
}

/* Cuts the range at this position down to its part inside [left, right). False: no room for that. */
static bool trim(struct flight **flight, struct chunk_store *store, uint32_t *position,
                 uint32_t left, uint32_t right)
{
    bool whole = seq_geq(flight_at(*flight, *position)->start, left) &&
                 seq_leq(flight_at(*flight, *position)->end, right);
    if (!whole && too_fine(*flight)) {
        return false;
    }
    if (seq_lt(flight_at(*flight, *position)->start, left)) {
        if (!flight_split(flight, store, *position, left)) {
            return false;
        }
        ++*position;
    }
    return seq_leq(flight_at(*flight, *position)->end, right) ||
           flight_split(flight, store, *position, right);
}

uint32_t flight_sack(struct flight **flight, struct chunk_store *store, uint32_t left,
                     uint32_t right, struct delivery *delivery)
{
    uint32_t newly = 0;
    uint32_t position = flight_find(*flight, left);
    while (position < (*flight)->count && seq_lt(flight_at(*flight, position)->start, right)) {
        if ((flight_at(*flight, position)->flags & RANGE_SACKED) == 0) {
            if (!trim(flight, store, &position, left, right)) {
                break;
            }
            struct range *range = flight_at(*flight, position);
            (*flight)->disturbed = true;
            withdraw(*flight, range);
            deliver(*flight, range, range_length(range), range->end, delivery);
            range->flags = RANGE_SACKED;
            (*flight)->sacked += range_length(range);
            newly += range_length(range);
            position = merge(*flight, position);
        }
        position++;
    }
    return newly;
}

void flight_mark_lost(struct flight *flight, struct range *range, bool urgently)
{
    if (range->flags & (RANGE_SACKED | RANGE_LOST)) {
        return;
    }
    flight->disturbed = true;
    list_drop(flight, &flight->flying, range);
    range->flags |= RANGE_LOST;
    flight->lost += range_length(range);
    *(range->flags & RANGE_PROBE ? &flight->spared : &flight->lost_total) += range_length(range);
    list_put(flight, &flight->losses, range, urgently ? flight->losses.first : NO_RANGE);
}

/* Puts a range back among the flying, where its send time belongs. */
static void fly(struct flight *flight, struct range *range)
{
    uint16_t next = flight->flying.first;
    while (next != NO_RANGE && flight->place[next].sent <= range->sent) {
        next = flight->place[next].next;
    }
    list_put(flight, &flight->flying, range, next);
}

void flight_mark_found(struct flight *flight, struct range *range)
{
    withdraw(flight, range);
    range->flags &= (uint8_t)~RANGE_LOST;
    flight->lost_total -= range->flags & RANGE_PROBE ? 0 : range_length(range);
    fly(flight, range);
}

void flight_mark_sent_again(struct flight *flight, struct range *range, uint64_t now,
                            const struct snapshot *then)
{
    flight->disturbed = true;
    withdraw(flight, range);
    range->flags = RANGE_RETRANSMITTED | (flight->has_limit ? RANGE_APP_LIMITED : 0);
    range->sent = now;
    range->then = *then;
    list_put(flight, &flight->flying, range, NO_RANGE);
}

void flight_forget_sacks(struct flight *flight)
{
    for (uint32_t i = 0; i < flight->count; i++) {
        struct range *range = flight_at(flight, i);
        if (range->flags & RANGE_SACKED) {
            withdraw(flight, range);
            range->flags = RANGE_RETRANSMITTED; /* when it was sent is not known any more */
            fly(flight, range);
        }
    }
}

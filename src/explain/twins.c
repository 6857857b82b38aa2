/* SPDX-License-Identifier: MIT */
#include "explain/twins.h"

#include <stdlib.h>
#include <string.h>

void twins_free(struct twins *twins)
{
    free(twins->sighting);
    memset(twins, 0, sizeof *twins);
}

/* A way in or out of a host: two sightings at one place are two packets. */
static uint32_t place_of(const struct seen *seen)
{
    return seen->point << 16 ^ seen->interface << 2 ^ (uint32_t)seen->outgoing << 1 ^
           (uint32_t)seen->incoming;
}

static uint64_t mix(uint64_t print, uint64_t word)
{
    print = (print ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return print ^ print >> 29;
}

/*
 * Sequence numbers and flags tell packets of one connection apart; IPv4's
 * identification and the time stamp tell a repeated segment from its original. The
 * time stamp is compared apart, since middleboxes rewrite it, as they do TTL and checksum.
 */
static uint64_t print_of(unsigned from, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    uint64_t print = mix(from + 1, (uint64_t)segment->seq << 32 | segment->ack);
    print =
        mix(print, (uint64_t)segment->length << 32 | (uint64_t)segment->flags << 16 | seen->ip_id);
    return print;
}

static uint32_t tsval_of(const struct seen *seen)
{
    return seen->segment.options.has & WH_HAS_TIMESTAMPS ? seen->segment.options.tsval : 0;
}

bool twins_repeats_last(struct twins *twins, unsigned from, const struct seen *seen)
{
    uint64_t print = mix(print_of(from, seen), tsval_of(seen));
    uint32_t place = place_of(seen);
    bool repeats = twins->last_print[from] == print && twins->last_place[from] != place;
    twins->last_print[from] = print;
    twins->last_place[from] = place;
    return repeats;
}

struct sighting *twins_match(struct twins *twins, unsigned from, const struct seen *seen)
{
    uint64_t print = print_of(from, seen);
    uint32_t place = place_of(seen), tsval = tsval_of(seen);
    struct sighting *found = NULL;
    for (unsigned i = 1; i <= twins->count; i++) {
        struct sighting *sighting = &twins->sighting[(twins->next + twins->room - i) % twins->room];
        if (sighting->print != print || sighting->place == place || !sighting->waiting) {
            continue;
        }
        if (sighting->tsval == tsval) {
            found = sighting;
            break;
        }
        found = sighting->point != seen->point ? sighting : found; /* the oldest of those */
    }
    if (found == NULL) {
        return NULL;
    }
    found->waiting = false;
    if (found->point != seen->point) {
        twins->matched = true;
        twins->near[from] = found->point + 1;
    }
    return found;
}

struct sighting *twins_add(struct twins *twins, unsigned from, const struct seen *seen,
                           unsigned room)
{
    if (twins->sighting == NULL) {
        twins->sighting = calloc(room, sizeof *twins->sighting);
        if (twins->sighting == NULL) {
            return NULL;
        }
        twins->room = room;
    }
    struct sighting *sighting = &twins->sighting[twins->next];
    twins->next = (twins->next + 1) % twins->room;
    twins->count += twins->count < twins->room;
    const struct segment *segment = &seen->segment;
    *sighting = (struct sighting){ .print = print_of(from, seen),
                                   .when = seen->when,
                                   .number = seen->number,
                                   .seq = segment->seq,
                                   .ack = segment->ack,
                                   .length = segment->length,
                                   .flags = segment->flags,
                                   .point = seen->point,
                                   .place = place_of(seen),
                                   .tsval = tsval_of(seen),
                                   .has = segment->options.has,
                                   .from = (uint8_t)from,
                                   .waiting = true };
    return sighting;
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/seq.h"
#include "explain/traffic_parts.h"

unsigned ranges_find(const struct way *way, uint32_t seq)
{
    unsigned low = 0, high = way->ranges;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (seq_gt(way->range[middle].end, seq)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool grow(struct traffic *traffic, struct way *way)
{
    unsigned room = way->room == 0 ? 4 : way->room * 2;
    struct range *range = realloc(way->range, room * sizeof *range);
    if (range == NULL) {
        return false;
    }
    memset(range + way->room, 0, (room - way->room) * sizeof *range);
    traffic->size += (room - way->room) * sizeof *range;
    way->range = range;
    way->room = room;
    return true;
}

/* Makes one of the two neighbours that differ least: sent but once, and closest in time. */
static void merge_some(struct way *way)
{
    if (way->range == NULL) {
        return;
    }
    unsigned best = 0;
    wh_time least = WH_NEVER;
    for (unsigned i = 0; i + 1 < way->ranges; i++) {
        const struct range *a = &way->range[i], *b = &way->range[i + 1];
        wh_time apart = b->sent > a->sent ? b->sent - a->sent : a->sent - b->sent;
        bool alike = a->end == b->seq && a->sacked == b->sacked && a->times == b->times;
        apart = alike ? apart : apart / 2 + WH_NEVER / 4;
        if (apart < least) {
            least = apart;
            best = i;
        }
    }
    struct range *a = &way->range[best], *b = a + 1;
    a->end = b->end;
    a->sent = b->sent > a->sent ? b->sent : a->sent;
    a->times = b->times > a->times ? b->times : a->times;
    a->sacked = a->sacked && b->sacked;
    memmove(b, b + 1, (way->ranges - best - 2) * sizeof *b);
    way->ranges--;
}

bool ranges_add(struct traffic *traffic, struct way *way, const struct range *range)
{
    struct range *last = way->ranges > 0 ? &way->range[way->ranges - 1] : NULL;
    /* Segments of one burst go and come together. */
    if (last != NULL && way->ranges >= 8 && last->end == range->seq && last->times == 1 &&
        !last->sacked && range->sent - last->sent < WH_MILLISECOND) {
        last->end = range->end;
        last->tsval = range->tsval;
        return true;
    }
    if (way->ranges == RANGES_MOST) {
        merge_some(way);
    }
    if (way->ranges == way->room && !grow(traffic, way)) {
        return false;
    }
    if (way->range == NULL) {
        return false;
    }
    bool newest = way->ranges == 0 || seq_geq(range->seq, way->range[way->ranges - 1].end);
    unsigned at = newest ? way->ranges : ranges_find(way, range->seq);
    memmove(&way->range[at + 1], &way->range[at], (way->ranges - at) * sizeof *range);
    way->range[at] = *range;
    way->ranges++;
    return true;
}

void ranges_acknowledge(struct way *way, uint32_t ack)
{
    unsigned gone = ranges_find(way, ack);
    if (gone > 0) {
        way->ranges -= gone;
        memmove(way->range, way->range + gone, way->ranges * sizeof *way->range);
    }
    if (way->ranges > 0 && seq_lt(way->range[0].seq, ack)) {
        way->range[0].seq = ack;
    }
}

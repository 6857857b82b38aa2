/* SPDX-License-Identifier: MIT */
/*
 * The record, and where the time went. Between two events of a direction its
 * sender was held back by itself if nothing was outstanding, by the receiver if
 * what was outstanding filled the offered window, else by the network, whose round
 * trip it waited for. What took most of the time is called the limit, unless so
 * little was sent that nothing limited it.
 */
#include "explain/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq.h"
#include "explain/traffic_parts.h"

/* Less than this is over before anything can limit it. */
#define LIMITED_LEAST 30000

static const char *const names[] = {
#define MARK_ROW(id, name, words) name,
    MARKS(MARK_ROW)
#undef MARK_ROW
};

static const char *const in_words[] = {
#define MARK_ROW(id, name, words) words,
    MARKS(MARK_ROW)
#undef MARK_ROW
};

const char *mark_name(enum mark mark) { return names[mark]; }
const char *mark_words(enum mark mark) { return in_words[mark]; }

struct traffic *traffic_new(unsigned points)
{
    struct traffic *traffic = calloc(1, sizeof *traffic);
    if (traffic == NULL) {
        return NULL;
    }
    traffic->points_most = points;
    traffic->size = sizeof *traffic;
    for (int side = 0; side < 2; side++) {
        traffic->way[side].window = -1;
        traffic->way[side].stride = 1;
    }
    return traffic;
}

void traffic_free(struct traffic *traffic)
{
    if (traffic == NULL) {
        return;
    }
    for (int side = 0; side < 2; side++) {
        free(traffic->way[side].range);
        free(traffic->way[side].point);
    }
    free(traffic);
}

size_t traffic_size(const struct traffic *traffic) { return traffic->size; }
void traffic_place(struct traffic *traffic, enum vantage vantage) { traffic->vantage = vantage; }

/* ------------------------------------------------------------------ points -- */

static void add_point(struct traffic *traffic, struct way *way, const struct seen *seen,
                      enum mark mark)
{
    const struct segment *segment = &seen->segment;
    if (traffic->points_most < 2 || segment_length(segment) == 0) {
        return;
    }
    if (way->point == NULL) {
        way->point = malloc(traffic->points_most * sizeof *way->point);
        if (way->point == NULL) {
            return;
        }
        traffic->size += traffic->points_most * sizeof *way->point;
    }
    bool special = mark != MARK_NONE;
    if (!special && ++way->skipped < way->stride) {
        return;
    }
    way->skipped = 0;
    if (way->points == traffic->points_most) {
        /* Every other one goes, and from now on half as many come. */
        for (unsigned i = 0; i < way->points / 2; i++) {
            way->point[i] = way->point[2 * i];
        }
        way->points /= 2;
        way->stride *= 2;
    }
    way->point[way->points++] = (struct traffic_point){
        .when = seen->when, .seq = segment->seq, .length = segment->length, .mark = (uint8_t)mark
    };
}

const struct traffic_point *traffic_points(const struct traffic *traffic, unsigned from, size_t *n)
{
    *n = traffic->way[from].points;
    return traffic->way[from].point;
}

/* -------------------------------------------------------------------- time -- */

static void spend(struct traffic *traffic, unsigned from, wh_time now)
{
    struct way *way = &traffic->way[from];
    const struct way *peer = &traffic->way[1 - from];
    if (way->sums.first_data == 0 || now <= way->last_event) {
        return;
    }
    wh_time passed = now - way->last_event;
    uint32_t outstanding = way->nxt - way->una;
    way->last_event = now;
    if (outstanding == 0) {
        way->idle_time += passed;
    } else if (peer->window >= 0 &&
               (int64_t)outstanding + (int64_t)way->sums.largest > peer->window) {
        way->window_time += passed;
    } else {
        way->network_time += passed;
    }
}

static void count(struct way *way, const struct seen *seen, enum mark mark)
{
    const struct segment *segment = &seen->segment;
    struct traffic_sums *sums = &way->sums;
    sums->segments++;
    sums->bytes += segment->length;
    if (segment->length > 0) {
        sums->data_segments++;
        sums->largest = segment->length > sums->largest ? segment->length : sums->largest;
        sums->super_segments += seen->ip_length > 9216;
        if (sums->first_data == 0) {
            sums->first_data = seen->when;
            way->last_event = seen->when;
        }
        sums->last_data = mark == MARK_NONE || mark == MARK_GAP ? seen->when : sums->last_data;
    } else if (!(segment->flags & (WH_SYN | WH_FIN))) {
        sums->pure_acks++;
    }
    if (way->last_sent != 0 && seen->when > way->last_sent &&
        seen->when - way->last_sent > sums->longest_silence) {
        sums->longest_silence = seen->when - way->last_sent;
    }
    way->last_sent = seen->when;
    if ((segment->options.has & WH_HAS_TIMESTAMPS) &&
        (!way->ts_known || seq_gt(segment->options.tsval, way->ts))) {
        way->ts = segment->options.tsval;
        way->ts_known = true;
    }
}

enum mark traffic_take(struct traffic *traffic, unsigned from, const struct seen *seen)
{
    struct way *way = &traffic->way[from];
    if (seen->sum == SUM_WRONG) {
        way->sums.damaged++;
        return MARK_DAMAGED;
    }
    if (seen->segment.flags & WH_RST) {
        return MARK_NONE; /* it takes its numbers from what it answers */
    }
    spend(traffic, 0, seen->when);
    spend(traffic, 1, seen->when);
    enum mark told = sent_ack(traffic, from, seen);
    enum mark text = sent_text(traffic, from, seen);
    enum mark mark = text != MARK_NONE && text != MARK_GAP ? text : told != MARK_NONE ? told : text;
    count(way, seen, text);
    add_point(traffic, way, seen, text);
    return mark;
}

/* ------------------------------------------------------------------ answers -- */

uint32_t traffic_outstanding(const struct traffic *traffic, unsigned from)
{
    return traffic->way[from].nxt - traffic->way[from].una;
}

int64_t traffic_window(const struct traffic *traffic, unsigned from)
{
    return traffic->way[from].window;
}

wh_time traffic_closed_since(const struct traffic *traffic, unsigned from)
{
    return traffic->way[from].closed_since;
}

unsigned traffic_repeats(const struct traffic *traffic, unsigned from, wh_time *first)
{
    const struct way *way = &traffic->way[from];
    if (way->ranges == 0) {
        *first = 0;
        return 0;
    }
    *first = way->range[0].first;
    return way->range[0].times - 1U;
}

unsigned traffic_probes(const struct traffic *traffic, unsigned from)
{
    return traffic->way[from].probes;
}

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

void traffic_sum(const struct traffic *traffic, unsigned from, wh_time now,
                 struct traffic_sums *sums)
{
    const struct way *way = &traffic->way[from];
    *sums = way->sums;
    if (way->closed_since != 0 && now > way->closed_since) {
        wh_time lasted = now - way->closed_since;
        sums->zero_window_time += lasted;
        sums->zero_window_longest =
            lasted > sums->zero_window_longest ? lasted : sums->zero_window_longest;
    }
    unsigned samples = way->samples < SAMPLES ? way->samples : SAMPLES;
    if (samples > 0) {
        uint32_t sorted[SAMPLES];
        memcpy(sorted, way->sample, samples * sizeof *sorted);
        qsort(sorted, samples, sizeof *sorted, by_size);
        sums->rtt_median = (wh_time)sorted[samples / 2] * WH_MICROSECOND;
    }
    wh_time all = way->idle_time + way->window_time + way->network_time;
    if (sums->fresh_bytes < LIMITED_LEAST || all == 0) {
        return;
    }
    wh_time most = way->idle_time;
    sums->limit = LIMIT_SENDER;
    if (way->window_time > most) {
        most = way->window_time;
        sums->limit = LIMIT_RECEIVER;
    }
    if (way->network_time > most) {
        most = way->network_time;
        sums->limit = LIMIT_NETWORK;
    }
    sums->limited_percent = (uint16_t)(most * 100 / all);
}

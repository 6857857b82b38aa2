/* SPDX-License-Identifier: MIT */
/*
 * One connection, from the records of one end to marks. Of what our end sends everything is
 * known: when it left, why it was sent again, when it was acknowledged. Of what the other end
 * sends we see what arrives, and what we say to it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "view/plot_parts.h"

static void way_init(struct plot_way *way)
{
    way->fresh.fold = way->repeats.fold = way->drops.fold = way->sacks.fold = FOLD_RANGES;
}

static void way_free(struct plot_way *way)
{
    struct plot_series *all[] = { &way->sent, &way->fresh, &way->repeats, &way->drops,
                                  &way->acks, &way->edges, &way->sacks };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        series_free(all[i]);
    }
}

struct plot_life *life_new(void)
{
    struct plot_life *life = calloc(1, sizeof *life);
    if (life != NULL) {
        way_init(&life->out);
        way_init(&life->in);
        life->stances.fold = FOLD_RANGES;
    }
    return life;
}

void life_free(struct plot_life *life)
{
    if (life == NULL) {
        return;
    }
    struct plot_series *all[] = { &life->cwnd,     &life->ssthresh, &life->in_flight,
                                  &life->srtt,     &life->rto,      &life->rtt,
                                  &life->delivery, &life->pacing,   &life->stances };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        series_free(all[i]);
    }
    way_free(&life->out);
    way_free(&life->in);
    free(life->pending);
    free(life);
}

uint64_t life_bytes(const struct plot_life *life)
{
    return (uint64_t)life->out.high + (uint64_t)life->in.high;
}

/* ------------------------------------------------------------ the numbers -- */

/* Sequence numbers wrap; the offset meant is the one nearest to what was seen last. */
static int64_t offset_of(const struct plot_way *way, uint32_t seq)
{
    uint32_t near = way->base + (uint32_t)way->high;
    return way->high + (int32_t)(seq - near);
}

static void know_base(struct plot_way *way, uint32_t first)
{
    if (!way->known) {
        way->known = true;
        way->base = first;
    }
}

/* --------------------------------------------------------- round-trip times -- */

static struct plot_pending *pending_at(const struct plot_life *life, unsigned i)
{
    return &life->pending[(life->pending_head + i) % PLOT_PENDING];
}

static void pend(struct plot_life *life, int64_t end, wh_time now)
{
    if (life->pending == NULL) {
        life->pending = malloc(PLOT_PENDING * sizeof *life->pending);
    }
    if (life->pending != NULL && life->pendings < PLOT_PENDING) {
        *pending_at(life, life->pendings++) = (struct plot_pending){ .end = end, .sent = now };
    }
}

/* Position of the first that ends beyond an offset. */
static unsigned pending_beyond(const struct plot_life *life, int64_t offset)
{
    unsigned low = 0;
    unsigned high = life->pendings;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (pending_at(life, middle)->end <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* What is sent again tells no round-trip time (Karn's rule, RFC 6298 3). */
static void spoil(struct plot_life *life, int64_t low, int64_t high)
{
    for (unsigned i = pending_beyond(life, low); i < life->pendings; i++) {
        struct plot_pending *pending = pending_at(life, i);
        pending->spoilt = true;
        if (pending->end >= high) {
            break;
        }
    }
}

/* [low, high) is told to have arrived: the segment of it that left last is the sample. */
static void sample(struct plot_life *life, int64_t low, int64_t high, wh_time now, size_t most)
{
    wh_time newest = 0;
    for (unsigned i = pending_beyond(life, low); i < life->pendings; i++) {
        struct plot_pending *pending = pending_at(life, i);
        if (pending->end > high) {
            break;
        }
        newest = pending->spoilt ? newest : MAX(newest, pending->sent);
        pending->spoilt = true;
    }
    if (newest > 0 && now >= newest) {
        series_value(&life->rtt, now, (int64_t)(now - newest), most);
    }
}

static void forget_below(struct plot_life *life, int64_t offset)
{
    unsigned n = pending_beyond(life, offset);
    life->pending_head = (life->pending_head + n) % PLOT_PENDING;
    life->pendings -= n;
}

/* --------------------------------------------------------------- data ---- */

static enum plot_repeat why_again(wh_reason reason)
{
    switch (reason) {
    case WH_WHY_RETRANSMIT_TIMEOUT: return REPEAT_TIMEOUT;
    case WH_WHY_RETRANSMIT_RESCUE:
    case WH_WHY_RETRANSMIT_TAIL_PROBE:
    case WH_WHY_WINDOW_PROBE:
    case WH_WHY_KEEPALIVE_PROBE: return REPEAT_PROBE;
    default: return REPEAT_ACKS;
    }
}

static bool is_probe(wh_reason reason)
{
    return reason != WH_WHY_NONE && why_again(reason) == REPEAT_PROBE;
}

static void mark_repeat(struct plot_way *way, enum plot_repeat kind, int64_t low, int64_t high,
                        const wh_trace_record *record, size_t most)
{
    uint32_t size = record->segment_size;
    uint32_t segments = size > 0 ? (uint32_t)(high - low + size - 1) / size : 1;
    way->repeated[kind] += segments;
    way->repeated_bytes += (uint64_t)(high - low);
    const struct plot_mark mark = { record->time, record->time, low, high, high, segments, kind };
    series_add(&way->repeats, &mark, most);
}

static void mark_fresh(struct plot_way *way, int64_t low, int64_t high, wh_time now, size_t most)
{
    const struct plot_mark mark = { now, now, low, high, high, 1, 0 };
    series_add(&way->fresh, &mark, most);
    way->high = high;
}

static void count_sent(struct plot_way *way, const wh_trace_record *record, size_t most)
{
    uint32_t size = record->segment_size > 0 ? record->segment_size : record->length;
    way->bytes += record->length;
    way->segments += (record->length + size - 1) / size;
    series_value(&way->sent, record->time, (int64_t)way->bytes, most);
}

static void take_sent_data(struct plot_life *life, const wh_trace_record *record, int64_t low,
                           size_t most)
{
    struct plot_way *way = &life->out;
    int64_t high = low + record->length;
    int64_t again = MIN(high, way->high);
    if (low < again) {
        mark_repeat(way, why_again((wh_reason)record->reason), low, again, record, most);
        spoil(life, low, again);
    }
    if (high > way->high) {
        mark_fresh(way, MAX(low, way->high), high, record->time, most);
        if (!is_probe((wh_reason)record->reason)) {
            pend(life, high, record->time);
        }
    }
}

/* Below what we have acknowledged, or held beyond a gap and told so. */
static bool is_here(const struct plot_way *way, int64_t low, int64_t high)
{
    bool here = high <= way->acked;
    for (unsigned i = 0; i < way->sackeds && !here; i++) {
        here = way->sacked[i].low <= low && high <= way->sacked[i].high;
    }
    return here;
}

static void take_arrived_data(struct plot_life *life, const wh_trace_record *record, int64_t low,
                              size_t most)
{
    struct plot_way *way = &life->in;
    int64_t high = low + record->length;
    int64_t old = MIN(high, way->high);
    if (low < old) {
        enum plot_repeat kind = is_here(way, low, old) ? REPEAT_TWICE : REPEAT_LATE;
        mark_repeat(way, kind, low, old, record, most);
    }
    if (high > way->high) {
        mark_fresh(way, MAX(low, way->high), high, record->time, most);
    }
}

/* ------------------------------------------------------- acknowledgements -- */

/* Bounded memory of what is told: pieces that touch are one, and the lowest makes room. */
static void remember_sacked(struct plot_way *way, int64_t low, int64_t high)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < way->sackeds; i++) {
        if (way->sacked[i].low <= high && low <= way->sacked[i].high) {
            low = MIN(low, way->sacked[i].low);
            high = MAX(high, way->sacked[i].high);
        } else if (way->sacked[i].high > way->acked) {
            way->sacked[kept++] = way->sacked[i];
        }
    }
    if (kept == PLOT_SACKED) {
        memmove(way->sacked, way->sacked + 1, --kept * sizeof way->sacked[0]);
    }
    way->sacked[kept].low = low;
    way->sacked[kept].high = high;
    way->sackeds = kept + 1;
}

/* The first piece of [*low, high) that has not been told; false if there is none. */
static bool untold(const struct plot_way *way, int64_t *low, int64_t high, int64_t *end)
{
    bool moved = true;
    while (moved && *low < high) {
        moved = false;
        for (unsigned i = 0; i < way->sackeds; i++) {
            if (way->sacked[i].low <= *low && *low < way->sacked[i].high) {
                *low = way->sacked[i].high;
                moved = true;
            }
        }
    }
    *end = high;
    for (unsigned i = 0; i < way->sackeds; i++) {
        if (way->sacked[i].low > *low) {
            *end = MIN(*end, way->sacked[i].low);
        }
    }
    return *low < high;
}

static void take_sack(struct plot_life *life, struct plot_way *way, int64_t low, int64_t high,
                      wh_time now, size_t most)
{
    if (low >= high || high > way->high) {
        return; /* no block that makes sense */
    }
    if (low < way->acked) {
        way->twice++; /* RFC 2883: what was here twice stands below the acknowledgement */
        return;
    }
    int64_t end;
    for (int64_t at = low; untold(way, &at, high, &end); at = end) {
        const struct plot_mark mark = { now, now, at, end, end, 1, 0 };
        series_add(&way->sacks, &mark, most);
        if (way == &life->out) {
            sample(life, at, end, now, most);
        }
    }
    remember_sacked(way, low, high);
}

/* An acknowledgement of this way's data. */
static void take_ack(struct plot_life *life, struct plot_way *way, const wh_trace_record *record,
                     size_t most)
{
    int64_t ack = MIN(offset_of(way, record->ack), way->high); /* a FIN counts as a byte */
    if (ack >= way->acked && ack >= 0) {
        if (ack > way->acked || way->acks.count == 0) {
            if (way == &life->out) {
                sample(life, way->acked, ack, record->time, most);
                forget_below(life, ack);
            }
            series_value(&way->acks, record->time, ack, most);
            way->acked = ack;
        }
        if (!(record->flags & WH_SYN)) {
            series_value(&way->edges, record->time, ack + record->window, most);
        }
    }
    for (unsigned i = 0; i < record->sacks && i < WH_SACK_BLOCKS; i++) {
        take_sack(life, way, offset_of(way, record->sack[i].left),
                  offset_of(way, record->sack[i].right), record->time, most);
    }
}

/* --------------------------------------------------------------- records -- */

static void take_segment(struct plot_life *life, const wh_trace_record *record, size_t most)
{
    bool out = record->kind == WH_TRACE_OUT;
    struct plot_way *way = out ? &life->out : &life->in;
    struct plot_way *other = out ? &life->in : &life->out;
    if (!life->any) {
        life->any = true;
        life->first = record->time;
    }
    life->last = record->time;
    if (record->flags & WH_RST) {
        return; /* its numbers need not be of this connection */
    }
    uint32_t seq = record->seq + ((record->flags & WH_SYN) != 0);
    know_base(way, seq);
    if ((record->flags & WH_ACK) && other->known) {
        take_ack(life, other, record, most);
    }
    if (record->length > 0) {
        int64_t low = offset_of(way, seq);
        if (low < 0) {
            return; /* a keep-alive with garbage below the first byte */
        }
        count_sent(way, record, most);
        if (out) {
            take_sent_data(life, record, low, most);
        } else {
            take_arrived_data(life, record, low, most);
        }
    }
    way->finished |= (record->flags & WH_FIN) != 0;
}

static void take_stance(struct plot_life *life, wh_time now, uint32_t stance, size_t most)
{
    struct plot_series *stances = &life->stances;
    if (life->stance != WH_RECOVERY_OPEN && stances->count > 0) {
        stances->marks[stances->count - 1].last = now;
    }
    if (stance == life->stance) {
        return;
    }
    life->stance = stance;
    life->recoveries += stance == WH_RECOVERY_FAST;
    life->timeouts += stance == WH_RECOVERY_LOSS;
    if (stance != WH_RECOVERY_OPEN && stance != WH_RECOVERY_DISORDER) {
        const struct plot_mark mark = { now, now, 0, 1, 0, 1, stance };
        series_add(stances, &mark, most);
    } else {
        life->stance = WH_RECOVERY_OPEN;
    }
}

/* Steps that stand for a while need no second mark: equal values are told once. */
static void take_value(struct plot_series *series, wh_time now, uint64_t value, size_t most)
{
    int64_t sane = (int64_t)MIN(value, (uint64_t)INT64_MAX / 16); /* in bits as well */
    bool same = series->count > 0 && series->marks[series->count - 1].value == sane;
    if (!same) {
        series_value(series, now, sane, most);
    }
}

static void take_sender(struct plot_life *life, const wh_trace_record *record, size_t most)
{
    const wh_sender *sender = &record->sender;
    take_value(&life->cwnd, record->time, sender->cwnd, most);
    take_value(&life->in_flight, record->time, sender->in_flight, most);
    if (sender->ssthresh <= INT32_MAX) {
        take_value(&life->ssthresh, record->time, sender->ssthresh, most);
    }
    if (sender->srtt > 0) {
        take_value(&life->srtt, record->time, sender->srtt, most);
        take_value(&life->rto, record->time, sender->rto, most);
    }
    if (sender->delivery_rate > 0) {
        take_value(&life->delivery, record->time, sender->delivery_rate, most);
    }
    if (sender->pacing_rate > 0) {
        take_value(&life->pacing, record->time, sender->pacing_rate, most);
    }
    take_stance(life, record->time, sender->recovery, most);
}

void life_take(struct plot_life *life, const wh_trace_record *record, size_t most)
{
    if (record->kind == WH_TRACE_SENDER) {
        take_sender(life, record, most);
    } else if (record->kind == WH_TRACE_IN || record->kind == WH_TRACE_OUT) {
        take_segment(life, record, most);
    }
}

void life_drop(struct plot_life *life, bool out, const wh_path_note *note, size_t most)
{
    struct plot_way *way = out ? &life->out : &life->in;
    if (!way->known || note->length == 0) {
        return;
    }
    int64_t low = offset_of(way, note->seq);
    const struct plot_mark mark = { note->time,         note->time, low, low + note->length,
                                    low + note->length, 1,          0 };
    way->lost++;
    series_add(&way->drops, &mark, most);
}

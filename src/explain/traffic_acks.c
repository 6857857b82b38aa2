/* SPDX-License-Identifier: MIT */
/* What an acknowledgement tells of the other end's data: arrived, arrived twice, or missed. */
#include "base/seq.h"
#include "explain/traffic_parts.h"

static void take_sample(struct way *way, wh_time rtt)
{
    if (rtt == 0 || rtt > 120 * WH_SECOND) {
        return;
    }
    if (way->srtt == 0) {
        way->srtt = rtt;
        way->rttvar = rtt / 2;
    } else {
        wh_time off = rtt > way->srtt ? rtt - way->srtt : way->srtt - rtt;
        way->rttvar = way->rttvar - way->rttvar / 4 + off / 4; /* RFC 6298 2.3 */
        way->srtt = way->srtt - way->srtt / 8 + rtt / 8;
    }
    way->sample[way->samples++ % SAMPLES] = (uint32_t)(rtt / WH_MICROSECOND);
    if (way->sums.rtt_least == 0 || rtt < way->sums.rtt_least) {
        way->sums.rtt_least = rtt;
    }
}

static void uncount(struct way *way, enum mark kind)
{
    uint32_t *count = kind == MARK_FAST_RETRANSMIT ? &way->sums.fast
                      : kind == MARK_TIMEOUT       ? &way->sums.timeouts
                      : kind == MARK_TAIL_PROBE    ? &way->sums.tail_probes
                                                   : NULL;
    if (count != NULL && *count > 0) {
        (*count)--;
    }
    way->sums.spurious++;
}

/* The acknowledgement echoes a time before the repetition: the first sending had arrived (RFC 3522). */
static bool echoes_first(const struct range *range, const struct seen *seen)
{
    return range->times > 1 && range->tsval != 0 &&
           (seen->segment.options.has & WH_HAS_TIMESTAMPS) && seen->segment.options.tsecr != 0 &&
           seq_lt(seen->segment.options.tsecr, range->tsval);
}

static void acknowledge(struct way *data, const struct seen *seen)
{
    uint32_t ack = seen->segment.ack;
    unsigned gone = ranges_find(data, ack);
    if (gone > 0) {
        const struct range *newest = &data->range[gone - 1];
        if (newest->times == 1) { /* Karn's rule: RFC 6298 3 */
            take_sample(data, seen->when - newest->sent);
        }
        for (unsigned i = 0; i < gone; i++) {
            const struct range *range = &data->range[i];
            if (range->kind != MARK_NONE && range->kind != MARK_SPURIOUS &&
                echoes_first(range, seen)) {
                uncount(data, (enum mark)range->kind);
            }
        }
    }
    data->sums.acked_bytes += ack - data->una;
    ranges_acknowledge(data, ack);
    data->una = ack;
    data->una_seen = true;
    data->duplicates = 0;
    data->sacked_to = seq_max(data->sacked_to, ack);
}

/* SACK blocks; true if the first tells of bytes that came twice (RFC 2883 4). */
static bool take_sack(struct way *data, const struct segment *segment)
{
    const struct segment_options *options = &segment->options;
    bool twice = false;
    for (unsigned i = 0; i < options->sacks && i < WH_SACK_BLOCKS; i++) {
        uint32_t left = options->sack[i].left, right = options->sack[i].right;
        bool below = seq_leq(right, segment->ack);
        bool within = i == 0 && options->sacks > 1 && seq_geq(left, options->sack[1].left) &&
                      seq_leq(right, options->sack[1].right);
        if (i == 0 && (below || within)) {
            twice = true;
            continue;
        }
        if (!seq_gt(right, left) || seq_gt(right, data->nxt)) {
            continue;
        }
        data->sacked_to = seq_max(data->sacked_to, right);
        for (unsigned r = ranges_find(data, left);
             r < data->ranges && seq_leq(data->range[r].end, right); r++) {
            data->range[r].sacked = data->range[r].sacked || seq_geq(data->range[r].seq, left);
        }
    }
    return twice;
}

static void take_window(struct way *way, const struct way *peer, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    if (segment->flags & WH_SYN) {
        way->syn_seen = true;
        way->scale_offered = (segment->options.has & WH_HAS_WINDOW_SCALE) != 0;
        way->scale = segment->options.window_scale > 14 ? 14 : segment->options.window_scale;
        way->window = segment->window; /* never scaled: RFC 7323 2.2 */
        return;
    }
    bool scaled = way->scale_offered && peer->scale_offered;
    bool known = segment->window == 0 || (way->syn_seen && peer->syn_seen);
    way->window = !known ? -1 : scaled ? (int64_t)segment->window << way->scale : segment->window;
}

static enum mark take_closing(struct way *way, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    if (segment->flags & (WH_SYN | WH_RST)) {
        return MARK_NONE;
    }
    bool closed = segment->window == 0;
    if (closed && way->closed_since == 0) {
        way->closed_since = seen->when;
        way->sums.zero_windows++;
        return MARK_WINDOW_CLOSED;
    }
    if (!closed && way->closed_since != 0) {
        wh_time lasted = seen->when - way->closed_since;
        way->sums.zero_window_time += lasted;
        way->sums.zero_window_longest =
            lasted > way->sums.zero_window_longest ? lasted : way->sums.zero_window_longest;
        way->closed_since = 0;
        return MARK_WINDOW_UPDATE;
    }
    return MARK_NONE;
}

/* RFC 5681 2: no data, no SYN or FIN, the same number and window, and something is outstanding. */
static bool is_duplicate(const struct way *way, const struct way *data,
                         const struct segment *segment)
{
    return way->acks && segment->ack == way->last_ack && segment->window == way->last_window &&
           data->known && seq_lt(data->una, data->nxt) && segment->ack == data->una;
}

enum mark sent_ack(struct traffic *traffic, unsigned from, const struct seen *seen)
{
    struct way *way = &traffic->way[from], *data = &traffic->way[1 - from];
    const struct segment *segment = &seen->segment;
    take_window(way, data, seen);
    enum mark mark = take_closing(way, seen);
    if (!(segment->flags & WH_ACK)) {
        return mark;
    }
    bool bare = segment->length == 0 && !(segment->flags & (WH_SYN | WH_FIN));
    bool duplicate = bare && is_duplicate(way, data, segment);
    bool update = bare && way->acks && segment->ack == way->last_ack &&
                  segment->window > way->last_window && mark == MARK_NONE;
    bool probed = bare && data->probes > 0;
    data->probes = 0;
    if (!data->known) {
        data->known = true;
        data->una = segment->ack;
        data->nxt = segment->ack;
        data->sacked_to = segment->ack;
    } else if (seq_gt(segment->ack, data->nxt)) {
        mark = mark == MARK_NONE ? MARK_UNSEEN_ACKED : mark;
        data->nxt = segment->ack;
    }
    if (seq_gt(segment->ack, data->una)) {
        acknowledge(data, seen);
    }
    if ((segment->options.has & WH_HAS_SACK) && take_sack(data, segment)) {
        if (data->sums.retransmissions > data->sums.spurious && data->sums.copies == 0) {
            uncount(data, data->sums.tail_probes > 0 ? MARK_TAIL_PROBE
                          : data->sums.timeouts > 0  ? MARK_TIMEOUT
                                                     : MARK_FAST_RETRANSMIT);
        }
        mark = mark == MARK_NONE ? MARK_DSACK : mark;
    } else if (duplicate && !probed) {
        data->duplicates++;
        way->sums.duplicate_acks++;
        mark = mark == MARK_NONE ? MARK_DUPLICATE_ACK : mark;
    }
    mark = mark == MARK_NONE && probed ? MARK_KEEP_ALIVE_ACK : mark;
    mark = mark == MARK_NONE && update ? MARK_WINDOW_UPDATE : mark;
    way->acks = true;
    way->last_ack = segment->ack;
    way->last_window = segment->window;
    return mark;
}

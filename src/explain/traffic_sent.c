/* SPDX-License-Identifier: MIT */
/*
 * What a segment that takes numbers (data, SYN, FIN) is: new, sent again and why,
 * overtaken, or a probe. At the sender's side a segment of bytes that were seen
 * before is a retransmission; at the receiver's, where the lost original was never
 * seen, it fills a hole, and so does one that was only overtaken. Time stamps and
 * IPv4 identifications tell those two apart, else their delay.
 */
#include "base/seq.h"
#include "explain/traffic_parts.h"

/* An overtaken segment is not much later than what overtook it. */
#define OVERTAKEN_MOST (3 * WH_MILLISECOND)
#define KEEP_ALIVE_LEAST (1 * WH_SECOND)
#define RTO_LEAST (200 * WH_MILLISECOND)
#define RTO_FIRST (1 * WH_SECOND)

wh_time way_rto(const struct way *way)
{
    if (way->srtt == 0) {
        return RTO_FIRST; /* RFC 6298 2.1 */
    }
    wh_time spread = 4 * way->rttvar;
    return way->srtt + (spread > RTO_LEAST ? spread : RTO_LEAST);
}

static uint32_t tsval_of(const struct seen *seen)
{
    return seen->segment.options.has & WH_HAS_TIMESTAMPS ? seen->segment.options.tsval : 0;
}

/* ------------------------------------------------------------------ copies -- */

static uint64_t print_of(const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    uint64_t print = (uint64_t)segment->seq << 32 | segment->ack;
    print = print * UINT64_C(0x9e3779b97f4a7c15) ^ segment->length;
    print = print * UINT64_C(0x9e3779b97f4a7c15) ^ ((uint64_t)tsval_of(seen) << 16 | seen->ip_id);
    return print * UINT64_C(0x9e3779b97f4a7c15) ^ segment->flags;
}

/* The same packet once more: senders give each a new identification, or at least a new time. */
static bool is_copy(struct way *way, const struct seen *seen)
{
    if (seen->ip_id == 0) {
        return false;
    }
    uint64_t print = print_of(seen);
    for (unsigned i = 0; i < COPIES_KNOWN; i++) {
        if (way->copy[i] == print) {
            return true;
        }
    }
    way->copy[way->copies_next++ % COPIES_KNOWN] = print;
    return false;
}

/* ------------------------------------------------------------------ kinds -- */

static enum mark count_again(struct way *way, enum mark mark)
{
    way->sums.retransmissions++;
    switch (mark) {
    case MARK_FAST_RETRANSMIT: way->sums.fast++; break;
    case MARK_TIMEOUT: way->sums.timeouts++; break;
    case MARK_TAIL_PROBE: way->sums.tail_probes++; break;
    case MARK_SPURIOUS: way->sums.spurious++; break;
    case MARK_SYN_AGAIN:
    case MARK_SYN_ACK_AGAIN:
    case MARK_FIN_AGAIN: way->sums.syn_fin_again++; break;
    default: break;
    }
    return mark;
}

static enum mark kind_of_flags(uint16_t flags)
{
    if (flags & WH_SYN) {
        return flags & WH_ACK ? MARK_SYN_ACK_AGAIN : MARK_SYN_AGAIN;
    }
    return MARK_FIN_AGAIN;
}

/* Why a range was sent again after `age`. */
static enum mark kind_by_history(const struct way *way, const struct range *range, wh_time age)
{
    bool told = way->duplicates >= 3 || seq_gt(way->sacked_to, range->end);
    wh_time rto = way_rto(way);
    if (told && !(range->times > 1 && age >= rto)) {
        return MARK_FAST_RETRANSMIT;
    }
    bool tail = range->end == way->nxt && range->times == 1;
    if (tail && way->srtt != 0 && age >= way->srtt && age < rto - rto / 8 && way->duplicates == 0) {
        return MARK_TAIL_PROBE; /* RFC 8985 7.2: after two round trips */
    }
    wh_time least = way->srtt != 0 ? rto - rto / 4 : RTO_LEAST;
    return age >= least || range->times > 1 ? MARK_TIMEOUT : MARK_RETRANSMISSION;
}

static enum mark sent_again(struct way *way, const struct seen *seen, uint32_t end, bool flags)
{
    const struct segment *segment = &seen->segment;
    if (seq_leq(end, way->una) && way->una_seen) {
        return count_again(way, segment->flags & (WH_SYN | WH_FIN) ? kind_of_flags(segment->flags)
                                                                   : MARK_SPURIOUS);
    }
    unsigned first = ranges_find(way, segment->seq);
    enum mark mark = MARK_RETRANSMISSION;
    if (first < way->ranges) {
        const struct range *range = &way->range[first];
        mark = kind_by_history(way, range, seen->when - range->sent);
    }
    mark = flags ? kind_of_flags(segment->flags) : mark;
    for (unsigned i = first; i < way->ranges && seq_lt(way->range[i].seq, end); i++) {
        struct range *range = &way->range[i];
        range->times = (uint8_t)(range->times + (range->times < UINT8_MAX));
        range->sent = seen->when;
        range->tsval = tsval_of(seen);
        range->kind = (uint8_t)mark;
    }
    return count_again(way, mark);
}

/* Bytes below the highest that were never seen: late, or lost before this place and sent again. */
static enum mark fills_hole(const struct way *way, const struct seen *seen,
                            const struct range *after)
{
    uint32_t tsval = tsval_of(seen);
    if (tsval != 0 && after->tsval != 0 && tsval != after->tsval) {
        return seq_lt(tsval, after->tsval) ? MARK_REORDERED : MARK_RETRANSMISSION;
    }
    int16_t later = (int16_t)(seen->ip_id - after->ip_id);
    if (seen->ip_id != 0 && after->ip_id != 0 && later > -1000 && later < 1000 && later != 0) {
        return later < 0 ? MARK_REORDERED : MARK_RETRANSMISSION;
    }
    wh_time age = seen->when > after->first ? seen->when - after->first : 0;
    wh_time most = way->srtt / 2 > OVERTAKEN_MOST ? way->srtt / 2 : OVERTAKEN_MOST;
    return age <= most ? MARK_REORDERED : MARK_RETRANSMISSION;
}

static enum mark sent_below(struct traffic *traffic, struct way *way, const struct seen *seen,
                            uint32_t end)
{
    const struct segment *segment = &seen->segment;
    bool flags = (segment->flags & (WH_SYN | WH_FIN)) != 0 && segment->length == 0;
    unsigned at = ranges_find(way, segment->seq);
    bool hole = seq_geq(segment->seq, way->una) && at < way->ranges &&
                seq_geq(way->range[at].seq, end) && !flags;
    if (!hole) {
        return sent_again(way, seen, end, flags);
    }
    enum mark mark = fills_hole(way, seen, &way->range[at]);
    if (mark == MARK_REORDERED) {
        way->sums.reordered++;
    } else {
        wh_time since = seen->when - way->range[at].first;
        mark = way->duplicates >= 3 || seq_gt(way->sacked_to, end) || since < way_rto(way)
                   ? MARK_FAST_RETRANSMIT
                   : MARK_TIMEOUT;
        count_again(way, mark);
    }
    struct range range = { .seq = segment->seq,
                           .end = end,
                           .first = seen->when,
                           .sent = seen->when,
                           .tsval = tsval_of(seen),
                           .ip_id = seen->ip_id,
                           .times = mark == MARK_REORDERED ? 1 : 2,
                           .kind = (uint8_t)mark };
    (void)ranges_add(traffic, way, &range);
    return mark;
}

/* ------------------------------------------------------------------ probes -- */

/* One byte or none, just below or at what comes next, to draw an answer (RFC 9293 3.8.6.1, 3.8.4). */
static enum mark is_probe(struct way *way, const struct way *peer, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    if (!way->known || segment->length > 1 || (segment->flags & (WH_SYN | WH_FIN | WH_RST)) ||
        !(segment->flags & WH_ACK)) {
        return MARK_NONE;
    }
    bool before = segment->seq == way->nxt - 1;
    if (peer->closed_since != 0 && (before || (segment->seq == way->nxt && segment->length == 1))) {
        return MARK_WINDOW_PROBE;
    }
    bool idle = way->una == way->nxt && seen->when - way->last_sent >= KEEP_ALIVE_LEAST;
    return before && idle ? MARK_KEEP_ALIVE : MARK_NONE;
}

/*
 * Older than a time stamp that this end sent with numbers no higher: the receiver
 * takes it for an old duplicate (RFC 7323 5.3). What was merely overtaken has lower
 * numbers, too.
 */
static bool is_old(const struct way *way, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    bool older = (segment->options.has & WH_HAS_TIMESTAMPS) && way->ts_known &&
                 segment->length > 0 && seq_lt(segment->options.tsval, way->ts);
    if (!older || !way->known || seq_geq(segment->seq, way->nxt) || way->ranges == 0) {
        return older && way->known;
    }
    /* The oldest outstanding bytes once more; a hole at their place was only overtaken. */
    return segment->seq == way->una && way->range[0].seq == way->una;
}

enum mark sent_text(struct traffic *traffic, unsigned from, const struct seen *seen)
{
    struct way *way = &traffic->way[from];
    const struct way *peer = &traffic->way[1 - from];
    const struct segment *segment = &seen->segment;
    uint32_t end = segment->seq + segment_length(segment);
    enum mark probe = is_probe(way, peer, seen);
    if (probe != MARK_NONE) {
        way->probes += probe == MARK_KEEP_ALIVE;
        return probe;
    }
    if (end == segment->seq) {
        return MARK_NONE;
    }
    if (is_copy(way, seen)) {
        way->sums.copies++;
        return MARK_COPY;
    }
    bool old = is_old(way, seen);
    if (!way->known) {
        way->known = true;
        way->una = segment->seq;
        way->nxt = segment->seq;
        way->sacked_to = segment->seq;
    }
    if (!seq_gt(end, way->nxt)) {
        enum mark mark = sent_below(traffic, way, seen, end);
        return old ? MARK_OLD_TIMESTAMP : mark;
    }
    bool gap = seq_gt(segment->seq, way->nxt);
    uint32_t start = seq_max(segment->seq, way->nxt);
    way->sums.gaps += gap;
    way->sums.fresh_bytes += segment->length < end - start ? segment->length : end - start;
    struct range range = { .seq = start,
                           .end = end,
                           .first = seen->when,
                           .sent = seen->when,
                           .tsval = tsval_of(seen),
                           .ip_id = seen->ip_id,
                           .times = 1 };
    if (!ranges_add(traffic, way, &range)) {
        way->una = end;
    }
    way->nxt = end;
    return old ? MARK_OLD_TIMESTAMP : gap ? MARK_GAP : MARK_NONE;
}

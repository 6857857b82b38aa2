/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery: what is lost and when to believe it.
 *
 * With SACK this is RFC 6675: a range is lost when three separate blocks or more
 * than two segments' worth of bytes above it were SACKed. Without SACK it is
 * RFC 6582, NewReno, expressed in the same terms: the third duplicate ACK says that
 * the first segment is lost, each partial ACK says so of the next. What may be sent
 * is cwnd - pipe in both cases, and pipe knows what is lost (conn_pipe).
 *
 * Where both ends agreed on ECN (RFC 3168) the path may mark what it would have
 * dropped. The peer's echo of a mark cuts cwnd like a loss, but nothing is lost, so
 * nothing is sent again. Whatever cut it, the next new data says so by CWR, and until
 * that is acknowledged further echoes are about the same marks.
 *
 * Retransmissions themselves leave from output.c, which looks for ranges marked
 * LOST; nothing here sends.
 */
#include "base/bytes.h"
#include "tcp/cc/cc.h"
#include "tcp/protocol.h"

#define DUP_THRESH 3

/* Marks the first segment's worth of the flight as lost. */
static void lose_first(struct wh_conn *conn, wh_reason reason)
{
    if (flight_empty(conn->flight)) {
        return;
    }
    struct range *first = flight_at(conn->flight, 0);
    uint32_t mss = conn_mss(conn);
    if (first->end - first->start > mss &&
        flight_split(&conn->flight, &conn->tcp->chunks, 0, first->start + mss)) {
        first = flight_at(conn->flight, 0);
    }
    if ((first->flags & RANGE_RETRANSMITTED) == 0 || reason == WH_WHY_RETRANSMIT_PARTIAL) {
        flight_mark_lost(conn->flight, first);
        conn->rtx_reason = (uint8_t)reason;
    }
}

/* The highest position with enough SACKed above it to call it lost, plus one; 0 if there is none. */
static uint32_t lost_below(const struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    uint32_t position = flight_find(flight, flight->high_sacked - 1) + 1;
    uint32_t bytes = 0;
    uint32_t blocks = 0;
    bool inside = false;
    while (position > 0 && blocks < DUP_THRESH && bytes <= (DUP_THRESH - 1) * conn_mss(conn)) {
        const struct range *range = flight_at(flight, --position);
        bool sacked = (range->flags & RANGE_SACKED) != 0;
        if (sacked) {
            bytes += range->end - range->start;
            blocks += !inside;
        }
        inside = sacked;
    }
    return blocks >= DUP_THRESH || bytes > (DUP_THRESH - 1) * conn_mss(conn) ? position : 0;
}

/*
 * IsLost() of RFC 6675 4 for all ranges at once. Each range is judged once: the
 * walk stops where the last one began. True if anything was marked.
 */
static bool lose_by_sack(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (flight_empty(flight) || flight->sacked == 0) {
        return false;
    }
    uint32_t position = lost_below(conn);
    if (position == 0) {
        return false;
    }
    bool any = false;
    uint32_t judged_to = flight_at(flight, position - 1)->end;
    while (position > 0) {
        struct range *range = flight_at(flight, --position);
        if (seq_leq(range->end, flight->judged_to)) {
            break;
        }
        if ((range->flags & (RANGE_SACKED | RANGE_LOST | RANGE_RETRANSMITTED)) == 0) {
            flight_mark_lost(flight, range);
            any = true;
        }
    }
    flight->judged_to = seq_max(flight->judged_to, judged_to);
    return any;
}

/* cwnd has been cut, for whatever reason: new data says so (RFC 3168 6.1.2). */
static void note_reduction(struct wh_conn *conn)
{
    conn->recovery_point = conn->snd_nxt;
    conn->reduced = conn->ecn;
    conn->cwr_due = conn->ecn_send && conn->accecn == NULL;
}

static void enter_fast(struct wh_conn *conn, uint32_t in_flight)
{
    /* Marks and losses of one window of data cut it once (RFC 3168 6.1.2). */
    bool cut = conn->reduced && seq_lt(conn->snd_una, conn->recovery_point);
    conn->recovery = RECOVERY_FAST;
    conn->rescued = false;
    if (cut) {
        conn->recovery_point = conn->snd_nxt;
    } else {
        note_reduction(conn);
        conn->profile->congestion->congestion(conn, CC_LOSS, in_flight);
        conn->cwnd = conn->ssthresh;
    }
    lose_first(conn, WH_WHY_RETRANSMIT_FAST);
    conn->rtx_reason = WH_WHY_RETRANSMIT_FAST;
    conn->rtx_now = true; /* the first retransmission does not wait for room (RFC 6675 5, 4.3) */
}

/* The peer echoes a mark: half as much in flight, and nothing to send again. */
static void reduce_for_mark(struct wh_conn *conn, uint32_t in_flight)
{
    uint32_t before = conn->cwnd;
    because(conn->tcp, WH_WHY_ECN_ECHO);
    if (conn->flight == NULL) { /* a SYN or SYN,ACK was marked: half the initial window */
        conn->cwnd = MIN(before, MAX(before / 2, 2 * conn_mss(conn)));
        note_reduction(conn);
        return;
    }
    conn->profile->congestion->congestion(conn, CC_MARK, in_flight);
    conn->cwnd = MIN(conn->ssthresh, before);
    note_reduction(conn);
    if (before <= conn_mss(conn)) {
        /* RFC 3168 6.1.2: less than one segment in a round trip is one segment after a timeout. */
        conn->cwnd = 0;
        conn_deadline(conn, DEADLINE_PUSH, conn->tcp->now + conn_rto(conn));
    }
}

static void leave(struct wh_conn *conn)
{
    bool fast = conn->recovery == RECOVERY_FAST;
    conn->recovery = RECOVERY_NONE;
    conn->dup_acks = 0;
    if (fast) {
        /* RFC 6582 3.2 (3), first choice: no burst when little is outstanding. */
        uint32_t mss = conn_mss(conn);
        conn->cwnd = MIN(conn->ssthresh, MAX(conn_pipe(conn), mss) + mss);
    }
}

/* Do not grow a window that is not used (RFC 7661 has the reasons). */
static void grow(struct wh_conn *conn, uint32_t bytes, uint32_t in_flight)
{
    bool unused = in_flight + conn_mss(conn) < conn->cwnd &&
                  (conn->cwnd >= conn->ssthresh || in_flight < conn->cwnd / 2);
    struct cc_ack ack = { .acked = bytes, .prior_in_flight = in_flight, .may_grow = !unused };
    conn->profile->congestion->acked(conn, &ack);
}

static void acknowledged_in_order(struct wh_conn *conn, const struct acknowledged *what)
{
    if (what->acked > 0) {
        conn->dup_acks = 0;
        if (!what->echo) { /* RFC 3168 6.1.2: such an ACK opens no window */
            grow(conn, what->acked, what->in_flight);
        }
    } else if (what->duplicate) {
        conn->dup_acks++;
    }
    bool lost = conn->sack && lose_by_sack(conn);
    if (!flight_empty(conn->flight) && (lost || conn->dup_acks >= DUP_THRESH)) {
        enter_fast(conn, conn->snd_nxt - conn->snd_una);
    } else if (what->echo && !conn->reduced) {
        reduce_for_mark(conn, what->in_flight);
    }
}

void recovery_acknowledged(struct wh_conn *conn, const struct acknowledged *what)
{
    if (conn->reduced && seq_gt(conn->snd_una, conn->recovery_point)) {
        conn->reduced = false; /* what bore CWR has arrived: echoes are of new marks from here on */
    }
    if (conn->recovery != RECOVERY_NONE && seq_geq(conn->snd_una, conn->recovery_point)) {
        bool slow_start = conn->recovery == RECOVERY_LOSS && conn->cwnd < conn->ssthresh;
        leave(conn);
        if (what->acked > 0 && slow_start) {
            grow(conn, what->acked, what->in_flight);
        }
        return;
    }
    switch (conn->recovery) {
    case RECOVERY_NONE: acknowledged_in_order(conn, what); break;
    case RECOVERY_FAST:
        if (what->acked > 0 && !conn->sack) {
            /* RFC 6582 3.2 (2): a partial acknowledgement names the next lost segment. */
            conn->dup_acks = 0;
            lose_first(conn, WH_WHY_RETRANSMIT_PARTIAL);
            conn->rtx_now = true;
        } else if (what->acked == 0 && what->duplicate) {
            conn->dup_acks++;
        }
        if (conn->sack) {
            (void)lose_by_sack(conn);
        }
        break;
    default: /* RECOVERY_LOSS: slow start through what was marked lost */
        if (what->acked > 0) {
            conn->dup_acks = 0;
            grow(conn, what->acked, conn->cwnd);
        }
        break;
    }
}

void recovery_timeout(struct wh_conn *conn)
{
    bool first = conn->retries == 0;
    if (first) {
        conn->profile->congestion->congestion(conn, CC_TIMEOUT, conn->snd_nxt - conn->snd_una);
    }
    conn->cwnd = conn_mss(conn);
    conn->recovery = RECOVERY_LOSS;
    note_reduction(conn);
    conn->dup_acks = 0;
    conn->rtx_now = true;
    conn->rtx_reason = WH_WHY_RETRANSMIT_TIMEOUT;
    if (!flight_empty(conn->flight)) {
        /* RFC 2018 8: a receiver may discard what it SACKed. If the range at SND.UNA is SACKed, it has. */
        bool reneged = (flight_at(conn->flight, 0)->flags & RANGE_SACKED) != 0;
        flight_reset(conn->flight, reneged, true);
    }
}

uint32_t recovery_rescue(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (conn->recovery != RECOVERY_FAST || !conn->sack || conn->rescued || flight_empty(flight)) {
        return flight == NULL ? 0 : flight->count;
    }
    uint32_t position = flight->count;
    while (position > 0 && (flight_at(flight, position - 1)->flags & RANGE_SACKED)) {
        position--;
    }
    if (position == 0 || flight_at(flight, position - 1)->flags != 0) {
        return flight->count;
    }
    struct range *range = flight_at(flight, position - 1);
    uint32_t mss = conn_mss(conn);
    if (range->end - range->start > mss &&
        flight_split(&conn->flight, &conn->tcp->chunks, position - 1, range->end - mss)) {
        return position;
    }
    return position - 1;
}

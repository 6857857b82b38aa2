/* SPDX-License-Identifier: MIT */
/*
 * What may leave now. wh_output visits a connection that asked for it, and this
 * file sends, in this order: an owed SYN or SYN,ACK; retransmissions of what was
 * marked lost; new data and the FIN, as far as the peer's window, the congestion
 * window, Nagle and silly-window avoidance allow; probes; acknowledgements that
 * none of these has carried.
 */
#include "base/bytes.h"
#include "tcp/accecn.h"
#include "tcp/cc/cc.h"
#include "tcp/ecn.h"
#include "tcp/fast_open.h"
#include "tcp/path_mtu.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"
#include "wire/ip.h"

/* A small segment held back by cork or silly-window avoidance leaves after this (RFC 9293 3.8.6.2.1). */
#define OVERRIDE (200 * WH_MILLISECOND)
/* Most segments of one burst. */
#define MAX_BURST 64

/* ------------------------------------------------------------- a segment -- */

/* There is something to tell by SACK. */
static bool has_sacks(const struct wh_conn *conn)
{
    return conn->sack && (conn->reassembly != NULL || conn->dsack_length > 0);
}

static void fill_options(struct wh_conn *conn, struct segment *segment)
{
    struct segment_options *options = &segment->options;
    if (conn->timestamps) {
        options->has |= WH_HAS_TIMESTAMPS;
        options->tsval = tcp_timestamp(conn->tcp, conn->ts_offset);
        options->tsecr = conn->ts_recent;
    }
    if (has_sacks(conn)) {
        unsigned room = conn->timestamps ? 3 : 4;
        unsigned n = 0;
        if (conn->dsack_length > 0) { /* RFC 2883 4: before all others, and once */
            options->sack[n++] =
                (struct sack_block){ conn->dsack_left, conn->dsack_left + conn->dsack_length };
        }
        if (conn->reassembly != NULL) {
            n += reassembly_sacks(conn->reassembly, options->sack + n, room - n);
        }
        options->sacks = (uint8_t)n;
        options->has |= n > 0 ? WH_HAS_SACK : 0;
    }
    if (conn->accecn != NULL && !(segment->flags & WH_SYN)) {
        accecn_fill(conn, segment);
    }
}

static void fill(struct wh_conn *conn, struct segment *segment, uint32_t seq, uint16_t flags)
{
    *segment = (struct segment){
        .tuple = conn->tuple,
        .seq = seq,
        .ack = conn->rcv_nxt,
        .flags = (uint16_t)(flags | WH_ACK),
        .hops = (uint8_t)conn_option(conn, WH_OPT_TTL),
        .traffic_class = (uint8_t)(conn_option(conn, WH_OPT_DSCP) << 2),
    };
    fill_options(conn, segment);
}

/* Every segment with ACK says all that there is to acknowledge. */
static void acknowledged_by_now(struct wh_conn *conn)
{
    conn->ack_now = false;
    conn->exact_gap = 0;
    conn->ack_reason = WH_WHY_NONE;
    conn->last_ack_sent = conn->rcv_nxt;
    conn->dsack_length = 0;
    conn_deadline(conn, DEADLINE_ACK, WH_NEVER);
}

static bool send_segment(struct wh_conn *conn, struct outbox *outbox, struct segment *segment,
                         struct chunk *chunk, wh_reason reason)
{
    if (conn->urgent_out && seq_gt(conn->snd_up, segment->seq) && !(segment->flags & WH_SYN)) {
        segment->flags |= WH_URG;
        segment->urgent = (uint16_t)MIN(conn->snd_up - segment->seq, UINT16_MAX);
    }
    segment->flags |= ecn_flags(conn, segment);
    struct emit_note note = { conn_state(conn), reason, conn->rcv_scale };
    segment->window = tcp_window_advertise(conn);
    size_t before = outbox->n;
    if (!emit_segment(outbox, segment, chunk, &note)) {
        return false;
    }
    conn->segments_out += (uint32_t)(outbox->n - before);
    if (conn->accecn != NULL) {
        accecn_sent(conn, segment);
    }
    conn->snd_max = seq_max(conn->snd_max, segment->seq + segment_length(segment));
    acknowledged_by_now(conn);
    return true;
}

static bool send_syn(struct wh_conn *conn, struct outbox *outbox)
{
    struct tcp *tcp = conn->tcp;
    bool answer = conn_state(conn) != WH_SYN_SENT;
    bool again = conn->syn_retries > 0 || seq_gt(conn->snd_max, conn->iss);
    struct segment segment;
    fill(conn, &segment, conn->iss, WH_SYN);
    if (!answer) {
        segment.flags = WH_SYN;
        segment.ack = 0;
        segment.options.tsecr = 0;
    }
    segment.flags |= ecn_syn_flags(conn, answer, again);
    struct segment_options *options = &segment.options;
    options->has |= WH_HAS_MSS;
    options->mss = tcp_announced_mss(tcp, conn->profile, &conn->tuple.remote);
    if (conn->scaling) {
        if (!again) {
            conn->rcv_scale = tcp_window_scale(conn_option(conn, WH_OPT_RECEIVE_BUFFER));
        }
        options->has |= WH_HAS_WINDOW_SCALE;
        options->window_scale = conn->rcv_scale; /* once told, it stays */
    }
    if (conn->sack) {
        options->has |= WH_HAS_SACK_PERMITTED;
    }
    uint8_t cookie[FAST_OPEN_MOST];
    if (!again) {
        fast_open_fill(conn, &segment, cookie); /* repeats are bare (RFC 7413 4.2.2) */
    }
    if (answer && conn->accecn != NULL && !conn->accecn->plain && (segment.flags & ECN_FLAGS)) {
        accecn_fill_first(options);
    }
    /* The window of a SYN is never scaled (RFC 7323 2.2). */
    segment.window = (uint16_t)MIN(conn_receive_space(conn), UINT16_MAX);
    struct emit_note note = { conn_state(conn), again ? conn->rtx_reason : WH_WHY_NONE, 0 };
    if (!emit_segment(outbox, &segment, conn->send.head, &note)) {
        return false;
    }
    if (!answer) {
        conn->rcv_edge = MAX(conn->rcv_edge, segment.window); /* from a RCV.NXT not yet known */
        fast_open_sent(conn, &segment);
    } else {
        conn->rcv_edge = seq_max(conn->rcv_edge, conn->rcv_nxt + segment.window);
        acknowledged_by_now(conn);
    }
    conn->syn_due = false;
    conn->segments_out++;
    conn->retransmissions += again;
    conn->snd_max = seq_max(conn->snd_max, conn->iss + segment_length(&segment));
    if (!again) {
        conn->progress = tcp->now;
        conn->sent = tcp_milliseconds(tcp);
    }
    conn_deadline(conn, DEADLINE_RETRANSMIT, tcp->now + conn_rto(conn));
    return true;
}

/* ------------------------------------------------------------------ data -- */

/* The chunk that holds seq, found from the cursor where possible. */
static struct chunk *chunk_at(struct wh_conn *conn, uint32_t seq)
{
    struct chunk *chunk = conn->flight != NULL ? conn->flight->cursor : NULL;
    if (chunk == NULL || seq_lt(seq, chunk->seq + chunk->begin)) {
        chunk = conn->send.head;
    }
    while (chunk != NULL && seq_geq(seq, chunk->seq + chunk->end)) {
        chunk = chunk->next;
    }
    return chunk;
}

/* The link takes no super-segments. */
static bool we_cut(const struct wh_conn *conn)
{
    return (conn->tcp->features & WH_TX_SEGMENTATION) == 0;
}

/* Most bytes of data in one frame: a segment, or a super-segment where the link cuts it. */
static uint32_t frame_limit(const struct wh_conn *conn, uint32_t mss, uint32_t options)
{
    if (we_cut(conn) || (conn->urgent_out != 0)) {
        return mss;
    }
    if (conn->accecn != NULL && (accecn_flags(conn, &(struct segment){ .length = 1 }) & WH_CWR)) {
        return mss; /* who cuts for RFC 3168 would clear this bit of ACE (RFC 9768 3.3.4) */
    }
    uint32_t most = UINT16_MAX - ip_header_length(&conn->tuple.remote) - 20 - options;
    return MAX(most / mss * mss, mss);
}

/*
 * Most bytes of new data that are dealt with at once. Without a link that cuts super-segments it is
 * we who cut, at the very last (emit.c): all that is the same for each segment is then done once.
 * Only for what leaves at one instant anyhow, and where segments differ in nothing but their place.
 */
static uint32_t burst_limit(const struct wh_conn *conn, struct outbox *outbox, uint32_t mss,
                            uint32_t options)
{
    if (we_cut(conn)) {
        uint32_t available = conn->snd_end - conn->snd_nxt;
        if (available <= mss || conn->urgent_out || conn->accecn != NULL || conn->flight == NULL ||
            pace_rate(conn) > 0) {
            return mss;
        }
        return emit_room(outbox, MIN(available / mss + 1, MAX_BURST)) * mss;
    }
    uint32_t limit = frame_limit(conn, mss, options);
    if (conn->flight != NULL && conn->flight->pace_quantum > 0) {
        limit = MIN(limit, MAX(conn->flight->pace_quantum / mss * mss, mss));
    }
    return limit;
}

/* How much of that the chunks allow. */
static uint32_t burst_reach(const struct wh_conn *conn, const struct chunk *chunk, uint32_t length,
                            uint32_t mss)
{
    return we_cut(conn) && length > mss ? emit_reach_each(chunk, conn->snd_nxt, length, mss)
                                        : emit_reach(chunk, conn->snd_nxt, length);
}

/* Sends [seq, seq + length), data from the chunk on, and perhaps the FIN at its end. */
static bool send_range(struct wh_conn *conn, struct outbox *outbox, struct chunk *chunk,
                       uint32_t seq, uint32_t length, uint32_t mss, bool fin, wh_reason reason)
{
    struct segment segment;
    fill(conn, &segment, seq, fin ? WH_FIN : 0);
    segment.length = length;
    segment.segment_size = length > mss ? (uint16_t)mss : 0;
    if (conn->accecn != NULL) {
        accecn_fill(conn, &segment);
    }
    if (length > 0 && seq + length == conn->snd_end) {
        segment.flags |= WH_PSH;
    }
    /* RFC 3168 6.1.4 to 6.1.6: new data alone may be marked, nothing that is sent again. */
    if (conn->ecn_send && length > 0 && seq_geq(seq, conn->snd_max)) {
        segment.traffic_class |= ECN_ECT0;
        segment.flags |= conn->cwr_due ? WH_CWR : 0;
        if (conn->accecn != NULL) {
            conn->accecn->ect_sent += (length + mss - 1) / mss;
        }
    }
    if (!send_segment(conn, outbox, &segment, chunk, reason)) {
        return false;
    }
    conn->cwr_due = conn->cwr_due && !(segment.flags & WH_CWR);
    path_mtu_sent(conn, seq, length, mss);
    return true;
}

/* Bytes of data in a segment that leaves now: SACK blocks cost room as well. */
static uint32_t mss_now(struct wh_conn *conn, uint32_t *options_length)
{
    if (!has_sacks(conn) && conn->accecn == NULL) { /* as nearly always */
        *options_length = conn->timestamps ? 12 : 0;
        return conn_mss(conn);
    }
    struct segment segment = { .seq = conn->snd_max, .length = 1 };
    fill_options(conn, &segment);
    *options_length = (uint32_t)segment_options_length(&segment.options);
    return conn->snd_mss > *options_length + 8 ? conn->snd_mss - *options_length : 8;
}

/* These are counted when they happen, and not for each segment that leaves for their sake. */
static bool counted_before(wh_reason reason)
{
    switch (reason) {
    case WH_WHY_RETRANSMIT_TIMEOUT:
    case WH_WHY_RETRANSMIT_TAIL_PROBE:
    case WH_WHY_ICMP_TOO_BIG:
    case WH_WHY_MTU_BLACK_HOLE:
    case WH_WHY_MTU_PROBE_LOST: return true;
    default: return false;
    }
}

/* Sends again from the range at this position. False: try later. */
static bool retransmit(struct wh_conn *conn, struct outbox *outbox, uint32_t position,
                       uint32_t room, wh_reason reason)
{
    uint32_t options;
    uint32_t mss = mss_now(conn, &options);
    struct range *range = flight_at(conn->flight, position);
    uint32_t start = range->start;
    uint32_t end = range->end;
    uint32_t data_end = seq_min(end, conn->snd_end);
    uint32_t data = seq_gt(data_end, start) ? data_end - start : 0;
    uint32_t limit = MIN(frame_limit(conn, mss, options), MAX(room / mss * mss, mss));
    struct chunk *chunk = data > 0 ? chunk_at(conn, start) : NULL;
    data = MIN(data, limit);
    data = chunk != NULL ? emit_reach(chunk, start, data) : data;
    bool fin = seq_gt(end, conn->snd_end) && start + data == conn->snd_end;
    uint32_t sent_to = start + data + fin;
    if (outbox_full(outbox) || !send_range(conn, outbox, chunk, start, data, mss, fin, reason)) {
        return false;
    }
    if (sent_to != end) {
        /* Without room the whole range counts as sent; what has not left will be found lost again. */
        (void)flight_split(&conn->flight, &conn->tcp->chunks, position, sent_to);
    }
    conn->bytes_retransmitted += data;
    if (!counted_before(reason)) {
        conn->tcp->count[reason]++;
    }
    conn->retransmissions++;
    struct snapshot then = rate_sending(conn, sent_to - start);
    flight_mark_sent_again(conn->flight, flight_at(conn->flight, position), conn->tcp->now, &then);
    recovery_sent_again(conn, start, sent_to - start);
    pace_sent(conn, data, false);
    return true;
}

/* What is deemed lost, urgent first. */
static bool retransmit_lost(struct wh_conn *conn, struct outbox *outbox)
{
    struct range *range;
    while (conn->flight != NULL &&
           (range = flight_first(conn->flight, &conn->flight->losses)) != NULL) {
        uint32_t pipe = conn_pipe(conn);
        uint32_t room = conn->cwnd > pipe ? conn->cwnd - pipe : 0;
        bool now = conn->flight->rtx_now;
        if (!now &&
            (room < conn_mss(conn) || undo_holds_retransmissions(conn) || pace_waits(conn))) {
            conn->flight->cwnd_limited = true;
            return true;
        }
        uint32_t position = flight_find(conn->flight, range->start);
        if (!retransmit(conn, outbox, position, now ? MAX(room, 1) : room, conn->rtx_reason)) {
            return false;
        }
        if (conn->flight->rto_at == WH_NEVER || conn->probing) {
            rtt_restart_timer(conn);
        }
    }
    return true;
}

/* SND.UNA for data: a SYN that is still outstanding does not count. */
static uint32_t first_unacknowledged(const struct wh_conn *conn)
{
    return conn->snd_una + conn_syn_outstanding(conn);
}

/* RFC 9293 3.8.6.2.1 and 3.7.4: may `small` bytes, less than a full segment, leave now? */
static bool may_send_small(struct wh_conn *conn, uint32_t small, bool last)
{
    if (conn->push_due || (last && conn->write_shut)) {
        return true;
    }
    if (conn_option(conn, WH_OPT_CORK) || (last && conn->more)) {
        return false;
    }
    bool idle = conn->snd_nxt == first_unacknowledged(conn);
    if (last) {
        return idle || !conn_option(conn, WH_OPT_NAGLE);
    }
    return small >= conn->max_snd_wnd / 2;
}

/* What keeps new data from leaving gets a timer that will let it go in the end. */
static void hold_back(struct wh_conn *conn, uint32_t window)
{
    if (conn->snd_nxt != conn->snd_una) {
        if (conn_option(conn, WH_OPT_CORK) && conn->deadline[DEADLINE_PUSH] == WH_NEVER) {
            conn_deadline(conn, DEADLINE_PUSH, conn->tcp->now + OVERRIDE);
        }
        return; /* an acknowledgement will come, or the retransmission timer */
    }
    if (window == 0) {
        if (!conn->probing) {
            /* SHLD-29: the first probe comes one RTO after the window closed. */
            conn->probing = true;
            conn->retries = 0;
            conn->heard = tcp_milliseconds_after(conn->tcp, 0);
            conn_deadline(conn, DEADLINE_RETRANSMIT, conn->tcp->now + conn_rto(conn));
        }
    } else if (conn->deadline[DEADLINE_PUSH] == WH_NEVER) {
        conn_deadline(conn, DEADLINE_PUSH, conn->tcp->now + OVERRIDE);
    }
}

/* How much new data the next frame carries; 0: none may leave now. */
static uint32_t next_length(struct wh_conn *conn, uint32_t mss, uint32_t limit)
{
    uint32_t available = conn->snd_end - conn->snd_nxt;
    uint32_t edge = first_unacknowledged(conn) + conn->snd_wnd;
    uint32_t window = seq_gt(edge, conn->snd_nxt) ? edge - conn->snd_nxt : 0;
    uint32_t usable = MIN(available, window);
    if (usable == 0 || (usable < mss && !may_send_small(conn, usable, usable == available))) {
        hold_back(conn, window);
        return 0;
    }
    uint32_t pipe = conn_pipe(conn);
    uint32_t room = conn->cwnd > pipe ? conn->cwnd - pipe : 0;
    /* Segments may have grown beyond cwnd: with nothing in flight nobody would ever open it. */
    bool idle = conn->snd_nxt == first_unacknowledged(conn);
    bool fits = room >= MIN(usable, mss) || (idle && room > 0);
    if (!fits || pace_waits(conn)) {
        if (conn->flight != NULL) {
            conn->flight->cwnd_limited = true;
        }
        return 0;
    }
    uint32_t length = MIN(MIN(usable, room), limit);
    /* A tail waits its turn. Where we cut it always does: Nagle's question is for one segment. */
    if (length > mss && (we_cut(conn) || length != usable ||
                         !may_send_small(conn, length % mss, length == available))) {
        length -= length % mss;
    }
    return length;
}

/* What was sent new is in flight, and the timer runs. */
static void note_sent(struct wh_conn *conn, uint32_t length)
{
    struct tcp *tcp = conn->tcp;
    bool first = conn->snd_nxt == conn->snd_una;
    conn->snd_nxt += length;
    if (!conn_syn_outstanding(conn)) {
        conn->sent = tcp_milliseconds(tcp);
    }
    if (first) {
        conn->progress = tcp->now;
        conn->retries = 0;
    }
    if (first || conn->probing || conn->deadline[DEADLINE_RETRANSMIT] == WH_NEVER) {
        rtt_restart_timer(conn);
    }
    conn_deadline(conn, DEADLINE_PUSH, WH_NEVER);
}

/*
 * RFC 5681 4.1: after a rest what was known of the path is old, so that it starts again from the
 * initial window; but slow start may come near to where it was at once (RFC 7661 4.4.3).
 */
static void restart_after_idle(struct wh_conn *conn)
{
    if (!flight_empty(conn->flight) || conn->snd_end == conn->snd_nxt ||
        tcp_milliseconds(conn->tcp) - conn->sent <= conn->rto / 1000) {
        return;
    }
    uint32_t initial = cc_initial_window(conn);
    if (conn->cwnd <= initial) {
        return;
    }
    conn->ssthresh = MAX(conn->ssthresh, conn->cwnd - conn->cwnd / 4);
    conn->cwnd = initial;
}

/* Something new is about to leave: there is a flight, and congestion control is at work. */
static bool begin_sending(struct wh_conn *conn)
{
    const struct cc_algorithm *congestion = conn->profile->congestion;
    if (conn->flight == NULL) {
        if (!flight_begin(&conn->flight, &conn->tcp->chunks)) {
            return false;
        }
        congestion->begin(conn);
    } else if (conn->flight->count == 0 && conn->flight->has_limit && congestion->resume != NULL) {
        congestion->resume(conn);
    }
    return true;
}

/* What begins here and counts as sent found no slot: it is lost at once. */
static void lose_unsent(struct wh_conn *conn, uint32_t start)
{
    uint32_t last = conn->flight->count - 1;
    if (flight_at(conn->flight, last)->start != start &&
        flight_split(&conn->flight, &conn->tcp->chunks, last, start)) {
        last++;
    }
    flight_mark_lost(conn->flight, flight_at(conn->flight, last), false);
    conn->flight->rtx_now = true;
}

/* Puts [snd_nxt, snd_nxt + length (+ FIN)), whose first byte the chunk holds, on the wire. */
static bool send_new(struct wh_conn *conn, struct outbox *outbox, struct chunk *chunk,
                     uint32_t length, uint32_t mss, bool fin, wh_reason reason)
{
    uint32_t start = conn->snd_nxt;
    if (!begin_sending(conn)) {
        return false;
    }
    struct snapshot then = rate_sending(conn, length + fin);
    if (!flight_send(&conn->flight, &conn->tcp->chunks, start, start + length + fin, conn->tcp->now,
                     &then)) {
        return false;
    }
    pace_sent(conn, length, start == first_unacknowledged(conn));
    conn->flight->prr_out += length + fin;
    reason = reason != WH_WHY_NONE ? reason : fast_open_again(conn, length);
    bool sent = send_range(conn, outbox, chunk, start, length, mss, fin, reason);
    note_sent(conn, length + fin);
    conn->fin_sent |= fin;
    if (conn->push_due && length % mss != 0) {
        conn->push_due = false; /* what the override was for has left */
    }
    if (length > 0) {
        uint32_t last = start + length - 1;
        bool here = seq_lt(last, chunk->seq + chunk->end);
        conn->flight->cursor = here ? chunk : chunk_at(conn, last);
    }
    if (!sent) {
        lose_unsent(conn, start);
    }
    return sent;
}

/* Probes the path with a larger segment (path_mtu.c); it may have to wait for room first. */
static bool send_path_probe(struct wh_conn *conn, struct outbox *outbox, uint32_t options,
                            bool *waits)
{
    uint32_t size = path_mtu_probe(conn, options);
    if (size == 0) {
        return true;
    }
    uint32_t start = conn->snd_nxt;
    uint32_t length = size - options;
    uint32_t pipe = conn_pipe(conn);
    struct chunk *chunk = chunk_at(conn, start);
    if (emit_reach(chunk, start, length) < length) {
        return true; /* it lies in too many pieces for one frame */
    }
    if (conn->flight != NULL && (conn->cwnd < pipe + length || pace_waits(conn))) {
        conn->flight->cwnd_limited = true;
        *waits = true;
        return true;
    }
    if (outbox_full(outbox) ||
        !send_new(conn, outbox, chunk, length, length, false, WH_WHY_MTU_PROBE)) {
        return false;
    }
    path_mtu_probe_sent(conn, start, size);
    return true;
}

static bool send_data(struct wh_conn *conn, struct outbox *outbox)
{
    if (conn_syn_outstanding(conn) && conn->send.length > 0 && !conn_unconfirmed(conn)) {
        return true; /* no window is known before the handshake is complete */
    }
    restart_after_idle(conn);
    uint32_t options;
    uint32_t mss = mss_now(conn, &options);
    bool waits = false;
    if ((conn->mtu_state & (MTU_SEARCHING | MTU_SETTLED)) != 0 &&
        !send_path_probe(conn, outbox, options, &waits)) {
        return false;
    }
    while (!waits && !conn->fin_sent && conn->snd_nxt != conn->snd_end) {
        /* CWR stands on one segment, so that one is not cut. */
        uint32_t limit = conn->cwr_due ? mss : burst_limit(conn, outbox, mss, options);
        uint32_t length = next_length(conn, mss, MAX(limit, mss));
        if (length == 0) {
            return true;
        }
        if (outbox_full(outbox)) {
            return false;
        }
        struct chunk *chunk = chunk_at(conn, conn->snd_nxt);
        length = burst_reach(conn, chunk, length, mss);
        bool fin = conn->write_shut && conn->snd_nxt + length == conn->snd_end;
        if (!send_new(conn, outbox, chunk, length, mss, fin, WH_WHY_NONE)) {
            return false;
        }
    }
    if (waits) {
        return true;
    }
    conn->push_due = false;
    rate_limited_by_application(conn);
    if (conn->write_shut && !conn->fin_sent) {
        /* A FIN alone needs no window: it is its own probe (lifecycle C31). */
        return !outbox_full(outbox) && send_new(conn, outbox, NULL, 0, mss, true, WH_WHY_NONE);
    }
    return true;
}

/* RFC 6675 4, rule 4: when nothing else may go and the window has room, the last segment once more. */
static bool send_rescue(struct wh_conn *conn, struct outbox *outbox)
{
    if (conn->recovery != RECOVERY_FAST || flight_empty(conn->flight) || conn->flight->lost > 0 ||
        conn->snd_nxt != conn->snd_end + conn->fin_sent ||
        conn_pipe(conn) + conn_mss(conn) > conn->cwnd) {
        return true;
    }
    uint32_t position = recovery_rescue(conn);
    if (position >= conn->flight->count) {
        return true;
    }
    conn->flight->rescued = true;
    return retransmit(conn, outbox, position, conn_mss(conn), WH_WHY_RETRANSMIT_RESCUE);
}

/* RFC 8985 7.3: new data if there is any and the peer's window takes it, else the last segment again. */
static bool send_tail_probe(struct wh_conn *conn, struct outbox *outbox)
{
    struct flight *flight = conn->flight;
    if (flight_empty(flight) || !flight->probe_due) {
        return true;
    }
    uint32_t options;
    uint32_t mss = mss_now(conn, &options);
    uint32_t edge = first_unacknowledged(conn) + conn->snd_wnd;
    uint32_t window = seq_gt(edge, conn->snd_nxt) ? edge - conn->snd_nxt : 0;
    uint32_t length = MIN(MIN(conn->snd_end - conn->snd_nxt, window), mss);
    if (outbox_full(outbox)) {
        return false;
    }
    bool again = length == 0 || conn->fin_sent;
    if (again) {
        uint32_t position = flight->count - 1U;
        const struct range *range = flight_at(flight, position);
        uint32_t last = recovery_last_segment(conn, range);
        if (last != range->start &&
            flight_split(&conn->flight, &conn->tcp->chunks, position, last)) {
            position++;
        }
        if (!retransmit(conn, outbox, position, mss, WH_WHY_RETRANSMIT_TAIL_PROBE)) {
            return false;
        }
    } else {
        struct chunk *chunk = chunk_at(conn, conn->snd_nxt);
        length = emit_reach(chunk, conn->snd_nxt, length);
        bool fin = conn->write_shut && conn->snd_nxt + length == conn->snd_end;
        if (!send_new(conn, outbox, chunk, length, mss, fin, WH_WHY_NONE)) {
            return false;
        }
    }
    tail_probe_sent(conn, again);
    rtt_restart_timer(conn); /* RFC 8985 7.3: the timeout counts from the probe */
    return true;
}

/* ---------------------------------------------------- probes and answers -- */

/* SHLD-12: no data; the number before SND.NXT makes it unacceptable, hence answered. */
static bool send_keepalive(struct wh_conn *conn, struct outbox *outbox)
{
    struct segment segment;
    struct chunk_store *store = &conn->tcp->chunks;
    struct chunk *garbage = NULL;
    if (conn_option(conn, WH_OPT_KEEPALIVE_GARBAGE)) {
        garbage = chunk_take(store, 1, MEMORY_ORDINARY); /* MAY-6; without memory, without */
    }
    fill(conn, &segment, conn->snd_nxt - 1, 0);
    if (garbage != NULL) {
        garbage->data[0] = 0;
        garbage->end = 1;
        garbage->seq = segment.seq;
        segment.length = 1;
    }
    bool sent = send_segment(conn, outbox, &segment, garbage, WH_WHY_KEEPALIVE_PROBE);
    if (garbage != NULL) {
        chunk_drop(store, garbage);
    }
    return sent;
}

/* One byte beyond the window, or one byte less than nothing: both make the peer answer. */
static bool send_probes(struct wh_conn *conn, struct outbox *outbox)
{
    struct segment segment;
    if (conn->probe_due) {
        bool data = !conn->fin_sent && conn->snd_nxt != conn->snd_end;
        fill(conn, &segment, data ? conn->snd_nxt : conn->snd_nxt - 1, 0);
        segment.length = data;
        struct chunk *chunk = data ? chunk_at(conn, conn->snd_nxt) : NULL;
        if (!send_segment(conn, outbox, &segment, chunk, WH_WHY_WINDOW_PROBE)) {
            return false;
        }
        conn->probe_due = false;
    }
    if (conn->keepalive_due) {
        if (!send_keepalive(conn, outbox)) {
            return false;
        }
        conn->keepalive_due = false;
    }
    return true;
}

/*
 * RFC 8257 3.2: what came before the marks changed is acknowledged by itself, with ECE as
 * it stood then. What came since stays owed.
 */
static bool send_exact_ack(struct wh_conn *conn, struct outbox *outbox)
{
    struct segment segment;
    uint32_t now = conn->rcv_nxt;
    uint32_t then = conn->last_ack_sent + conn->exact_gap;
    bool ack_now = conn->ack_now;
    bool echo = conn->ecn_echo;
    wh_time delayed = conn->deadline[DEADLINE_ACK];
    conn->rcv_nxt = seq_min(then, now); /* as it was */
    conn->ecn_echo = conn->exact_echo;
    fill(conn, &segment, conn->snd_nxt, 0);
    bool sent = send_segment(conn, outbox, &segment, NULL, WH_WHY_ECN_FEEDBACK);
    conn->rcv_nxt = now;
    conn->ecn_echo = echo;
    if (sent && ack_now) {
        conn->ack_now = true;
    } else if (sent && conn->last_ack_sent != now) {
        conn_deadline(conn, DEADLINE_ACK, delayed);
    }
    return sent;
}

/* The answer to a SYN,ACK of Accurate ECN leaves before any data (RFC 9768 3.2.2.1). */
static bool send_handshake_ack(struct wh_conn *conn, struct outbox *outbox)
{
    struct segment segment;
    if (conn->accecn == NULL || !conn->accecn->handshake || !conn->ack_now) {
        return true;
    }
    fill(conn, &segment, conn->snd_nxt, 0);
    return send_segment(conn, outbox, &segment, NULL, conn->ack_reason);
}

static bool send_acks(struct wh_conn *conn, struct outbox *outbox)
{
    struct segment segment;
    while (conn->dup_acks_owed > 0) {
        fill(conn, &segment, conn->snd_nxt, 0);
        if (!send_segment(conn, outbox, &segment, NULL, WH_WHY_DUPLICATE_ACK)) {
            return false;
        }
        conn->dup_acks_owed--;
    }
    if (conn->ack_now) {
        fill(conn, &segment, conn->snd_nxt, 0);
        if (conn->accecn != NULL && conn->accecn->alone) {
            segment.options.has &= (uint8_t)~WH_HAS_SACK; /* not to be taken for a duplicate */
            segment.options.sacks = 0;                    /* (RFC 9768 3.2.2.5.1) */
        }
        if (!send_segment(conn, outbox, &segment, NULL, conn->ack_reason)) {
            return false;
        }
    }
    return true;
}

/* Something may have to leave again before, or after, what is new. */
static bool repairs_due(const struct wh_conn *conn)
{
    const struct flight *flight = conn->flight;
    return flight != NULL && (conn->recovery == RECOVERY_FAST || flight->probe_due ||
                              flight->losses.first != NO_RANGE);
}

bool tcp_output(struct wh_conn *conn, struct outbox *outbox)
{
    if (conn_over(conn)) {
        return true;
    }
    if (conn->syn_due && !send_syn(conn, outbox)) {
        return false;
    }
    if ((conn->exact_gap > 0 && !send_exact_ack(conn, outbox)) ||
        !send_handshake_ack(conn, outbox)) {
        return false;
    }
    if (conn_state(conn) < WH_ESTABLISHED && !conn_unconfirmed(conn)) {
        return send_acks(conn, outbox);
    }
    uint32_t next = conn->snd_nxt;
    uint32_t again = conn->retransmissions;
    bool all = repairs_due(conn) ? send_tail_probe(conn, outbox) && retransmit_lost(conn, outbox) &&
                                       send_data(conn, outbox) && send_rescue(conn, outbox)
                                 : send_data(conn, outbox);
    bool owed = conn->flight != NULL && conn->flight->arm_due;
    if (owed || conn->snd_nxt != next || conn->retransmissions != again) {
        recovery_arm(conn);
    }
    limits_note(conn);
    /* Data that found no memory is no reason to be silent. */
    return send_probes(conn, outbox) && send_acks(conn, outbox) && all;
}

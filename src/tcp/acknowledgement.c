/* SPDX-License-Identifier: MIT */
/* RFC 9293 3.10.7.4, fifth: the ACK field. What an acknowledgement tells. */
#include "base/bytes.h"
#include "tcp/accecn.h"
#include "tcp/cc/cc.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"

void tcp_first_window(struct wh_conn *conn, const struct segment *syn)
{
    conn->snd_wnd = syn->window; /* never scaled (RFC 7323 2.2) */
    conn->max_snd_wnd = syn->window;
    conn->snd_wl1 = syn->seq;
    conn->snd_wl2 = conn->iss;
}

void tcp_take_window(struct wh_conn *conn, const struct segment *segment)
{
    bool newer = seq_lt(conn->snd_wl1, segment->seq) ||
                 (conn->snd_wl1 == segment->seq && seq_leq(conn->snd_wl2, segment->ack));
    if (!newer) {
        return;
    }
    uint32_t old = conn->snd_wnd;
    conn->snd_wnd = (uint32_t)segment->window << ((segment->flags & WH_SYN) ? 0 : conn->snd_scale);
    conn->snd_wl1 = segment->seq;
    conn->snd_wl2 = segment->ack;
    conn->max_snd_wnd = MAX(conn->max_snd_wnd, conn->snd_wnd);
    if (conn->snd_wnd != old) {
        conn_want_output(conn);
    }
    if (conn->probing && conn->snd_wnd > 0) {
        conn->retries = 0;
        rtt_restart_timer(conn);
        recovery_arm(conn);
    }
}

/* The first acknowledgement after the SYN: the connection is open (RFC 9293 3.10.7.4, SYN-RECEIVED). */
static void open_established(struct wh_conn *conn, const struct segment *segment)
{
    conn->snd_wl1 = segment->seq;
    conn->snd_wl2 = segment->ack;
    conn->snd_wnd = (uint32_t)segment->window << ((segment->flags & WH_SYN) ? 0 : conn->snd_scale);
    conn->max_snd_wnd =
        MAX(conn->max_snd_wnd, conn->snd_wnd); /* the SYN's counts too (RFC 5961 5.2) */
    conn_step(conn, WH_ON_SYN_ACKED, WH_WHY_BY_SEGMENT);
}

/* The handshake is complete, in ESTABLISHED or, closed meanwhile, already beyond it. */
static void syn_acknowledged(struct wh_conn *conn)
{
    conn->pending |= WH_CONNECTED;
    conn->syn_due = false; /* a repetition asked for has become pointless */
    tcp_keepalive_restart(conn);
    if (conn->syn_retries > 0 && conn->srtt == 0) {
        /* It took long: careful with the first data (RFC 6298 5.7, RFC 5681 3.1). */
        conn->rto = (uint32_t)(MAX((uint64_t)conn_option(conn, WH_OPT_RTO_INITIAL), 3 * WH_SECOND) /
                               WH_MICROSECOND);
    }
    conn->retries = 0;
    conn->cwnd = cc_initial_window(conn);
}

/* RFC 9293 3.10.7.4 and RFC 5961 5.2: is the ACK field one that we could have provoked? */
static bool check_range(struct wh_conn *conn, const struct segment *segment)
{
    struct tcp *tcp = conn->tcp;
    if (conn_state(conn) == WH_SYN_RECEIVED) {
        if (seq_gt(segment->ack, conn->snd_una) && seq_leq(segment->ack, conn->snd_max)) {
            open_established(conn, segment);
            return true;
        }
        because(tcp, WH_WHY_ACK_BAD_IN_SYN_RECEIVED);
        reply_reset(tcp, segment, WH_SYN_RECEIVED, WH_WHY_ACK_BAD_IN_SYN_RECEIVED);
        return false;
    }
    if (seq_gt(segment->ack, conn->snd_max)) {
        tcp_challenge(conn, WH_WHY_ACK_UNSENT);
        return false;
    }
    if (seq_lt(segment->ack, conn->snd_una - conn->max_snd_wnd)) {
        tcp_challenge(conn, WH_WHY_ACK_TOO_OLD);
        return false;
    }
    return true;
}

/*
 * RFC 6298 3 (Karn) and RFC 7323 4: a sample from what was sent once, else from the echoed clock.
 * What was sent once and is acknowledged with what was not has waited behind it for as long as the
 * repair took: its time says nothing of the path.
 */
static void sample_rtt(struct wh_conn *conn, struct acknowledged *what, uint64_t sent)
{
    struct tcp *tcp = conn->tcp;
    wh_time rtt = 0;
    if (sent != 0) {
        rtt = MAX(tcp->now - sent, 1);
    } else if (what->has_tsecr && what->forward) {
        uint32_t ticks = tcp_timestamp(tcp, conn->ts_offset) - what->tsecr;
        rtt = ticks < (uint32_t)1 << 31 ? MAX(ticks, 1) * WH_MILLISECOND : 0;
    }
    if (rtt > 0) {
        what->rtt = rtt_sample(conn, rtt);
    }
}

/* RFC 2883 4: the first block tells of a duplicate if it is acknowledged already, or lies in the second. */
static bool is_dsack(const struct wh_conn *conn, const struct segment *segment)
{
    const struct sack_block *block = segment->options.sack;
    if (!seq_lt(block->left, block->right) || block->right - block->left > conn->max_snd_wnd ||
        seq_gt(block->right, conn->snd_max)) {
        return false;
    }
    if (seq_leq(block->right, segment->ack)) {
        return seq_gt(block->left, conn->snd_una - conn->max_snd_wnd);
    }
    return segment->options.sacks > 1 && seq_geq(block[0].left, block[1].left) &&
           seq_leq(block[0].right, block[1].right);
}

/* Reads the SACK blocks. */
static void take_sacks(struct wh_conn *conn, const struct segment *segment,
                       struct acknowledged *what)
{
    if (!conn->sack || !(segment->options.has & WH_HAS_SACK) || segment->options.sacks == 0) {
        return;
    }
    unsigned first = 0;
    if (is_dsack(conn, segment)) {
        what->dsack = true;
        what->dsack_left = segment->options.sack[0].left;
        what->dsack_right = segment->options.sack[0].right;
        conn->tcp->count[WH_WHY_DSACK]++;
        conn->told_twice = (uint16_t)MIN(conn->told_twice + 1U, UINT16_MAX);
        first = 1;
    }
    for (unsigned i = first; i < segment->options.sacks && !flight_empty(conn->flight); i++) {
        uint32_t left = segment->options.sack[i].left;
        uint32_t right = segment->options.sack[i].right;
        /* Inverted, old, or about the future: such blocks tell nothing. */
        if (seq_lt(left, right) && seq_gt(left, conn->snd_una) && seq_leq(right, conn->snd_nxt)) {
            what->sacked +=
                flight_sack(&conn->flight, &conn->tcp->chunks, left, right, &what->delivery);
        }
    }
}

/* SND.UNA comes to `ack`, over so many bytes of data: the queue and the flight let them go. */
static void move_una(struct wh_conn *conn, uint32_t ack, uint32_t data, struct delivery *delivery)
{
    struct tcp *tcp = conn->tcp;
    struct flight *flight = conn->flight;
    if (flight != NULL && flight->cursor != NULL &&
        seq_leq(flight->cursor->seq + flight->cursor->end, ack)) {
        flight->cursor = NULL;
    }
    chunk_queue_consume(&conn->send, &tcp->chunks, data);
    conn_count_acked(conn, data);
    flight_acknowledge(flight, ack, delivery);
    conn->snd_una = ack;
    conn->snd_wl2 = seq_max(conn->snd_wl2, ack);
    conn->progress = tcp->now;
}

/* Moves SND.UNA to the ACK field, be it over data, the SYN or the FIN. */
static void advance(struct wh_conn *conn, const struct segment *segment, struct acknowledged *what,
                    uint64_t *sent)
{
    uint32_t ack = segment->ack;
    uint32_t data_una = conn_syn_outstanding(conn) ? conn->iss + 1 : conn->snd_una;
    bool syn = conn_syn_outstanding(conn);
    uint32_t data = seq_min(ack, conn->snd_end) - data_una;
    if (seq_gt(ack, conn->snd_nxt)) {
        conn->snd_nxt = ack; /* the byte of a window probe was taken */
    }
    if (syn && conn->syn_retries == 0 && conn->sent != 0) {
        *sent = conn->progress; /* when it left */
    }
    what->acked = syn ? data : ack - conn->snd_una;
    what->forward = true;
    move_una(conn, ack, data, &what->delivery);
    if (syn) {
        syn_acknowledged(conn);
    }
    if (conn->urgent_out && seq_geq(ack, conn->snd_up)) {
        conn->urgent_out = false;
    }
}

/* RFC 5681 2: duplicate acknowledgement; with SACK, one that brings news (RFC 6675 2). */
static bool is_duplicate(const struct wh_conn *conn, const struct segment *segment,
                         uint32_t window_before, uint32_t newly_sacked)
{
    if (flight_empty(conn->flight) || segment->ack != conn->snd_una) {
        return false;
    }
    if (conn->sack) {
        return newly_sacked > 0;
    }
    return segment->length == 0 && (segment->flags & (WH_SYN | WH_FIN)) == 0 &&
           conn->snd_wnd == window_before;
}

/* ECE on an acknowledgement that is not older than the last. On a SYN,ACK it means something else. */
static bool tells_of_mark(struct wh_conn *conn, const struct segment *segment)
{
    if (!conn->ecn_send || (segment->flags & (WH_ECE | WH_SYN)) != WH_ECE ||
        segment->ack != conn->snd_una) {
        return false;
    }
    conn->echoes_in++;
    return true;
}

/* What RACK, Eifel and the RTT want to know of this acknowledgement before it is taken. */
static void note_echo(struct wh_conn *conn, const struct segment *segment,
                      struct acknowledged *what)
{
    struct tcp *tcp = conn->tcp;
    /* RFC 8985 6.2, step 2: what was sent again less than a round trip ago is not yet answered... */
    uint64_t least = conn->min_rtt == UINT32_MAX ? 0 : conn->min_rtt * WH_MICROSECOND;
    what->delivery.trusted_to = tcp->now > least ? tcp->now - least : 0;
    if (!conn->timestamps || !(segment->options.has & WH_HAS_TIMESTAMPS) ||
        segment->options.tsecr == 0) {
        return;
    }
    what->has_tsecr = true;
    what->tsecr = segment->options.tsecr;
    /* ... nor what left after the timestamp that comes back. */
    uint32_t ticks = tcp_timestamp(tcp, conn->ts_offset) - what->tsecr;
    uint64_t stamped = (tcp->now / WH_MILLISECOND - ticks + 1) * WH_MILLISECOND;
    if (ticks < tcp->now / WH_MILLISECOND && stamped < what->delivery.trusted_to) {
        what->delivery.trusted_to = stamped;
    }
}

/* Our FIN is covered: the events of FIN-WAIT-1, CLOSING and LAST-ACK. */
static void check_fin_acknowledged(struct wh_conn *conn)
{
    if (conn->fin_sent && conn->snd_una == conn->snd_end + 1 &&
        arc_exists(conn_state(conn), WH_ON_FIN_ACKED)) {
        conn_step(conn, WH_ON_FIN_ACKED, WH_WHY_BY_SEGMENT);
    }
}

/* Something was acknowledged: whatever waited for an answer has one. */
static void answered(struct wh_conn *conn)
{
    conn->retries = 0;
    conn->r1_told = false;
    rtt_restart_timer(conn);
}

/* Output follows, and with it the timer. */
static void go_on(struct wh_conn *conn)
{
    if (conn->flight != NULL) {
        conn->flight->arm_due = true;
    }
    conn_want_output(conn);
    conn_notify(conn);
}

void tcp_acknowledgement_predicted(struct wh_conn *conn, const struct segment *segment)
{
    struct acknowledged what = {
        .in_flight = conn_pipe(conn),
        .acked = segment->ack - conn->snd_una,
        .forward = true,
    };
    move_una(conn, segment->ack, what.acked, &what.delivery);
    tcp_take_window(conn, segment);
    what.rtt = rtt_sample(conn, MAX(conn->tcp->now - what.delivery.sent_once, 1));
    answered(conn);
    recovery_progress(conn, &what);
    go_on(conn);
}

bool tcp_acknowledgement(struct wh_conn *conn, const struct segment *segment)
{
    wh_state before = conn_state(conn);
    if (!check_range(conn, segment)) {
        return false;
    }
    bool opening = before == WH_SYN_RECEIVED;
    struct acknowledged what = { .in_flight = conn_pipe(conn) };
    note_echo(conn, segment, &what);
    uint32_t window_before = conn->snd_wnd;
    uint64_t sent = 0;
    bool forward = seq_gt(segment->ack, conn->snd_una);
    bool ambiguous = false;
    if (forward) {
        /* A repeated handshake tells nothing: its answer may have waited for a timer (Karn). */
        ambiguous = conn_syn_outstanding(conn) && conn->syn_retries > 0;
        advance(conn, segment, &what, &sent);
    }
    if (seq_geq(segment->ack, conn->snd_una)) {
        tcp_take_window(conn, segment);
    }
    take_sacks(conn, segment, &what);
    if (!ambiguous) {
        sample_rtt(conn, &what, what.delivery.repeated ? 0 : MAX(sent, what.delivery.sent_once));
    }
    what.duplicate = !forward && is_duplicate(conn, segment, window_before, what.sacked);
    if (conn->accecn != NULL) {
        accecn_feedback(conn, segment, &what, opening);
    } else {
        what.echo = tells_of_mark(conn, segment);
        if (what.echo && conn->profile->congestion->exact_marks) {
            what.marked = what.delivery.bytes; /* RFC 8257 3.3 */
        }
    }
    if (forward) {
        answered(conn);
    }
    bool tail = conn->flight != NULL && conn->flight->probing && segment->length == 0;
    if (forward || what.duplicate || what.sacked > 0 || what.echo || what.dsack || tail) {
        recovery_acknowledged(conn, &what);
        go_on(conn);
    }
    check_fin_acknowledged(conn);
    return !conn_over(conn);
}

/* SPDX-License-Identifier: MIT */
/*
 * Segment arrival for a connection: RFC 9293 3.10.7.3 (SYN-SENT) and 3.10.7.4 (the
 * rest), in their own order and with their own numbers. CLOSED and LISTEN are the
 * stack's, half-open and TIME-WAIT entries have their own compact files.
 *
 * RFC 5961 hardens the second, fourth and fifth steps: what could be a blind
 * attacker's gets a challenge ACK instead of an effect. Taken to the letter, the
 * first step would also discard the SYN,ACK of a simultaneous open and the
 * acknowledgement on a repeated FIN (RFC 9293 A.2); both are let through here.
 */
#include "base/bytes.h"
#include "tcp/accecn.h"
#include "tcp/ecn.h"
#include "tcp/fast_open.h"
#include "tcp/protocol.h"

#define CHALLENGES_PER_PERIOD 10
#define CHALLENGE_PERIOD (5 * WH_SECOND)
/* RFC 7323 5.5: a timestamp that has rested this long says nothing any more. */
#define TIMESTAMP_AGE (24 * 86400)
/* A byte of a run may cost so many of memory, and the least of chunks besides. */
#define RUN_COST 4

bool tcp_acceptable(uint32_t rcv_nxt, uint32_t window, uint32_t seq, uint32_t length)
{
    if (length == 0) {
        return window == 0 ? seq == rcv_nxt : seq_in(seq, rcv_nxt, window);
    }
    return window > 0 &&
           (seq_in(seq, rcv_nxt, window) || seq_in(seq + length - 1, rcv_nxt, window));
}

void tcp_challenge(struct wh_conn *conn, wh_reason reason)
{
    struct tcp *tcp = conn->tcp;
    because(tcp, reason);
    uint8_t period = (uint8_t)(tcp->now / CHALLENGE_PERIOD);
    if (conn->challenge_period != period) {
        conn->challenge_period = period;
        conn->challenges = 0;
    }
    /* Per connection: a shared limit would tell others about this one (CVE-2016-5696). */
    if (conn->challenges >= CHALLENGES_PER_PERIOD) {
        tcp->count[WH_WHY_CHALLENGE_LIMITED]++;
        return;
    }
    conn->challenges++;
    conn->ack_now = true;
    conn->ack_reason = WH_WHY_CHALLENGE_ACK;
    conn_want_output(conn);
}

void tcp_heard(struct wh_conn *conn)
{
    conn->heard = tcp_milliseconds_after(conn->tcp, 0);
    conn->keepalives = 0;
    tcp_keepalive_restart(conn);
}

/* ------------------------------------------------------------- SYN-SENT -- */

static void syn_sent_got_syn(struct wh_conn *conn, const struct segment *segment)
{
    conn->irs = segment->seq;
    conn->rcv_nxt = segment->seq + 1;
    conn->rcv_edge += conn->rcv_nxt; /* the window that our SYN offered */
    conn->last_ack_sent = conn->rcv_nxt;
    tcp_agree(conn, &segment->options);
    ecn_answered(conn, segment);
    conn->traffic_class = segment->traffic_class;
    fast_open_answered(conn, segment);
    tcp_heard(conn);
    if (segment->flags & WH_ACK) {
        tcp_first_window(conn, segment);
        conn_step(conn, WH_ON_GOT_SYN_ACK, WH_WHY_BY_SEGMENT);
        conn->ack_now = true; /* the third segment of the handshake leaves at once */
        conn_want_output(conn);
        if (tcp_acknowledgement(conn, segment)) {
            tcp_text(conn, segment);
        }
        return;
    }
    /* Simultaneous open: the same ISS again, now with an ACK (RFC 9293 3.5, figure 7). */
    tcp_first_window(conn, segment);
    conn_step(conn, WH_ON_GOT_SYN, WH_WHY_BY_SEGMENT);
    conn->syn_due = true;
    conn->rtx_reason = WH_WHY_NONE;
    conn_want_output(conn);
}

static void arrive_syn_sent(struct wh_conn *conn, const struct segment *segment)
{
    struct tcp *tcp = conn->tcp;
    bool ack = (segment->flags & WH_ACK) != 0;
    /* First, the ACK bit. */
    if (ack && (seq_leq(segment->ack, conn->iss) || seq_gt(segment->ack, conn->snd_max))) {
        if (segment->flags & WH_RST) {
            because(tcp, WH_WHY_SYN_SENT_BAD_RST);
            return;
        }
        because(tcp, WH_WHY_SYN_SENT_BAD_ACK);
        reply_reset(tcp, segment, WH_SYN_SENT, WH_WHY_SYN_SENT_BAD_ACK);
        return;
    }
    /* Second, the RST bit: only one that acknowledges our SYN can come from the peer. */
    if (segment->flags & WH_RST) {
        if (ack) {
            tcp_die(conn, WH_ON_GOT_RST, WH_WHY_REFUSED, WH_E_CONNREFUSED);
        } else {
            because(tcp, WH_WHY_SYN_SENT_BAD_RST);
        }
        return;
    }
    /* Fourth, the SYN bit; fifth, neither. */
    if (segment->flags & WH_SYN) {
        syn_sent_got_syn(conn, segment);
    } else {
        because(tcp, WH_WHY_SYN_SENT_NO_SYN);
    }
}

/* ------------------------------------------------------------- the rest -- */

/* RFC 7323 5.5: TS.Recent has rested for so long that it is invalid. */
static bool timestamp_outdated(const struct wh_conn *conn)
{
    return (uint32_t)(conn->tcp->now / WH_SECOND) - conn->ts_recent_age >= TIMESTAMP_AGE;
}

/* RFC 7323 5.3, R1. False: the segment must be dropped. */
static bool check_timestamps(struct wh_conn *conn, const struct segment *segment)
{
    struct tcp *tcp = conn->tcp;
    if (!conn->timestamps || (segment->flags & WH_RST)) {
        return true; /* PAWS does not apply to RST (RFC 7323 5.2) */
    }
    if (!(segment->options.has & WH_HAS_TIMESTAMPS)) {
        if (segment->flags & WH_SYN) {
            return true; /* a rebooted peer; the fourth step answers it */
        }
        because(tcp, WH_WHY_TIMESTAMP_MISSING);
        return false;
    }
    if (seq_lt(segment->options.tsval, conn->ts_recent) && !timestamp_outdated(conn)) {
        if (segment_length(segment) > 0) {
            because(tcp, WH_WHY_PAWS);
            conn->ack_now = true;
            conn_want_output(conn);
        } else {
            tcp_challenge(conn, WH_WHY_PAWS);
        }
        return false;
    }
    return true;
}

/* RFC 7323 4.3: the echo is that of the segment that last moved, or will move, the left edge. */
static void note_timestamp(struct wh_conn *conn, const struct segment *segment)
{
    if (conn->timestamps && (segment->options.has & WH_HAS_TIMESTAMPS) &&
        seq_leq(segment->seq, conn->last_ack_sent) &&
        (seq_geq(segment->options.tsval, conn->ts_recent) || timestamp_outdated(conn))) {
        conn->ts_recent = segment->options.tsval;
        conn->ts_recent_age = (uint32_t)(conn->tcp->now / WH_SECOND);
    }
}

/* Second step: RST (RFC 9293 3.10.7.4 with RFC 5961 3.2). */
static void take_reset(struct wh_conn *conn, const struct segment *segment)
{
    struct tcp *tcp = conn->tcp;
    if (segment->seq != conn->rcv_nxt) {
        if (seq_in(segment->seq, conn->rcv_nxt, tcp_window_promised(conn))) {
            tcp_challenge(conn, WH_WHY_RST_NOT_EXACT);
        } else {
            because(tcp, WH_WHY_RST_OUTSIDE);
        }
        return;
    }
    if (conn_state(conn) == WH_SYN_RECEIVED) {
        wh_arc_event event = conn->passive ? WH_ON_GOT_RST_PASSIVE : WH_ON_GOT_RST;
        tcp_die(conn, event, WH_WHY_REFUSED, conn->passive ? WH_E_CONNRESET : WH_E_CONNREFUSED);
        return;
    }
    tcp_die(conn, WH_ON_GOT_RST, WH_WHY_PEER_RESET, WH_E_CONNRESET);
}

/* Fourth step: SYN. Every one is answered by an ACK and has no other effect (RFC 5961 4.2). */
static void take_syn(struct wh_conn *conn, const struct segment *segment)
{
    struct tcp *tcp = conn->tcp;
    bool crossing = (segment->flags & WH_ACK) && segment->ack == conn->iss + 1;
    if (conn_state(conn) != WH_SYN_RECEIVED || segment->seq != conn->irs ||
        ((segment->flags & WH_ACK) && !crossing)) {
        if (conn->accecn != NULL && crossing && segment->seq == conn->irs &&
            (segment->flags & ECN_FLAGS) != 0) {
            accecn_syn_ack_again(conn, segment);
        }
        tcp_challenge(conn, WH_WHY_SYN_IN_CONNECTION);
        return;
    }
    if (crossing) {
        /* The crossing SYN,ACK of a simultaneous open (RFC 9293 3.5, figure 7; A.2). */
        if (!ecn_crossed(conn, segment)) {
            tcp_abort(conn, WH_WHY_ECN_FORMS);
            return;
        }
        if (tcp_acknowledgement(conn, segment)) {
            conn->ack_now = true;
            conn_want_output(conn);
        }
        return;
    }
    because(tcp, WH_WHY_SYN_REPEATED);
    if (!ecn_syn_again(conn, segment)) {
        tcp_abort(conn, WH_WHY_ECN_FORMS);
        return;
    }
    note_timestamp(conn, segment);
    conn->syn_due = true;
    conn->rtx_reason = WH_WHY_SYN_REPEATED;
    conn_want_output(conn);
}

/* A repeated FIN whose ACK was lost: its ACK field may be news (RFC 9293 A.2, lifecycle C25). */
static bool repeated_fin(const struct wh_conn *conn, const struct segment *segment)
{
    return conn->fin_received && (segment->flags & WH_FIN) && (segment->flags & WH_ACK) &&
           segment->seq + segment_length(segment) == conn->rcv_nxt;
}

/* First step failed: RFC 9293 3.10.7.4 answers with an ACK. */
static void answer_unacceptable(struct wh_conn *conn, const struct segment *segment)
{
    struct tcp *tcp = conn->tcp;
    uint32_t length = segment_length(segment);
    if (repeated_fin(conn, segment)) {
        because(tcp, WH_WHY_OLD_DUPLICATE);
        if (tcp_acknowledgement(conn, segment)) {
            conn->ack_now = true;
            conn_want_output(conn);
        }
        return;
    }
    bool old = length > 0 && seq_leq(segment->seq + length, conn->rcv_nxt);
    if (!old) {
        tcp_challenge(conn, WH_WHY_OUTSIDE_WINDOW);
        return;
    }
    /* A retransmission of what we have: its sender missed our ACK and needs one each time. */
    because(tcp, WH_WHY_OLD_DUPLICATE);
    if (conn->accecn != NULL) {
        accecn_reappeared(conn);
    }
    if (conn_synchronized(conn)) {
        tcp_arrived_twice(conn, segment->seq, segment->seq + segment->length);
    }
    conn->ack_now = true;
    conn->ack_reason = WH_WHY_DUPLICATE_ACK;
    conn_want_output(conn);
}

static void arrive_synchronized(struct wh_conn *conn, const struct segment *segment)
{
    struct tcp *tcp = conn->tcp;
    if (!check_timestamps(conn, segment)) {
        return;
    }
    if (segment->flags & WH_RST) {
        take_reset(conn, segment); /* judged by its number alone, data or not (RFC 9293 3.5.3) */
        return;
    }
    if (segment->flags & WH_SYN) {
        take_syn(conn, segment);
        return;
    }
    uint32_t window = tcp_window_promised(conn);
    bool acceptable = tcp_acceptable(conn->rcv_nxt, window, segment->seq, segment_length(segment));
    if (!acceptable) {
        /* MUST-66: with the window shut, ACK and URG of a segment at RCV.NXT still count. */
        if (window != 0 || segment->seq != conn->rcv_nxt || !(segment->flags & WH_ACK)) {
            answer_unacceptable(conn, segment);
            return;
        }
        because(tcp, WH_WHY_WINDOW_CLOSED);
    }
    tcp_heard(conn);
    note_timestamp(conn, segment);
    conn->traffic_class = segment->traffic_class;
    if (!(segment->flags & WH_ACK)) {
        because(tcp, WH_WHY_NO_ACK_FLAG);
        return;
    }
    if (tcp_acknowledgement(conn, segment)) {
        if (acceptable) {
            ecn_arrived(conn, segment); /* marks outside the window say nothing (RFC 3168 6.1.5) */
        }
        tcp_text(conn, segment);
    }
}

void tcp_arrive(struct wh_conn *conn, const struct segment *segment)
{
    conn->segments_in++;
    if (tcp_predicted(conn, segment)) {
        return;
    }
    if (conn_state(conn) == WH_SYN_SENT) {
        arrive_syn_sent(conn, segment);
    } else {
        arrive_synchronized(conn, segment);
    }
}

/* Neither PAWS nor the ACK field speaks against any of the run: what is refused is refused one by one. */
static bool run_is_credible(const struct wh_conn *conn, const struct segment *run)
{
    bool stamped = (run->options.has & WH_HAS_TIMESTAMPS) != 0;
    return seq_leq(run->ack, conn->snd_max) &&
           seq_geq(run->ack, conn->snd_una - conn->max_snd_wnd) &&
           (!conn->timestamps || (stamped && seq_geq(run->options.tsval, conn->ts_recent)));
}

/*
 * Each would be the next in order, and there is room for all: in the window, and in memory even if
 * each costs a chunk twice its size. Then nothing but their data tells the second from the first.
 */
bool tcp_takes_run(const struct wh_conn *conn, const struct segment *run)
{
    const struct memory *memory = &conn->tcp->memory;
    return conn_state(conn) == WH_ESTABLISHED && run->seq == conn->rcv_nxt &&
           run->length <= tcp_window_promised(conn) && conn->reassembly == NULL && conn->handle &&
           !conn->read_shut && !conn->fin_known && conn->accecn == NULL &&
           run_is_credible(conn, run) &&
           memory->used + RUN_COST * (size_t)run->length <= memory->cap - memory->reserve;
}

void tcp_arrive_run(struct wh_conn *conn, const struct segment *run)
{
    tcp_arrive(conn, run);
    conn->segments_in += run->pieces - 1;
    if (conn->snd_wl1 == run->seq) {
        conn->snd_wl1 += run->length - run->piece[run->pieces - 1].length;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * Was it a mistake? Three witnesses: the timestamp that comes back is older than the first
 * retransmission's (Eifel, RFC 3522); the peer tells by DSACK that everything sent again
 * had arrived already (RFC 3708); after a timeout an original is acknowledged while new
 * data goes first (F-RTO, RFC 5682). Then cwnd and ssthresh are what they were before
 * (RFC 4015), what was deemed lost counts as under way again, and the peer's word is
 * the only thing that is remembered: of reordering, by RACK.
 */
#include "base/bytes.h"
#include "tcp/recovery.h"

/* The steps of RFC 5682 2.1. */
enum { FRTO_OFF, FRTO_FIRST, FRTO_SECOND };

void undo_remember(struct wh_conn *conn, bool timed_out)
{
    struct flight *flight = conn->flight;
    if (!flight->undo || conn->recovery == RECOVERY_NONE) {
        flight->prior_cwnd = conn->cwnd;
        flight->prior_ssthresh = conn->ssthresh;
    }
    flight->undo = true;
    flight->undo_bytes = 0;
    flight->undo_stamped = false;
    flight->frto = timed_out ? FRTO_FIRST : FRTO_OFF;
    flight->frto_high = conn->snd_nxt;
}

void undo_forget(struct wh_conn *conn)
{
    conn->flight->undo = false;
    conn->flight->frto = FRTO_OFF;
}

bool undo_holds_retransmissions(const struct wh_conn *conn)
{
    return conn->flight->frto == FRTO_SECOND;
}

/*
 * RFC 3522 3.2, step 4: what acknowledges the first retransmission was sent before that could
 * have arrived. Acknowledgements of others prove nothing: retransmissions of an episode
 * before this one may be still on their way.
 */
static bool older_than_retransmission(const struct wh_conn *conn, const struct acknowledged *what)
{
    const struct flight *flight = conn->flight;
    return what->forward && flight->undo_stamped && what->has_tsecr &&
           seq_gt(conn->snd_una, flight->undo_first) &&
           seq_leq(conn->snd_una - what->acked, flight->undo_first) &&
           seq_lt(what->tsecr, flight->undo_stamp);
}

/* RFC 3708 2: one by one, everything that was sent again turns out to have been needless. */
static bool all_told_twice(struct flight *flight, const struct acknowledged *what)
{
    if (!what->dsack || flight->undo_bytes == 0 || seq_lt(what->dsack_left, flight->undo_first)) {
        return false;
    }
    uint32_t bytes = what->dsack_right - what->dsack_left;
    flight->undo_bytes -= MIN(bytes, flight->undo_bytes);
    return flight->undo_bytes == 0;
}

/* RFC 5682 2.1, step 2: F-RTO needs new data, and the peer's and Nagle's leave to send it. */
static bool new_data_may_go(const struct wh_conn *conn)
{
    uint32_t edge = conn->snd_una + conn->snd_wnd;
    return seq_gt(conn->snd_end, conn->snd_nxt) &&
           conn->snd_end - conn->snd_nxt >= conn_mss(conn) && seq_gt(edge, conn->snd_nxt) &&
           edge - conn->snd_nxt >= conn_mss(conn);
}

/* RFC 5682 2.1 and 3.1. */
static bool frto_says_so(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    const struct delivery *delivery = &what->delivery;
    bool original = delivery->original && seq_lt(delivery->original_from, flight->frto_high);
    switch (flight->frto) {
    case FRTO_FIRST:
        if (!what->forward) {
            flight->frto = what->duplicate ? FRTO_OFF : FRTO_FIRST;
        } else if (seq_geq(conn->snd_una, flight->frto_high) || !new_data_may_go(conn) ||
                   flight->lost == 0 || what->has_tsecr) {
            /* 2a, or nothing new to send: the conventional way. And a timestamp has said it already. */
            flight->frto = FRTO_OFF;
        } else {
            flight->frto = FRTO_SECOND; /* 2b: two new segments, and then we shall see */
            conn->cwnd = MAX(conn->cwnd, conn_pipe(conn) + 2 * conn_mss(conn));
        }
        return false;
    case FRTO_SECOND:
        if (original) {
            return true; /* 3b: sent once, before the timeout, and there it is */
        }
        if (what->forward || what->duplicate) {
            flight->frto = FRTO_OFF; /* 3a: it is as the timeout said */
        }
        return false;
    default: return false;
    }
}

/* RFC 4015 3: as if nothing had happened. */
static void restore(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    struct range *range;
    while ((range = flight_first(flight, &flight->losses)) != NULL) {
        flight_mark_found(flight, range);
    }
    /* What was believed lost in spite of its successors was late: from here on that is waited for. */
    flight->reordering_seen = flight->reordering_seen || conn->recovery != RECOVERY_LOSS;
    conn->cwnd = MAX(conn->cwnd, flight->prior_cwnd);
    conn->ssthresh = MAX(conn->ssthresh, flight->prior_ssthresh);
    conn->recovery = RECOVERY_NONE;
    conn->reduced = false;
    conn->cwr_due = false;
    conn->retries = 0;
    flight->dup_acks = 0;
    flight->rtx_now = false;
    undo_forget(conn);
    conn->undos = (uint16_t)MIN(conn->undos + 1U, UINT16_MAX);
    because(conn->tcp, WH_WHY_SPURIOUS);
    if (conn->profile->congestion->undo != NULL) {
        conn->profile->congestion->undo(conn);
    }
}

bool undo_acknowledged(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    if (!flight->undo) {
        return false;
    }
    if (what->echo) { /* RFC 4015 3, (8): there is congestion, so the cut stands */
        undo_forget(conn);
        return false;
    }
    bool frto = frto_says_so(conn, what);
    if (!older_than_retransmission(conn, what) && !all_told_twice(flight, what) && !frto) {
        return false;
    }
    restore(conn);
    return true;
}

/* SPDX-License-Identifier: MIT */
/* The states of recovery, and what congestion control hears (recovery.h has the map). */
#include "tcp/recovery.h"

#include "base/bytes.h"
#include "tcp/path_mtu.h"
#include "tcp/protocol.h"

/* Busy for so long after the last acknowledgement, at least. */
#define REST (1 * WH_SECOND)

/* ------------------------------------------------------------ reductions -- */

void recovery_lose(struct wh_conn *conn, struct range *range, bool urgently)
{
    struct flight *flight = conn->flight;
    const struct cc_algorithm *congestion = conn->profile->congestion;
    if (range->flags & (RANGE_SACKED | RANGE_LOST)) {
        return;
    }
    path_mtu_losing(conn, range);
    if (range->flags & RANGE_PROBE) {
        flight_mark_lost(flight, range, true);
        return; /* RFC 4821 7.6.2: no sign of congestion */
    }
    flight_mark_lost(flight, range, urgently);
    if (congestion->lost != NULL) {
        struct cc_loss loss = {
            .bytes = range->end - range->start,
            .tx_in_flight = range->then.in_flight,
            .lost_since = flight->lost_total - range->then.lost,
            .app_limited = (range->flags & RANGE_APP_LIMITED) != 0,
        };
        congestion->lost(conn, &loss);
    }
}

void recovery_note_reduction(struct wh_conn *conn)
{
    conn->recovery_point = conn->snd_nxt;
    conn->reduced = conn->ecn;
    conn->cwr_due = conn->ecn_send && conn->accecn == NULL;
}

uint32_t recovery_flight_size(const struct wh_conn *conn)
{
    /* RFC 5681 3.2: what limited transmit has added beyond cwnd does not count. */
    return MIN(conn->snd_nxt - conn->snd_una, conn->cwnd);
}

/* As many bytes as the answer to a loss or a mark goes by (RFC 7661 4.4.1). */
static uint32_t in_use(struct wh_conn *conn, uint32_t outstanding)
{
    bool model = conn->profile->congestion->model;
    return model ? outstanding
                 : validation_lost(&conn->flight->validation, conn, MIN(outstanding, conn->cwnd));
}

void recovery_enter_fast(struct wh_conn *conn, const struct acknowledged *what)
{
    if (conn->recovery != RECOVERY_NONE) {
        return;
    }
    struct flight *flight = conn->flight;
    const struct cc_algorithm *congestion = conn->profile->congestion;
    uint32_t outstanding = recovery_flight_size(conn);
    if (what != NULL) {
        outstanding = MIN(conn->snd_nxt - conn->snd_una + what->acked, conn->cwnd);
    }
    /* Marks and losses of one window of data cut it once (RFC 3168 6.1.2). */
    bool cut = conn->reduced && seq_lt(conn->snd_una, conn->recovery_point);
    if (cut) {
        conn->recovery_point = conn->snd_nxt;
        undo_forget(conn); /* the mark was no mistake, even if this is one */
    } else {
        undo_remember(conn, false);
        congestion->congestion(conn, CC_LOSS, in_use(conn, outstanding));
        recovery_note_reduction(conn);
    }
    conn->recovery = RECOVERY_FAST;
    flight->rescued = false;
    flight->probing = false; /* what its answer may tell of is answered now, and once */
    flight->probe_due = false;
    conn->rtx_reason = WH_WHY_RETRANSMIT_FAST;
    flight->rtx_now = true; /* the first retransmission does not wait for room (RFC 6675 5, 4.3) */
    prr_begin(conn, what);
}

/* Congestion, and nothing to send again for it. What an earlier episode remembers is void. */
static void reduce(struct wh_conn *conn, const struct acknowledged *what, enum cc_signal signal)
{
    const struct cc_algorithm *congestion = conn->profile->congestion;
    undo_forget(conn);
    congestion->congestion(conn, signal, in_use(conn, MIN(what->in_flight, conn->cwnd)));
    recovery_note_reduction(conn);
    if (!congestion->model) {
        conn->cwnd = MIN(conn->cwnd, conn->ssthresh);
        validation_recovered(&conn->flight->validation, conn, 0);
    }
}

/* The peer echoes a mark. */
static void reduce_for_mark(struct wh_conn *conn, const struct acknowledged *what)
{
    uint32_t before = conn->cwnd;
    because(conn->tcp, WH_WHY_ECN_ECHO);
    reduce(conn, what, CC_MARK);
    if (before <= conn_mss(conn) && !conn->profile->congestion->model) {
        /* RFC 3168 6.1.2: less than one segment in a round trip is one segment after a timeout. */
        conn->cwnd = 0;
        conn_deadline(conn, DEADLINE_PUSH, conn->tcp->now + conn_rto(conn));
    }
}

/* A mark on the SYN or SYN,ACK, before congestion control has anything to work on. */
static void reduce_initial(struct wh_conn *conn)
{
    because(conn->tcp, WH_WHY_ECN_ECHO);
    conn->cwnd = MIN(conn->cwnd, MAX(conn->cwnd / 2, 2 * conn_mss(conn)));
    recovery_note_reduction(conn);
}

static void leave(struct wh_conn *conn)
{
    const struct cc_algorithm *congestion = conn->profile->congestion;
    struct flight *flight = conn->flight;
    if (conn->recovery == RECOVERY_FAST && !congestion->model) {
        conn->cwnd = conn->ssthresh; /* RFC 9937 6: whatever the last acknowledgement left of it */
        validation_recovered(&flight->validation, conn, flight->undo_bytes);
    }
    conn->recovery = RECOVERY_NONE;
    flight->dup_acks = 0;
    flight->frto = 0;
    rack_recovered(conn);
    if (congestion->recovered != NULL) {
        congestion->recovered(conn);
    }
}

void recovery_algorithm_changed(struct wh_conn *conn, bool was_model)
{
    conn->flight->validation = (struct validation){ 0 };
    if (conn->recovery == RECOVERY_FAST && was_model && !conn->profile->congestion->model) {
        /* A model sets no ssthresh, and the rest of the episode goes by it: keep what there is. */
        conn->ssthresh = MAX(conn->cwnd, 2 * conn_mss(conn));
        prr_begin(conn, NULL);
    }
}

/* ------------------------------------------------------- acknowledgements -- */

/*
 * Do not grow a window that is not used. RFC 7661 4.3 would be content with half of it of late;
 * here that is enough in slow start alone, so that cwnd stays near to what the path has carried.
 */
static bool may_grow(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    bool limited = flight->cwnd_limited || what->in_flight + conn_mss(conn) >= conn->cwnd ||
                   (conn->cwnd < conn->ssthresh && what->in_flight >= conn->cwnd / 2);
    flight->cwnd_limited = false;
    /* RFC 3168 6.1.2: an acknowledgement that echoes a mark opens no window. */
    /* RFC 3042 2 (b): nor does one that moves nothing, whatever it SACKs. */
    /* RFC 5682 2.1, step 2: in F-RTO two new segments leave and no more. */
    return limited && conn->recovery != RECOVERY_FAST && !what->echo && what->forward &&
           !undo_holds_retransmissions(conn);
}

/*
 * Without SACK a duplicate counts only if there is a segment that can have caused it: one of
 * those beyond the hole that were out when it was found, as what left since then is a round trip away.
 */
static bool duplicate_counts(const struct wh_conn *conn)
{
    uint32_t dup_acks = conn->flight->dup_acks;
    uint32_t high = conn->recovery == RECOVERY_FAST ? conn->recovery_point : conn->snd_nxt;
    return conn->sack || dup_acks < DUP_THRESH ||
           (dup_acks + 1) * conn_mss(conn) < high - conn->snd_una;
}

/* Bytes that this acknowledgement delivered, also where no SACK tells (RFC 9937 6). */
static uint32_t delivered(const struct wh_conn *conn, const struct acknowledged *what)
{
    if (conn->sack) {
        return what->delivery.bytes;
    }
    uint32_t counted = conn->flight->dup_acks * conn_mss(conn);
    if (what->forward) {
        return what->acked > counted ? what->acked - counted : 0;
    }
    return what->duplicate && duplicate_counts(conn) ? conn_mss(conn) : 0;
}

/* Without SACK: counting duplicates (RFC 6582). Where SACK is, RACK has marked what is lost. */
static void count_duplicates(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    if (what->duplicate && duplicate_counts(conn) && flight->dup_acks < UINT16_MAX) {
        flight->dup_acks++;
    }
    if (conn->sack || flight_empty(flight)) {
        return;
    }
    if (conn->recovery == RECOVERY_NONE && flight->dup_acks >= DUP_THRESH) {
        rack_lose_first(conn);
    } else if (conn->recovery == RECOVERY_FAST && what->forward &&
               seq_lt(conn->snd_una, conn->recovery_point)) {
        /* RFC 6582 3.2 (2): a partial acknowledgement names the next lost segment. */
        rack_lose_first(conn);
        conn->flight->rtx_now = true;
        conn->rtx_reason = WH_WHY_RETRANSMIT_PARTIAL;
    }
}

/* What is lost by now; RACK's timer waits for what may be. */
static uint32_t detect(struct wh_conn *conn, const struct acknowledged *what)
{
    uint32_t before = conn->flight->lost_total;
    if (conn->sack) {
        rack_update(conn, what);
        (void)rack_detect(conn);
    }
    count_duplicates(conn, what);
    return conn->flight->lost_total - before;
}

/* The episode goes on, is over, or was a mistake. */
static void advance_state(struct wh_conn *conn, const struct acknowledged *what, uint32_t lost,
                          uint32_t arrived)
{
    bool model = conn->profile->congestion->model;
    bool complete = seq_geq(conn->snd_una, conn->recovery_point);
    if (undo_acknowledged(conn, what)) {
        return;
    }
    if (conn->recovery != RECOVERY_NONE && complete) {
        leave(conn);
    }
    if (conn->recovery == RECOVERY_NONE) {
        if (conn->flight->lost > 0 && path_mtu_congestion(conn)) {
            recovery_enter_fast(conn, what);
        } else if (what->echo && !conn->reduced) {
            reduce_for_mark(conn, what);
        }
    }
    if (conn->recovery == RECOVERY_FAST && !model) {
        prr_acknowledged(conn, arrived, lost, what->forward);
    }
}

/* What congestion control hears of it, as far as the acknowledgement alone tells. */
static struct cc_ack ack_of(const struct acknowledged *what)
{
    return (struct cc_ack){
        .acked = what->delivery.bytes,
        .cumulative = what->acked,
        .marked = what->marked,
        .prior_in_flight = what->in_flight,
        .rtt = what->rtt,
    };
}

/* The last step of an acknowledgement, which found the connection in fast recovery or not. */
static void tell_congestion(struct wh_conn *conn, const struct acknowledged *what,
                            struct cc_ack *ack, bool recovering)
{
    const struct cc_algorithm *congestion = conn->profile->congestion;
    ack->in_flight = conn_pipe(conn);
    if (what->forward && conn->recovery == RECOVERY_NONE && !recovering && !congestion->model) {
        validation_acked(&conn->flight->validation, conn, what->acked);
    }
    /* RFC 5681 3.2, step 6: the acknowledgement that ends recovery leaves cwnd at ssthresh. */
    ack->may_grow = may_grow(conn, what) && !recovering;
    congestion->acked(conn, ack);
}

void recovery_acknowledged(struct wh_conn *conn, struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    if (flight == NULL) {
        if (what->echo && !conn->reduced) {
            reduce_initial(conn);
        }
        return;
    }
    struct cc_ack ack = ack_of(what);
    uint32_t arrived = delivered(conn, what);
    rate_sample(conn, what, &ack);
    if (conn->reduced && seq_gt(conn->snd_una, conn->recovery_point)) {
        conn->reduced = false; /* what bore CWR has arrived: echoes are of new marks from here on */
    }
    if (what->forward) {
        flight->dup_acks = 0;
    }
    path_mtu_acknowledged(conn, &what->delivery);
    flight->probe_due = false; /* the answer is here before the question has left */
    if (tail_probe_acknowledged(conn, what)) {
        reduce(conn, what, CC_LOSS); /* the probe has repaired a loss: one all the same (7.4.2) */
    }
    bool recovering = conn->recovery == RECOVERY_FAST;
    ack.lost = detect(conn, what);
    advance_state(conn, what, ack.lost, arrived);
    tell_congestion(conn, what, &ack, recovering);
}

void recovery_progress(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    struct cc_ack ack = ack_of(what);
    rate_sample(conn, what, &ack);
    flight->dup_acks = 0;
    path_mtu_acknowledged(conn, &what->delivery);
    flight->probe_due = false;
    if (conn->sack) {
        rack_update(conn, what);
    }
    tell_congestion(conn, what, &ack, false);
}

/* ---------------------------------------------------------------- timers -- */

void recovery_timeout(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    const struct cc_algorithm *congestion = conn->profile->congestion;
    /* Once for each window of data: not for repetitions, nor for what recovery has cut already. */
    bool cut = conn->retries == 0 &&
               (conn->recovery == RECOVERY_NONE || seq_geq(conn->snd_una, conn->recovery_point));
    conn->timeouts = (uint16_t)MIN(conn->timeouts + 1U, UINT16_MAX);
    flight->frto = 0; /* RFC 5682 2.1: a repeated timeout ends it; what comes then proves nothing */
    if (cut) {
        undo_remember(conn, true);
        congestion->congestion(conn, CC_TIMEOUT, recovery_flight_size(conn));
    }
    flight->validation = (struct validation){ 0 }; /* RFC 7661 leaves timeouts to RFC 5681 */
    recovery_note_reduction(conn);
    /* RFC 2018 8: a receiver may discard what it SACKed. If the range at SND.UNA is SACKed, it has. */
    if (flight_at(flight, 0)->flags & RANGE_SACKED) {
        flight_forget_sacks(flight);
        because(conn->tcp, WH_WHY_SACK_RENEGED);
    }
    conn->recovery = RECOVERY_LOSS;
    rack_timeout(conn);
    if (!congestion->model) {
        conn->cwnd = conn_pipe(conn) + conn_mss(conn); /* RFC 5681 3.1: one segment */
    }
    flight->dup_acks = 0;
    flight->probing = false;
    flight->probe_due = false;
    flight->rtx_now = true;
    conn->rtx_reason = WH_WHY_RETRANSMIT_TIMEOUT;
}

void recovery_sent_again(struct wh_conn *conn, uint32_t start, uint32_t bytes)
{
    struct flight *flight = conn->flight;
    conn->sent = tcp_milliseconds(conn->tcp); /* a connection that repairs is not idle */
    flight->rtx_now = false;
    flight->prr_out += bytes;
    flight->undo_bytes += bytes;
    if (flight->undo && !flight->undo_stamped) {
        flight->undo_stamped = true;
        flight->undo_first = start;
        flight->undo_stamp = tcp_timestamp(conn->tcp, conn->ts_offset);
    }
}

void recovery_arm(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (conn_syn_outstanding(conn) || conn->probing || flight == NULL || conn_over(conn)) {
        return;
    }
    flight->arm_due = false;
    wh_time now = conn->tcp->now;
    if (flight->count == 0) {
        conn->timer_kind = TIMER_REST;
        conn_deadline(conn, DEADLINE_RETRANSMIT, now + MAX(REST, conn_rto(conn)));
        return;
    }
    wh_time when = flight->rto_at;
    conn->timer_kind = TIMER_TIMEOUT;
    wh_time late = conn->sack ? rack_detect(conn) : 0;
    if (late > 0 && now + late < when) {
        when = now + late;
        conn->timer_kind = TIMER_REORDER;
    } else if (late == 0) {
        wh_time probe = tail_probe_due(conn);
        if (probe <= when) {
            when = probe;
            conn->timer_kind = TIMER_TAIL;
        }
    }
    conn_deadline(conn, DEADLINE_RETRANSMIT, when);
}

uint32_t recovery_last_segment(const struct wh_conn *conn, const struct range *range)
{
    uint32_t most = conn_mss(conn) + seq_gt(range->end, conn->snd_end); /* the FIN rides along */
    return range->end - range->start > most ? range->end - most : range->start;
}

uint32_t recovery_rescue(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (conn->recovery != RECOVERY_FAST || !conn->sack || flight->rescued) {
        return flight->count;
    }
    /* SACKed neighbours are one range, so it is the last or the one before it. */
    uint32_t position = flight->count;
    if (position > 0 && (flight_at(flight, position - 1)->flags & RANGE_SACKED)) {
        position--;
    }
    if (position == 0 || (flight_at(flight, position - 1)->flags & ~RANGE_APP_LIMITED) != 0) {
        return flight->count;
    }
    struct range *range = flight_at(flight, position - 1);
    uint32_t last = recovery_last_segment(conn, range);
    if (range->sent + conn->srtt * WH_MICROSECOND > conn->tcp->now) {
        return flight->count; /* its acknowledgement cannot have come yet */
    }
    if (last != range->start &&
        flight_split(&conn->flight, &conn->tcp->chunks, position - 1, last)) {
        return position;
    }
    return position - 1;
}

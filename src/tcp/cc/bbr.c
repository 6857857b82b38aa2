/* SPDX-License-Identifier: MIT */
/* BBR's states, which probe the path in turn, and what cwnd and the pacing rate become. */
#include "tcp/cc/bbr.h"

#include "base/bytes.h"
#include "tcp/cc/scale.h"
#include "tcp/connection.h"

_Static_assert(sizeof(struct bbr) <= CC_STATE, "the state fits the flight");

/* 5.6.1, in percent. */
static const uint16_t pacing_gain[] = {
    [BBR_STARTUP] = 277, [BBR_DRAIN] = 50, [BBR_DOWN] = 90,       [BBR_CRUISE] = 100,
    [BBR_REFILL] = 100,  [BBR_UP] = 125,   [BBR_PROBE_RTT] = 100,
};
static const uint16_t cwnd_gain[] = {
    [BBR_STARTUP] = 200, [BBR_DRAIN] = 200, [BBR_DOWN] = 200,     [BBR_CRUISE] = 200,
    [BBR_REFILL] = 200,  [BBR_UP] = 225,    [BBR_PROBE_RTT] = 50,
};

/* A number that is different for each connection and each time, but the same in each run. */
static uint32_t roll(struct wh_conn *conn)
{
    uint64_t mixed =
        ((uint64_t)conn->iss << 32 | ++bbr_of(conn)->dice) + UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(mixed >> 32);
}

static uint32_t target_inflight(const struct wh_conn *conn)
{
    return MIN(bbr_bdp(conn, 100), conn->cwnd);
}

/* The last good window, from before recovery or ProbeRTT (5.6.4.4). */
static void save_cwnd(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    bool good = conn->recovery == RECOVERY_NONE && bbr->state != BBR_PROBE_RTT;
    bbr->prior_cwnd = good ? conn->cwnd : MAX(bbr->prior_cwnd, conn->cwnd);
}

static void restore_cwnd(struct wh_conn *conn)
{
    conn->cwnd = MIN(MAX(conn->cwnd, bbr_of(conn)->prior_cwnd), CWND_MAX);
}

static void set_pacing_rate(struct bbr *bbr, uint32_t gain)
{
    uint64_t rate = scale(bbr->bw, gain * (100 - BBR_PACING_MARGIN), 10000);
    if (rate != 0 && (bbr->full_bw_reached || rate > bbr->pacing_rate)) {
        bbr->pacing_rate = rate;
    }
}

/* Without a measurement: as cwnd would leave in a round trip, or in a millisecond (5.6.2). */
static void init_pacing_rate(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    /* After a rest cwnd may be twice the path's product; less would undo what is known. */
    uint64_t window = MAX(cc_initial_window(conn), conn->cwnd / 2);
    bbr->seen_rtt = conn->srtt != 0;
    bbr->pacing_rate =
        window * pacing_gain[BBR_STARTUP] * 10000 / MAX(conn->srtt, bbr->seen_rtt ? 1 : 1000);
}

/* 5.3.3.6: the four phases of looking for bandwidth. */

static void raise_longterm_slope(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    uint32_t growth = UINT32_C(1) << bbr->bw_probe_up_rounds;
    bbr->bw_probe_up_rounds = (uint8_t)MIN(bbr->bw_probe_up_rounds + 1, 30);
    bbr->probe_up_acked_per_inc = MAX(conn->cwnd / growth, conn_mss(conn));
}

static void start_down(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    bbr_reset_congestion_signals(bbr);
    bbr->probe_up_acked_per_inc = BBR_INFINITE;
    uint32_t dice = roll(conn);
    bbr->rounds_since_probe_up = dice & 1;
    bbr->bw_probe_wait = BBR_PROBE_WAIT + (dice >> 1) % 1000000;
    bbr->cycle_stamp = bbr_now(conn);
    bbr->ack_phase = BBR_ACKS_PROBE_STOPPING;
    bbr_start_round(conn);
    bbr->state = BBR_DOWN;
}

static void start_refill(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    bbr_reset_shortterm(bbr);
    bbr->bw_probe_up_rounds = 0;
    bbr->bw_probe_up_acked = 0;
    bbr->prev_probe_precautionary = false;
    bbr->ack_phase = BBR_ACKS_REFILLING;
    bbr_start_round(conn);
    bbr->state = BBR_REFILL;
}

static void start_up(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    bbr->is_bw_probe_sample = true;
    bbr->ack_phase = BBR_ACKS_PROBE_STARTING;
    bbr_start_round(conn);
    bbr_reset_full_bw(bbr);
    bbr->full_bw = sample->delivery_rate;
    bbr->state = BBR_UP;
    raise_longterm_slope(conn);
}

/* What is lost says that too much was in flight (5.5.10.2). */
static void handle_too_high(struct wh_conn *conn, uint32_t tx_in_flight, bool app_limited)
{
    struct bbr *bbr = bbr_of(conn);
    bbr->prev_probe_too_high = true;
    bbr->is_bw_probe_sample = false; /* one answer to one probe */
    if (!app_limited) {
        uint32_t least = (uint32_t)((uint64_t)target_inflight(conn) * BBR_BETA / 100);
        bbr->inflight_longterm = MAX(tx_in_flight, MAX(least, BBR_MIN_PIPE * conn_mss(conn)));
    }
    if (bbr->state == BBR_UP) {
        bbr->undo_state = BBR_UP;
        start_down(conn);
    }
}

static void probe_longterm_upward(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    if (!sample->cwnd_limited || conn->cwnd < bbr->inflight_longterm) {
        return;
    }
    bbr->bw_probe_up_acked += MIN(sample->ack->acked, CWND_MAX - bbr->bw_probe_up_acked);
    if (bbr->bw_probe_up_acked >= bbr->probe_up_acked_per_inc) {
        uint32_t delta = bbr->bw_probe_up_acked / bbr->probe_up_acked_per_inc;
        bbr->bw_probe_up_acked %= bbr->probe_up_acked_per_inc;
        uint64_t more = (uint64_t)delta * conn_mss(conn);
        bbr->inflight_longterm = (uint32_t)MIN(bbr->inflight_longterm + more, CWND_MAX);
    }
    if (bbr->round_start) {
        raise_longterm_slope(conn);
    }
}

/* True if it has decided on the next state. */
static bool adapt_longterm(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    const struct cc_ack *ack = sample->ack;
    if (bbr->ack_phase == BBR_ACKS_PROBE_STARTING && bbr->round_start) {
        bbr->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
    }
    if (bbr->ack_phase == BBR_ACKS_PROBE_STOPPING && bbr->round_start) {
        bbr->is_bw_probe_sample = false;
        bbr->ack_phase = BBR_ACKS_INIT;
        if (bbr_probes_bw(bbr) && !sample->app_limited) {
            bbr_advance_max_bw(bbr);
        }
        if (bbr_probes_bw(bbr) && bbr->prev_probe_precautionary && !bbr->prev_probe_too_high) {
            start_refill(conn); /* the careful probe did no harm: now in earnest */
            return true;
        }
    }
    if (sample->delivery_rate != 0 && bbr->inflight_longterm != BBR_INFINITE &&
        !bbr_inflight_too_high(conn, ack->lost_since, ack->tx_in_flight)) {
        uint32_t shown = MIN(ack->tx_in_flight, CWND_MAX);
        bbr->inflight_longterm = MAX(bbr->inflight_longterm, shown);
        if (bbr->state == BBR_UP) {
            probe_longterm_upward(conn, sample);
        }
    }
    return false;
}

static bool time_to_probe(struct wh_conn *conn)
{
    const struct bbr *bbr = bbr_of(conn);
    /* As often as a Reno flow of this window would lose something, within limits (5.3.3.5). */
    uint32_t reno = MIN(target_inflight(conn) / conn_mss(conn), BBR_RENO_ROUNDS);
    return bbr_now(conn) > bbr->cycle_stamp + bbr->bw_probe_wait ||
           bbr->rounds_since_probe_up >= reno;
}

static bool time_to_cruise(const struct wh_conn *conn, uint32_t in_flight)
{
    return in_flight <= bbr_inflight_with_headroom(conn) && in_flight <= bbr_inflight(conn, 100);
}

static bool time_to_go_down(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    if (bbr->prev_probe_too_high && sample->ack->in_flight >= bbr->inflight_longterm) {
        bbr->prev_probe_precautionary =
            true; /* the last probe did harm here: no longer than needed */
        return true;
    }
    if (sample->cwnd_limited && conn->cwnd >= bbr->inflight_longterm) {
        bbr_reset_full_bw(bbr); /* it is this bound that limits, not the path */
        bbr->full_bw = sample->delivery_rate;
        return false;
    }
    return bbr->full_bw_now;
}

static void update_cycle(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    if (!bbr->full_bw_reached || adapt_longterm(conn, sample)) {
        return;
    }
    switch (bbr->state) {
    case BBR_DOWN:
        if (time_to_probe(conn)) {
            start_refill(conn);
        } else if (time_to_cruise(conn, sample->ack->in_flight)) {
            bbr->state = BBR_CRUISE;
        }
        break;
    case BBR_CRUISE:
        if (time_to_probe(conn)) {
            start_refill(conn);
        }
        break;
    case BBR_REFILL:
        if (bbr->round_start) {
            start_up(conn, sample);
        }
        break;
    case BBR_UP:
        if (time_to_go_down(conn, sample)) {
            bbr->prev_probe_too_high = false;
            start_down(conn);
        }
        break;
    default: break;
    }
}

/* 5.3.1, 5.3.2: the beginning. */

static void exit_startup_by_loss(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    bbr->undo_state = BBR_STARTUP;
    bbr->full_bw_reached = true;
    bbr->inflight_longterm =
        MAX(MAX(bbr_bdp(conn, 100), bbr->inflight_latest), BBR_MIN_PIPE * conn_mss(conn));
}

static void check_startup(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    if (bbr->state == BBR_STARTUP) {
        /* A whole round has passed since the first loss, for that began the round (note_loss). */
        uint8_t enough = conn->sack ? BBR_STARTUP_FULL_LOSS : 1;
        if (bbr->loss_round_start && conn->recovery != RECOVERY_LOSS &&
            bbr->loss_events >= enough &&
            bbr_inflight_too_high(conn, sample->ack->lost_since, sample->ack->tx_in_flight)) {
            exit_startup_by_loss(conn);
        }
        if (bbr->full_bw_reached) {
            bbr->state = BBR_DRAIN;
            bbr->drain_start_round = bbr->round_count;
        }
    }
    if (bbr->state == BBR_DRAIN && (sample->ack->in_flight <= bbr_inflight(conn, 100) ||
                                    bbr->round_count - bbr->drain_start_round > BBR_DRAIN_ROUNDS)) {
        start_down(conn);
    }
}

/* 5.3.4: now and then little in flight, to see the path without our own queue. */

static void exit_probe_rtt(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    bbr_reset_shortterm(bbr);
    if (bbr->full_bw_reached) {
        start_down(conn);
        bbr->state = BBR_CRUISE; /* nothing to drain */
    } else {
        bbr->state = BBR_STARTUP;
    }
}

static void check_probe_rtt_done(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    uint64_t now = bbr_now(conn);
    if (bbr->probe_rtt_done_stamp != 0 && now > bbr->probe_rtt_done_stamp) {
        bbr->probe_rtt_min_stamp = now;
        restore_cwnd(conn);
        exit_probe_rtt(conn);
    }
}

static uint32_t probe_rtt_cwnd(const struct wh_conn *conn)
{
    return MAX(bbr_bdp(conn, cwnd_gain[BBR_PROBE_RTT]), BBR_MIN_PIPE * conn_mss(conn));
}

static void handle_probe_rtt(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    /* The rate is low because we hold back: samples of what leaves now say nothing of the path. */
    bbr->limited = true;
    bbr->limited_until = conn->flight->delivered + sample->ack->in_flight;
    if (bbr->probe_rtt_done_stamp == 0) {
        if (sample->ack->in_flight <= probe_rtt_cwnd(conn)) {
            bbr->probe_rtt_done_stamp = bbr_now(conn) + BBR_PROBE_RTT_DURATION;
            bbr->probe_rtt_round_done = false;
            bbr_start_round(conn);
        }
        return;
    }
    bbr->probe_rtt_round_done |= bbr->round_start;
    if (bbr->probe_rtt_round_done) {
        check_probe_rtt_done(conn);
    }
}

static void check_probe_rtt(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    if (bbr->state != BBR_PROBE_RTT && bbr->probe_rtt_expired && !bbr->idle_restart) {
        save_cwnd(conn);
        bbr->state = BBR_PROBE_RTT;
        bbr->probe_rtt_done_stamp = 0;
        bbr->ack_phase = BBR_ACKS_PROBE_STOPPING;
        bbr_start_round(conn);
    }
    if (bbr->state == BBR_PROBE_RTT) {
        handle_probe_rtt(conn, sample);
    }
    if (sample->delivery_rate != 0) {
        bbr->idle_restart = false;
    }
}

/* 5.6.4: cwnd follows what the model says, never faster than data is delivered. */
static void set_cwnd(struct wh_conn *conn, uint32_t acked)
{
    struct bbr *bbr = bbr_of(conn);
    uint32_t least = BBR_MIN_PIPE * conn_mss(conn);
    uint32_t most = bbr_max_inflight(conn, cwnd_gain[bbr->state]);
    uint32_t more = MIN(conn->cwnd + MIN(acked, CWND_MAX), CWND_MAX);
    uint32_t initial = cc_initial_window(conn);
    bbr->delivered = MIN(bbr->delivered + MIN(acked, initial), initial);
    if (bbr->full_bw_reached) {
        conn->cwnd = MIN(more, most);
    } else if (conn->cwnd < most || bbr->delivered < initial) {
        conn->cwnd = more;
    }
    conn->cwnd = MAX(conn->cwnd, least);
    uint32_t cap = BBR_INFINITE;
    if (bbr->state == BBR_PROBE_RTT || bbr->state == BBR_CRUISE) {
        cap = bbr_inflight_with_headroom(conn);
    } else if (bbr_probes_bw(bbr)) {
        cap = bbr->inflight_longterm;
    }
    if (bbr->state == BBR_PROBE_RTT) {
        cap = MIN(cap, probe_rtt_cwnd(conn));
    }
    cap = MAX(MIN(cap, bbr->inflight_shortterm), least);
    conn->cwnd = MIN(conn->cwnd, cap);
}

static void begin(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    bbr_model_init(conn);
    bbr->state = BBR_STARTUP;
    bbr->undo_state = BBR_DRAIN;
    init_pacing_rate(conn);
}

static void acked(struct wh_conn *conn, const struct cc_ack *ack)
{
    struct bbr *bbr = bbr_of(conn);
    struct bbr_sample sample = { .ack = ack };
    if (ack->delivered != 0) {
        sample.delivery_rate = MAX((uint64_t)ack->delivered * 1000000 / MAX(ack->interval, 1), 1);
    }
    if (ack->delivered != 0 && seq_gt(ack->prior_delivered, bbr->limited_until)) {
        bbr->limited = false;
    }
    sample.app_limited = ack->app_limited || bbr->limited;
    sample.cwnd_limited = ack->prior_in_flight + conn_mss(conn) > conn->cwnd;
    if (!bbr->seen_rtt && conn->srtt != 0) {
        init_pacing_rate(conn);
    }
    bbr_model_update(conn, &sample);
    bbr_update_aggregation(conn, &sample);
    bbr_check_full_bw(bbr, &sample);
    check_startup(conn, &sample);
    update_cycle(conn, &sample);
    bbr_update_min_rtt(conn, &sample);
    check_probe_rtt(conn, &sample);
    bbr_model_settle(bbr, &sample);
    set_pacing_rate(bbr, pacing_gain[bbr->state]);
    set_cwnd(conn, ack->acked);
    if (conn->recovery == RECOVERY_NONE) {
        bbr->loss_episode = false; /* a loss that a tail probe repaired begins no recovery */
    }
}

/* What a spurious episode shall not have changed (5.5.11.1). */
static void save_upon_loss(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    if (bbr->loss_episode) {
        return;
    }
    save_cwnd(conn);
    bbr->loss_episode = true;
    bbr->can_undo = true;
    bbr->undo_state = BBR_DRAIN;
    bbr->undo_bw_shortterm = bbr->bw_shortterm;
    bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
    bbr->undo_inflight_longterm = bbr->inflight_longterm;
}

static void note_loss(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    save_upon_loss(conn);
    if (!bbr->is_loss_in_round) {
        bbr->loss_round_delivered = conn->flight->delivered;
    }
    bbr->is_loss_in_round = true;
}

static void lost(struct wh_conn *conn, const struct cc_loss *loss)
{
    struct bbr *bbr = bbr_of(conn);
    note_loss(conn);
    bbr->loss_events = (uint8_t)MIN(bbr->loss_events + 1, UINT8_MAX);
    if (bbr->is_bw_probe_sample &&
        bbr_inflight_too_high(conn, loss->lost_since, loss->tx_in_flight)) {
        handle_too_high(conn, bbr_inflight_at_loss(loss), loss->app_limited);
    }
}

static void congestion(struct wh_conn *conn, enum cc_signal signal, uint32_t in_flight)
{
    struct bbr *bbr = bbr_of(conn);
    if (signal != CC_MARK) {
        note_loss(conn);
        if (signal == CC_TIMEOUT) {
            conn->cwnd = conn_mss(
                conn); /* 5.6.4.4; it grows by what is delivered, or comes back at the end */
        }
        return;
    }
    /*
     * The draft leaves marks out. RFC 3168 5 wants the answer to a loss, so this is
     * a round that lost something, and, while it probes, too much of it.
     */
    note_loss(conn);
    if (bbr->state == BBR_STARTUP) {
        exit_startup_by_loss(conn);
    } else if (bbr->is_bw_probe_sample) {
        handle_too_high(conn, MIN(in_flight, CWND_MAX), false);
    }
    bbr->loss_episode = conn->recovery != RECOVERY_NONE; /* nothing to recover from */
}

static void recovered(struct wh_conn *conn)
{
    restore_cwnd(conn);
    bbr_of(conn)->loss_episode = false;
}

static void undo(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    if (!bbr->can_undo) {
        return;
    }
    bbr->can_undo = false;
    bbr->loss_episode = false;
    restore_cwnd(conn);
    bbr->is_loss_in_round = false;
    bbr_reset_full_bw(bbr);
    bbr->bw_shortterm = MAX(bbr->bw_shortterm, bbr->undo_bw_shortterm);
    bbr->inflight_shortterm = MAX(bbr->inflight_shortterm, bbr->undo_inflight_shortterm);
    bbr->inflight_longterm = MAX(bbr->inflight_longterm, bbr->undo_inflight_longterm);
    if (bbr->undo_state == BBR_STARTUP && bbr->state != BBR_STARTUP) {
        bbr->full_bw_reached = false;
        bbr->state = bbr->state == BBR_PROBE_RTT ? BBR_PROBE_RTT : BBR_STARTUP;
    } else if (bbr->undo_state == BBR_UP && bbr->state != BBR_UP && bbr->state != BBR_PROBE_RTT) {
        start_refill(conn);
    }
    bbr->undo_state = BBR_DRAIN;
}

/* 5.4: at the rate of the model, at once. */
static void resume(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    bbr->idle_restart = true;
    bbr->extra_acked_start = bbr_now(conn);
    bbr->extra_acked_delivered = 0;
    if (bbr_probes_bw(bbr)) {
        set_pacing_rate(bbr, 100);
    } else if (bbr->state == BBR_PROBE_RTT) {
        check_probe_rtt_done(conn);
    }
}

static uint64_t pacing_rate(const struct wh_conn *conn)
{
    return conn->flight != NULL ? bbr_of(conn)->pacing_rate : cc_pacing_rate(conn);
}

const struct cc_algorithm cc_bbr = {
    .name = "bbr",
    .model = true,
    .begin = begin,
    .acked = acked,
    .congestion = congestion,
    .lost = lost,
    .recovered = recovered,
    .undo = undo,
    .resume = resume,
    .pacing_rate = pacing_rate,
};

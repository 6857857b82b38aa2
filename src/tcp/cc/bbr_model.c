/* SPDX-License-Identifier: MIT */
/* BBR's model of the path: bandwidth, round-trip time, aggregation, and bounds from losses. */
#include "base/bytes.h"
#include "tcp/cc/bbr.h"
#include "tcp/cc/scale.h"
#include "tcp/connection.h"

struct bbr *bbr_of(const struct wh_conn *conn) { return flight_cc(conn->flight); }

uint64_t bbr_now(const struct wh_conn *conn) { return conn->tcp->now / WH_MICROSECOND; }

void bbr_reset_full_bw(struct bbr *bbr)
{
    bbr->full_bw = 0;
    bbr->full_bw_count = 0;
    bbr->full_bw_now = false;
}

void bbr_reset_congestion_signals(struct bbr *bbr)
{
    bbr->is_loss_in_round = false;
    bbr->loss_events = 0;
    bbr->bw_latest = 0;
    bbr->inflight_latest = 0;
}

void bbr_reset_shortterm(struct bbr *bbr)
{
    bbr->bw_shortterm = UINT64_MAX;
    bbr->inflight_shortterm = BBR_INFINITE;
}

void bbr_model_init(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    uint64_t now = bbr_now(conn);
    bbr->min_rtt = conn->srtt != 0 ? conn->srtt : UINT32_MAX;
    bbr->probe_rtt_min_delay = bbr->min_rtt;
    bbr->min_rtt_stamp = now;
    bbr->probe_rtt_min_stamp = now;
    bbr->extra_acked_start = now;
    bbr->inflight_longterm = BBR_INFINITE;
    bbr->probe_up_acked_per_inc = BBR_INFINITE;
    bbr->next_round_delivered = conn->flight->delivered;
    bbr->loss_round_delivered = conn->flight->delivered;
    bbr_reset_shortterm(bbr);
}

uint64_t bbr_max_bw(const struct bbr *bbr) { return MAX(bbr->max_bw[0], bbr->max_bw[1]); }

void bbr_advance_max_bw(struct bbr *bbr)
{
    if (bbr->max_bw[1] != 0) { /* a cycle without a sample forgets nothing */
        bbr->max_bw[0] = bbr->max_bw[1];
        bbr->max_bw[1] = 0;
    }
}

void bbr_start_round(struct wh_conn *conn)
{
    bbr_of(conn)->next_round_delivered = conn->flight->delivered;
}

static void update_round(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    bbr->round_start = sample->delivery_rate != 0 &&
                       seq_geq(sample->ack->prior_delivered, bbr->next_round_delivered);
    if (bbr->round_start) {
        bbr_start_round(conn);
        bbr->round_count++;
        bbr->rounds_since_probe_up = (uint8_t)MIN(bbr->rounds_since_probe_up + 1, UINT8_MAX);
    }
}

/* A loss outside of probing: towards what the path delivered in the last round, at most by 30 % (5.5.10.3). */
static void adapt_lower_bounds(struct wh_conn *conn)
{
    struct bbr *bbr = bbr_of(conn);
    if (bbr_accelerates(bbr) || !bbr->is_loss_in_round) {
        return;
    }
    if (bbr->bw_shortterm == UINT64_MAX) {
        bbr->bw_shortterm = bbr_max_bw(bbr);
    }
    if (bbr->inflight_shortterm == BBR_INFINITE) {
        bbr->inflight_shortterm = conn->cwnd;
    }
    bbr->bw_shortterm = MAX(bbr->bw_latest, scale(bbr->bw_shortterm, BBR_BETA, 100));
    uint32_t less = (uint32_t)((uint64_t)bbr->inflight_shortterm * BBR_BETA / 100);
    bbr->inflight_shortterm = MAX(bbr->inflight_latest, less);
}

void bbr_model_update(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    const struct cc_ack *ack = sample->ack;
    bbr->loss_round_start = false;
    if (sample->delivery_rate != 0) {
        bbr->bw_latest = MAX(bbr->bw_latest, sample->delivery_rate);
        bbr->inflight_latest = MAX(bbr->inflight_latest, ack->delivered);
        if (seq_geq(ack->prior_delivered, bbr->loss_round_delivered)) {
            bbr->loss_round_delivered = conn->flight->delivered;
            bbr->loss_round_start = true;
        }
    }
    update_round(conn, sample);
    if (sample->delivery_rate != 0 &&
        (sample->delivery_rate >= bbr_max_bw(bbr) || !sample->app_limited)) {
        bbr->max_bw[1] = MAX(bbr->max_bw[1], sample->delivery_rate);
    }
    if (bbr->loss_round_start) {
        adapt_lower_bounds(conn);
    }
}

void bbr_model_settle(struct bbr *bbr, const struct bbr_sample *sample)
{
    if (bbr->loss_round_start) {
        bbr->is_loss_in_round = false;
        bbr->loss_events = 0;
        bbr->bw_latest = sample->delivery_rate;
        bbr->inflight_latest = sample->ack->delivered;
    }
    bbr->bw = MIN(bbr_max_bw(bbr), bbr->bw_shortterm);
}

void bbr_update_aggregation(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    uint64_t now = bbr_now(conn);
    uint32_t interval = (uint32_t)MIN(now - bbr->extra_acked_start, UINT32_MAX);
    uint64_t expected = scale(bbr->bw, interval, 1000000);
    if (bbr->extra_acked_delivered <= expected) {
        bbr->extra_acked_delivered = 0;
        bbr->extra_acked_start = now;
        expected = 0;
    }
    bbr->extra_acked_delivered += MIN(sample->ack->acked, CWND_MAX - bbr->extra_acked_delivered);
    uint64_t most = bbr->extra_acked_delivered;
    uint32_t extra = most > expected ? (uint32_t)MIN(most - expected, conn->cwnd) : 0;
    if (bbr->round_start) {
        uint8_t length = bbr->full_bw_reached ? BBR_EXTRA_ACKED_ROUNDS : 1;
        if (++bbr->extra_acked_rounds >= length) {
            bbr->extra_acked_rounds = 0;
            bbr->extra_acked_slot ^= 1;
            bbr->extra_acked[bbr->extra_acked_slot] = 0;
        }
    }
    uint32_t *slot = &bbr->extra_acked[bbr->extra_acked_slot];
    *slot = MAX(*slot, extra);
}

void bbr_check_full_bw(struct bbr *bbr, const struct bbr_sample *sample)
{
    if (bbr->full_bw_now || !bbr->round_start || sample->app_limited) {
        return;
    }
    if (sample->delivery_rate >= bbr->full_bw + bbr->full_bw / 4) {
        bbr_reset_full_bw(bbr);
        bbr->full_bw = sample->delivery_rate;
        return;
    }
    if (++bbr->full_bw_count >= BBR_FULL_BW_ROUNDS) {
        bbr->full_bw_now = true;
        bbr->full_bw_reached = true;
    }
}

void bbr_update_min_rtt(struct wh_conn *conn, const struct bbr_sample *sample)
{
    struct bbr *bbr = bbr_of(conn);
    uint64_t now = bbr_now(conn);
    uint32_t rtt = sample->ack->rtt;
    bbr->probe_rtt_expired = now > bbr->probe_rtt_min_stamp + BBR_PROBE_RTT_INTERVAL;
    if (rtt != 0 && (rtt < bbr->probe_rtt_min_delay || bbr->probe_rtt_expired)) {
        bbr->probe_rtt_min_delay = rtt;
        bbr->probe_rtt_min_stamp = now;
    }
    bool expired = now > bbr->min_rtt_stamp + BBR_MIN_RTT_FILTER;
    if (bbr->probe_rtt_min_delay < bbr->min_rtt || expired) {
        bbr->min_rtt = bbr->probe_rtt_min_delay;
        bbr->min_rtt_stamp = bbr->probe_rtt_min_stamp;
    }
}

uint32_t bbr_bdp(const struct wh_conn *conn, uint32_t percent)
{
    const struct bbr *bbr = bbr_of(conn);
    if (bbr->min_rtt == UINT32_MAX || bbr->bw == 0) {
        return cc_initial_window(conn);
    }
    uint64_t bdp = scale(bbr->bw, bbr->min_rtt, 1000000);
    return (uint32_t)MIN(scale(bdp, percent, 100), CWND_MAX);
}

/* BBR.offload_budget, the pipelining floor, and in UP a little more than the model says (5.6.4.2). */
static uint32_t quantized(const struct wh_conn *conn, uint32_t inflight)
{
    const struct bbr *bbr = bbr_of(conn);
    uint32_t mss = conn_mss(conn);
    /* C.send_quantum (5.6.3), but as pacing here has it: at most a quarter of a round trip's. */
    uint32_t span = MIN(1000, bbr->min_rtt / 4);
    uint64_t quantum = MAX(MIN(scale(bbr->bw, span, 1000000), 65536), 2 * mss);
    uint64_t cap = MAX(inflight, MAX(3 * quantum, BBR_MIN_PIPE * mss));
    cap += bbr->state == BBR_UP ? 2 * mss : 0;
    return (uint32_t)MIN(cap, CWND_MAX);
}

uint32_t bbr_inflight(const struct wh_conn *conn, uint32_t percent)
{
    return quantized(conn, bbr_bdp(conn, percent));
}

uint32_t bbr_max_inflight(const struct wh_conn *conn, uint32_t percent)
{
    const struct bbr *bbr = bbr_of(conn);
    uint32_t extra = MAX(bbr->extra_acked[0], bbr->extra_acked[1]);
    return quantized(conn, MIN(bbr_bdp(conn, percent) + extra, CWND_MAX));
}

uint32_t bbr_inflight_with_headroom(const struct wh_conn *conn)
{
    uint32_t most = bbr_of(conn)->inflight_longterm;
    if (most == BBR_INFINITE) {
        return BBR_INFINITE;
    }
    uint32_t mss = conn_mss(conn);
    uint32_t headroom = MAX((uint32_t)((uint64_t)most * BBR_HEADROOM / 100), mss);
    return MAX(most - MIN(headroom, most), BBR_MIN_PIPE * mss);
}

bool bbr_inflight_too_high(const struct wh_conn *conn, uint32_t lost, uint32_t tx_in_flight)
{
    return (uint64_t)lost * BBR_LOSS_THRESH > tx_in_flight || (lost > 0 && !conn->sack);
}

uint32_t bbr_inflight_at_loss(const struct cc_loss *loss)
{
    /* Within this range: before - lost_before is the last point below the threshold. */
    uint32_t before = loss->tx_in_flight - MIN(loss->tx_in_flight, loss->bytes);
    uint32_t lost_before = loss->lost_since - MIN(loss->lost_since, loss->bytes);
    uint64_t part = (uint64_t)lost_before * BBR_LOSS_THRESH;
    uint32_t prefix = part < before ? (uint32_t)(before - part) / (BBR_LOSS_THRESH - 1) : 0;
    return MIN(before, CWND_MAX) + MIN(prefix, loss->bytes);
}

/* SPDX-License-Identifier: MIT */
/*
 * BBR, version 3 (draft-ietf-ccwg-bbr): a model of the path, made of what each acknowledgement
 * measures, says how fast to send and how much to have in flight. bbr_model.c keeps the
 * model, bbr.c the states that probe the path in turn and what follows for cwnd
 * and the pacing rate. Names are the draft's; sections are those of its version 04.
 *
 * The draft counts in packets, seconds and infinity; here it is bytes, microseconds,
 * bytes a second, and the largest number of the type.
 */
#ifndef WAVEHAND_TCP_CC_BBR_H
#define WAVEHAND_TCP_CC_BBR_H

#include "tcp/cc/cc.h"

/* Constants of 2.4 to 2.14. Times in us. */
#define BBR_LOSS_THRESH 50 /* 1/50: 2 % */
#define BBR_BETA 70        /* percent */
#define BBR_HEADROOM 15    /* percent */
#define BBR_PACING_MARGIN 1
#define BBR_MIN_PIPE 4 /* segments */
#define BBR_STARTUP_FULL_LOSS 6
#define BBR_FULL_BW_ROUNDS 3
#define BBR_DRAIN_ROUNDS 3
#define BBR_RENO_ROUNDS 63
#define BBR_EXTRA_ACKED_ROUNDS 5 /* in each of two slots: ten */
#define BBR_MIN_RTT_FILTER 10000000
#define BBR_PROBE_RTT_INTERVAL 5000000
#define BBR_PROBE_RTT_DURATION 200000
#define BBR_PROBE_WAIT 2000000 /* and up to a second more */

#define BBR_INFINITE UINT32_MAX

enum bbr_state {
    BBR_STARTUP,
    BBR_DRAIN,
    BBR_DOWN, /* ProbeBW_DOWN and so on */
    BBR_CRUISE,
    BBR_REFILL,
    BBR_UP,
    BBR_PROBE_RTT,
};

/* What the acknowledgements that come in now tell of (5.3.3.6). */
enum bbr_acks {
    BBR_ACKS_INIT,
    BBR_ACKS_REFILLING,
    BBR_ACKS_PROBE_STARTING,
    BBR_ACKS_PROBE_FEEDBACK,
    BBR_ACKS_PROBE_STOPPING,
};

struct bbr {
    /* rates, bytes a second */
    uint64_t max_bw[2]; /* BBR.MaxBwFilter: the last probing cycle's and this one's */
    uint64_t bw_shortterm;
    uint64_t bw_latest;
    uint64_t bw; /* the smaller of the two above */
    uint64_t full_bw;
    uint64_t pacing_rate;
    uint64_t undo_bw_shortterm;
    /* moments, us of the stack's clock */
    uint64_t min_rtt_stamp;
    uint64_t probe_rtt_min_stamp;
    uint64_t probe_rtt_done_stamp; /* 0: not yet drained */
    uint64_t cycle_stamp;
    uint64_t extra_acked_start;
    /* us */
    uint32_t min_rtt; /* UINT32_MAX: no sample yet */
    uint32_t probe_rtt_min_delay;
    uint32_t bw_probe_wait;
    /* bytes */
    uint32_t inflight_longterm;
    uint32_t inflight_shortterm;
    uint32_t inflight_latest;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;
    uint32_t prior_cwnd;
    uint32_t extra_acked[2]; /* two slots of a windowed maximum */
    uint32_t extra_acked_delivered;
    uint32_t probe_up_acked_per_inc;
    uint32_t bw_probe_up_acked;
    uint32_t delivered; /* since it began, up to the initial window */
    /* flight->delivered when something begins or ends */
    uint32_t next_round_delivered;
    uint32_t loss_round_delivered;
    uint32_t limited_until; /* samples of what left before are of our own restraint, if limited */
    /* counts */
    uint32_t round_count;
    uint32_t drain_start_round;
    uint32_t dice;
    uint8_t rounds_since_probe_up;
    uint8_t bw_probe_up_rounds;
    uint8_t extra_acked_rounds;
    uint8_t extra_acked_slot;
    uint8_t full_bw_count;
    uint8_t loss_events;
    /* facts */
    uint8_t state;      /* enum bbr_state */
    uint8_t undo_state; /* the one that a loss ended: BBR_STARTUP or BBR_UP; BBR_DRAIN: none */
    uint8_t ack_phase;  /* enum bbr_acks */
    bool round_start;
    bool loss_round_start;
    bool is_loss_in_round;
    bool loss_episode; /* begun, and not yet recovered from */
    bool can_undo;     /* what undo needs is saved */
    bool full_bw_now, full_bw_reached;
    bool is_bw_probe_sample;
    bool prev_probe_too_high, prev_probe_precautionary;
    bool probe_rtt_round_done;
    bool probe_rtt_expired;
    bool idle_restart;
    bool limited;
    bool seen_rtt;
};

/* An acknowledgement with what follows from it at once. */
struct bbr_sample {
    const struct cc_ack *ack;
    uint64_t delivery_rate; /* bytes a second; 0: no sample */
    bool app_limited;
    bool cwnd_limited;
};

static inline bool bbr_probes_bw(const struct bbr *bbr)
{
    return bbr->state >= BBR_DOWN && bbr->state <= BBR_UP;
}
static inline bool bbr_accelerates(const struct bbr *bbr)
{
    return bbr->state == BBR_STARTUP || bbr->state == BBR_REFILL || bbr->state == BBR_UP;
}

struct bbr *bbr_of(const struct wh_conn *conn);
/* Now, us. */
uint64_t bbr_now(const struct wh_conn *conn);

/* bbr_model.c */

/* Nothing is known. */
void bbr_model_init(struct wh_conn *conn);
/* Rounds, bandwidth and loss, before the states look at them (5.5.1, 5.5.5, 5.5.10). */
void bbr_model_update(struct wh_conn *conn, const struct bbr_sample *sample);
/* How much is acknowledged in excess of the bandwidth (5.5.9). */
void bbr_update_aggregation(struct wh_conn *conn, const struct bbr_sample *sample);
/* Does sending faster still bring more? (5.3.1.2) */
void bbr_check_full_bw(struct bbr *bbr, const struct bbr_sample *sample);
/* The shortest round trip (5.3.4.3). */
void bbr_update_min_rtt(struct wh_conn *conn, const struct bbr_sample *sample);
/* After the states have looked. */
void bbr_model_settle(struct bbr *bbr, const struct bbr_sample *sample);
void bbr_reset_full_bw(struct bbr *bbr);
void bbr_reset_congestion_signals(struct bbr *bbr);
void bbr_reset_shortterm(struct bbr *bbr);
void bbr_advance_max_bw(struct bbr *bbr);
void bbr_start_round(struct wh_conn *conn);
uint64_t bbr_max_bw(const struct bbr *bbr);
/* Percent of the bandwidth-delay product, at most CWND_MAX (5.6.4.2). */
uint32_t bbr_bdp(const struct wh_conn *conn, uint32_t percent);
/* ... and with what offload and delayed acknowledgements need. */
uint32_t bbr_inflight(const struct wh_conn *conn, uint32_t percent);
/* The most that shall be in flight by the model, before congestion is looked at. */
uint32_t bbr_max_inflight(const struct wh_conn *conn, uint32_t percent);
/* inflight_longterm with room left for others (5.3.3.6). */
uint32_t bbr_inflight_with_headroom(const struct wh_conn *conn);
/* Was too much of what was in flight lost? (5.5.10.2) */
bool bbr_inflight_too_high(const struct wh_conn *conn, uint32_t lost, uint32_t tx_in_flight);
/* At how much in flight the losses crossed the threshold. */
uint32_t bbr_inflight_at_loss(const struct cc_loss *loss);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * HyStart++ (RFC 9406): slow start ends before the queue overflows. When the round-trip
 * time of a round has risen, a queue is building; growth goes on at a quarter of the speed
 * for a few rounds (conservative slow start), and then ends, unless the rise was a
 * false alarm.
 *
 * It acts in the first slow start alone, where ssthresh is still unknown.
 */
#ifndef WAVEHAND_TCP_CC_HYSTART_H
#define WAVEHAND_TCP_CC_HYSTART_H

#include "tcp/cc/cc.h"

/* RFC 9406 4.2, 4.3: what it is called there. Microseconds. */
#define HYSTART_MIN_RTT_THRESH 4000
#define HYSTART_MAX_RTT_THRESH 16000
#define HYSTART_MIN_RTT_DIVISOR 8
#define HYSTART_N_RTT_SAMPLE 8
#define HYSTART_CSS_GROWTH_DIVISOR 4
#define HYSTART_CSS_ROUNDS 5

/* Zeroed to begin. */
struct hystart {
    uint32_t window_end;  /* windowEnd: acknowledging this ends the round */
    uint32_t last_min;    /* lastRoundMinRTT, us; 0: none */
    uint32_t current_min; /* currentRoundMinRTT, us; 0: none */
    uint32_t css_min;     /* cssBaselineMinRtt, us */
    uint8_t samples;      /* rttSampleCount, counted up to HYSTART_N_RTT_SAMPLE */
    uint8_t css_rounds;   /* begun in conservative slow start; 0: it is the usual one */
    bool begun;
};

/*
 * An acknowledgement that lets cwnd grow. Returns by how many bytes slow start
 * may grow, and sets ssthresh if it is over.
 */
uint32_t hystart_acked(struct hystart *hystart, struct wh_conn *conn, const struct cc_ack *ack);

#endif

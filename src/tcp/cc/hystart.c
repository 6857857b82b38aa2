/* SPDX-License-Identifier: MIT */
#include "tcp/cc/hystart.h"

#include "base/bytes.h"
#include "tcp/connection.h"

static void begin_round(struct hystart *hystart, const struct wh_conn *conn)
{
    hystart->window_end = conn->snd_nxt;
    hystart->last_min = hystart->current_min;
    hystart->current_min = 0;
    hystart->samples = 0;
}

/* RFC 9406 4.2: has the round-trip time risen, or was that a false alarm? */
static void judge(struct hystart *hystart)
{
    if (hystart->samples < HYSTART_N_RTT_SAMPLE) {
        return;
    }
    if (hystart->css_rounds > 0) {
        if (hystart->current_min < hystart->css_min) {
            hystart->css_rounds = 0;
        }
        return;
    }
    uint32_t limit = MAX(hystart->last_min / HYSTART_MIN_RTT_DIVISOR, HYSTART_MIN_RTT_THRESH);
    limit = MIN(limit, HYSTART_MAX_RTT_THRESH);
    if (hystart->last_min != 0 && hystart->current_min >= hystart->last_min + limit) {
        hystart->css_min = hystart->current_min;
        hystart->css_rounds = 1; /* what is left of this round counts */
    }
}

uint32_t hystart_acked(struct hystart *hystart, struct wh_conn *conn, const struct cc_ack *ack)
{
    if (conn->ssthresh < CWND_MAX) {
        return ack->acked;
    }
    if (!hystart->begun) {
        hystart->begun = true;
        begin_round(hystart, conn);
    }
    if (ack->rtt != 0) {
        uint32_t least = hystart->current_min;
        hystart->current_min = least == 0 ? ack->rtt : MIN(least, ack->rtt);
        if (hystart->samples < HYSTART_N_RTT_SAMPLE) {
            hystart->samples++;
        }
    }
    judge(hystart);
    bool slow = hystart->css_rounds > 0;
    if (seq_geq(conn->snd_una, hystart->window_end)) {
        if (slow && ++hystart->css_rounds > HYSTART_CSS_ROUNDS) {
            conn->ssthresh = conn->cwnd;
        }
        begin_round(hystart, conn);
    }
    /* No limit for one acknowledgement: what it lets go is paced (L is infinite, RFC 9406 4.3). */
    return slow ? ack->acked / HYSTART_CSS_GROWTH_DIVISOR : ack->acked;
}

/* SPDX-License-Identifier: MIT */
/*
 * DCTCP (RFC 8257), for networks of one operator whose switches mark early: the window
 * comes down by as much as was marked, not by half at the first mark. To a loss it
 * answers as NewReno, and without ECN it is NewReno.
 *
 * How much was marked comes with the acknowledgements (cc_ack.marked): from the peer's exact
 * echo (3.2) or from Accurate ECN's counters (RFC 9768).
 */
#include "base/bytes.h"
#include "tcp/cc/cc.h"
#include "tcp/cc/hystart.h"
#include "tcp/cc/scale.h"
#include "tcp/connection.h"

/* DCTCP.Alpha of 1. */
#define ONE (UINT32_C(1) << 20)
/* g, the weight of a new window's fraction (3.3): 1/16. */
#define WEIGHT 16

struct dctcp {
    struct hystart hystart;
    uint32_t grown;      /* bytes acknowledged since cwnd last grew in congestion avoidance */
    uint32_t window_end; /* DCTCP.WindowEnd */
    uint32_t acked;      /* DCTCP.BytesAcked */
    uint32_t marked;     /* DCTCP.BytesMarked */
    uint32_t alpha;      /* DCTCP.Alpha, of ONE */
};

_Static_assert(sizeof(struct dctcp) <= CC_STATE, "the state fits the flight");

static struct dctcp *state_of(struct wh_conn *conn) { return flight_cc(conn->flight); }

static void begin_window(struct wh_conn *conn)
{
    struct dctcp *state = state_of(conn);
    state->window_end = conn->snd_nxt;
    state->acked = 0;
    state->marked = 0;
}

static void begin(struct wh_conn *conn)
{
    state_of(conn)->alpha = ONE; /* 4.2: nothing is known, so the first mark halves */
    begin_window(conn);
}

/* DCTCP.Alpha is brought up to date once a window of data (3.3). */
static void estimate(struct wh_conn *conn, const struct cc_ack *ack)
{
    struct dctcp *state = state_of(conn);
    state->acked += MIN(ack->acked, CWND_MAX - state->acked);
    state->marked = MIN(state->marked + MIN(ack->marked, ack->acked), state->acked);
    if (seq_leq(conn->snd_una, state->window_end) || state->acked == 0) {
        return;
    }
    uint32_t fraction = (uint32_t)scale(state->marked, ONE, state->acked);
    state->alpha = state->alpha - state->alpha / WEIGHT + fraction / WEIGHT;
    begin_window(conn);
}

static void acked(struct wh_conn *conn, const struct cc_ack *ack)
{
    struct dctcp *state = state_of(conn);
    estimate(conn, ack);
    if (!ack->may_grow) {
        return;
    }
    bool slow_start = conn->cwnd < conn->ssthresh;
    uint32_t bytes = slow_start ? hystart_acked(&state->hystart, conn, ack) : ack->acked;
    cc_additive_increase(conn, &state->grown, cc_slow_start(conn, bytes));
}

static void congestion(struct wh_conn *conn, enum cc_signal signal, uint32_t in_flight)
{
    struct dctcp *state = state_of(conn);
    uint32_t target = in_flight / 2; /* 3.5: conventional to a loss */
    if (signal == CC_MARK) {
        target = conn->cwnd - (uint32_t)scale(conn->cwnd, state->alpha, 2 * ONE);
    }
    conn->ssthresh = MAX(target, 2 * conn_mss(conn));
    state->grown = 0;
}

const struct cc_algorithm cc_dctcp = {
    .name = "dctcp",
    .exact_marks = true,
    .begin = begin,
    .acked = acked,
    .congestion = congestion,
};

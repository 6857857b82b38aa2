/* SPDX-License-Identifier: MIT */
/* Slow start (by HyStart++) and congestion avoidance of RFC 5681, its response to loss, and ABE's to marks. */
#include "base/bytes.h"
#include "tcp/cc/cc.h"
#include "tcp/cc/hystart.h"
#include "tcp/connection.h"

struct newreno {
    struct hystart hystart;
    uint32_t acked; /* bytes since cwnd last grew in congestion avoidance */
};

_Static_assert(sizeof(struct newreno) <= CC_STATE, "the state fits the flight");

static struct newreno *state_of(struct wh_conn *conn) { return flight_cc(conn->flight); }

static void begin(struct wh_conn *conn) { state_of(conn)->acked = 0; }

static void acked(struct wh_conn *conn, const struct cc_ack *ack)
{
    struct newreno *state = state_of(conn);
    if (!ack->may_grow) {
        return;
    }
    bool slow_start = conn->cwnd < conn->ssthresh;
    uint32_t bytes = slow_start ? hystart_acked(&state->hystart, conn, ack) : ack->acked;
    cc_additive_increase(conn, &state->acked, cc_slow_start(conn, bytes));
}

static void congestion(struct wh_conn *conn, enum cc_signal signal, uint32_t in_flight)
{
    /* RFC 5681 (4); RFC 8511 3: a mark comes from a short queue, so it asks for less. */
    uint64_t percent = signal == CC_MARK ? 80 : 50;
    conn->ssthresh = MAX((uint32_t)(in_flight * percent / 100), 2 * conn_mss(conn));
    state_of(conn)->acked = 0;
}

const struct cc_algorithm cc_newreno = {
    .name = "newreno",
    .begin = begin,
    .acked = acked,
    .congestion = congestion,
};

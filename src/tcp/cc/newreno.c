/* SPDX-License-Identifier: MIT */
/* Slow start and congestion avoidance as in RFC 5681, for the recovery of RFC 6675 and RFC 6582. */
#include <string.h>

#include "base/bytes.h"
#include "tcp/cc/cc.h"
#include "tcp/connection.h"

/* More than any path needs, and far from overflow. */
#define CWND_MAX (UINT32_C(1) << 30)

uint32_t cc_initial_window(const struct wh_conn *conn)
{
    /* RFC 5681 3.1: after the loss of a SYN or SYN,ACK (here: more than one), one segment. */
    uint32_t segments =
        conn->syn_retries > 1 ? 1 : (uint32_t)conn_option(conn, WH_OPT_INITIAL_WINDOW);
    uint32_t mss = conn_mss(conn);
    /* RFC 6928 2: ten segments, but no more than 14600 bytes unless two segments are larger. */
    if (segments == 10) {
        return MIN(10 * mss, MAX(2 * mss, 14600));
    }
    return segments * mss;
}

static void start(struct wh_conn *conn) { conn->cwnd = cc_initial_window(conn); }

static void acked(struct wh_conn *conn, uint32_t bytes, uint32_t in_flight)
{
    uint32_t mss = conn_mss(conn);
    /* Do not grow a window that is not used (RFC 7661 has the reasons). */
    if (in_flight + mss < conn->cwnd &&
        (conn->cwnd >= conn->ssthresh || in_flight < conn->cwnd / 2)) {
        return;
    }
    if (conn->cwnd < conn->ssthresh) {
        conn->cwnd = MIN(conn->cwnd + bytes, MIN(conn->ssthresh, CWND_MAX));
        return;
    }
    /* One segment for each window acknowledged (appropriate byte counting, RFC 3465 2.1). */
    conn->cc_acked += bytes;
    if (conn->cc_acked >= conn->cwnd) {
        conn->cc_acked -= conn->cwnd;
        conn->cwnd = MIN(conn->cwnd + mss, CWND_MAX);
    }
}

static void congestion(struct wh_conn *conn, uint32_t in_flight)
{
    conn->ssthresh = MAX(in_flight / 2, 2 * conn_mss(conn));
    conn->cwnd = conn->ssthresh;
    conn->cc_acked = 0;
}

static void recovered(struct wh_conn *conn, uint32_t in_flight)
{
    /* RFC 6582 3.2 (3), first choice: no burst when little is outstanding. */
    uint32_t mss = conn_mss(conn);
    conn->cwnd = MIN(conn->ssthresh, MAX(in_flight, mss) + mss);
}

static void timeout(struct wh_conn *conn, uint32_t in_flight, int first)
{
    if (first) {
        conn->ssthresh = MAX(in_flight / 2, 2 * conn_mss(conn));
    }
    conn->cwnd = conn_mss(conn);
    conn->cc_acked = 0;
}

static void idle(struct wh_conn *conn)
{
    /* RFC 5681 4.1. */
    conn->cwnd = MIN(conn->cwnd, cc_initial_window(conn));
}

const struct cc_algorithm cc_newreno = {
    .name = "newreno",
    .start = start,
    .acked = acked,
    .congestion = congestion,
    .recovered = recovered,
    .timeout = timeout,
    .idle = idle,
};

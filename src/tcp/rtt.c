/* SPDX-License-Identifier: MIT */
/* The round-trip time and the retransmission timer (RFC 6298). */
#include "base/bytes.h"
#include "tcp/protocol.h"

/* Timers fire up to one wheel tick late: the clock granularity G of RFC 6298, in microseconds. */
#define GRANULARITY (((UINT64_C(1) << WHEEL_TICK_BITS) + WH_MICROSECOND - 1) / WH_MICROSECOND)
/* No path takes longer; a clock that says so is wrong. Keeps four variances and a mean in 32 bits. */
#define LONGEST_RTT (UINT32_C(512) * 1000 * 1000)

static uint32_t bounded_rto(const struct wh_conn *conn, uint64_t rto)
{
    uint64_t low = (uint64_t)conn_option(conn, WH_OPT_RTO_MIN) / WH_MICROSECOND;
    uint64_t high = (uint64_t)conn_option(conn, WH_OPT_RTO_MAX) / WH_MICROSECOND;
    return (uint32_t)MIN(MAX(rto, low), high);
}

uint32_t rtt_sample(struct wh_conn *conn, wh_time elapsed)
{
    uint32_t rtt = (uint32_t)MIN(MAX(elapsed / WH_MICROSECOND, 1), LONGEST_RTT);
    conn->min_rtt = MIN(conn->min_rtt, rtt);
    if (conn->srtt == 0) {
        conn->srtt = rtt;
        conn->rttvar = rtt / 2;
    } else {
        /* RFC 6298 2.3: the variance first, with the old mean. */
        uint32_t deviation = conn->srtt > rtt ? conn->srtt - rtt : rtt - conn->srtt;
        conn->rttvar = conn->rttvar - conn->rttvar / 4 + deviation / 4;
        conn->srtt = conn->srtt - conn->srtt / 8 + rtt / 8;
    }
    /*
     * RFC 6298 2.3. A steady path has no variance at all, and the smallest delay of an
     * acknowledgement would pass for a loss: the lower bound is one of the margin, not of the sum.
     */
    uint64_t least = (uint64_t)conn_option(conn, WH_OPT_RTO_MIN) / WH_MICROSECOND;
    uint64_t margin = MAX(UINT64_C(4) * conn->rttvar, MAX(least, GRANULARITY));
    conn->rto = bounded_rto(conn, conn->srtt + margin);
    return rtt;
}

void rtt_back_off(struct wh_conn *conn) { conn->rto = bounded_rto(conn, UINT64_C(2) * conn->rto); }

void rtt_restart_timer(struct wh_conn *conn)
{
    bool outstanding = conn->snd_una != conn->snd_nxt;
    wh_time when = outstanding ? conn->tcp->now + conn_rto(conn) : WH_NEVER;
    conn->probing = false;
    conn->probe_due = false;
    conn->timer_kind = TIMER_TIMEOUT;
    if (conn->flight != NULL) {
        conn->flight->rto_at = when;
        if (!conn_syn_outstanding(conn)) {
            return; /* recovery_arm weighs it against what may come sooner */
        }
    }
    conn_deadline(conn, DEADLINE_RETRANSMIT, when);
}

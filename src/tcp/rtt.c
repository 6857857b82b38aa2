/* SPDX-License-Identifier: MIT */
/* The round-trip time and the retransmission timer (RFC 6298). */
#include "base/bytes.h"
#include "tcp/protocol.h"

/* Samples are in nanoseconds, so the clock granularity G of RFC 6298 is one wheel tick. */
#define GRANULARITY (UINT64_C(1) << WHEEL_TICK_BITS)

static uint64_t bounded_rto(const struct wh_conn *conn, uint64_t rto)
{
    uint64_t low = (uint64_t)conn_option(conn, WH_OPT_RTO_MIN);
    uint64_t high = (uint64_t)conn_option(conn, WH_OPT_RTO_MAX);
    return MIN(MAX(rto, low), high);
}

void rtt_sample(struct wh_conn *conn, uint64_t rtt)
{
    rtt = MAX(rtt, 1);
    conn->min_rtt = MIN(conn->min_rtt, rtt);
    if (conn->srtt == 0) {
        conn->srtt = rtt;
        conn->rttvar = rtt / 2;
    } else {
        /* RFC 6298 2.3: the variance first, with the old mean. */
        uint64_t deviation = conn->srtt > rtt ? conn->srtt - rtt : rtt - conn->srtt;
        conn->rttvar = conn->rttvar - conn->rttvar / 4 + deviation / 4;
        conn->srtt = conn->srtt - conn->srtt / 8 + rtt / 8;
    }
    conn->rto = bounded_rto(conn, conn->srtt + MAX(GRANULARITY, 4 * conn->rttvar));
}

void rtt_back_off(struct wh_conn *conn) { conn->rto = bounded_rto(conn, conn->rto * 2); }

void rtt_restart_timer(struct wh_conn *conn)
{
    bool outstanding = conn->snd_una != conn->snd_nxt;
    conn->probing = false;
    conn->probe_due = false;
    conn_deadline(conn, DEADLINE_RETRANSMIT, outstanding ? conn->tcp->now + conn->rto : WH_NEVER);
}

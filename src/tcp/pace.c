/* SPDX-License-Identifier: MIT */
/*
 * Pacing: what cwnd allows leaves over the round trip, not at once, so that a short queue
 * on the path suffices. The unit is a quantum: a millisecond's worth at the pacing rate (or a
 * quarter of a shorter round trip), so that frames stay as large as the link takes them at that
 * rate. Algorithms of the classical kind may send ten segments at any time, as everybody may at
 * the beginning (RFC 6928); a model's rate is meant to be kept, down to two segments.
 */
#include "base/bytes.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"

#define QUANTUM (1 * WH_MILLISECOND)
/* A round trip of a few ticks of the wheel is too short for a timer to share it out. */
#define SHORTEST_RTT ((UINT32_C(6) << WHEEL_TICK_BITS) / WH_MICROSECOND)
#define BURST 10
#define BURST_OF_MODEL 2

bool pace_waits(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    wh_time now = conn->tcp->now;
    if (flight == NULL || flight->pace_at <= now + flight->pace_slack) {
        return false;
    }
    flight->pace_deadline = flight->pace_at;
    conn_arm(conn);
    return true;
}

uint64_t pace_rate(const struct wh_conn *conn)
{
    const struct cc_algorithm *congestion = conn->profile->congestion;
    if (conn->flight == NULL || conn->srtt < SHORTEST_RTT || !conn_option(conn, WH_OPT_PACING)) {
        return 0;
    }
    return congestion->pacing_rate != NULL ? congestion->pacing_rate(conn) : cc_pacing_rate(conn);
}

void pace_sent(struct wh_conn *conn, uint32_t bytes, bool alone)
{
    struct flight *flight = conn->flight;
    uint64_t rate = pace_rate(conn);
    if (rate == 0) {
        flight->pace_at = 0;
        flight->pace_quantum = 0;
        return;
    }
    bool model = conn->profile->congestion->model;
    uint64_t burst = (uint64_t)(model ? BURST_OF_MODEL : BURST) * conn_mss(conn);
    wh_time span = MIN(QUANTUM, conn->srtt * WH_MICROSECOND / 4);
    uint64_t quantum = MAX(rate * span / WH_SECOND, burst);
    wh_time slack = MIN(quantum * WH_SECOND / rate, UINT32_MAX);
    wh_time now = conn->tcp->now;
    /* What a timer that fires late has cost may be made good, up to half a quantum. */
    wh_time floor = now > slack / 2 ? now - slack / 2 : 0;
    if (alone) { /* after silence the initial window may leave at once */
        wh_time first = BURST * conn_mss(conn) * WH_SECOND / rate;
        floor = now + slack > first ? now + slack - first : 0;
    }
    flight->pace_slack = (uint32_t)slack;
    flight->pace_quantum = (uint32_t)MIN(quantum, UINT32_MAX);
    flight->pace_at = MAX(flight->pace_at, floor) + bytes * WH_SECOND / rate;
}

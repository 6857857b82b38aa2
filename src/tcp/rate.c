/* SPDX-License-Identifier: MIT */
/*
 * How fast the path delivers (draft-cheng-iccrg-delivery-rate-estimation): each range
 * remembers how much had been delivered when it left; when it arrives, the difference
 * over the time it took is the rate, of which the slower of sending and acknowledging
 * counts.
 */
#include "base/bytes.h"
#include "tcp/recovery.h"

static uint32_t microseconds(uint64_t time) { return (uint32_t)(time / WH_MICROSECOND); }

struct snapshot rate_sending(struct wh_conn *conn, uint32_t bytes)
{
    struct flight *flight = conn->flight;
    uint32_t now = microseconds(conn->tcp->now);
    if (flight->count == 0) { /* 3.2: a new flight begins its own interval */
        flight->first_sent = now;
        flight->delivered_time = now;
    }
    return (struct snapshot){
        .delivered = flight->delivered,
        .delivered_time = flight->delivered_time,
        .first_sent = flight->first_sent,
        .in_flight = conn_pipe(conn) + bytes,
        .lost = flight->lost_total,
    };
}

void rate_limited_by_application(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    uint32_t pipe = conn_pipe(conn);
    if (flight != NULL && flight->lost == 0 && pipe < conn->cwnd) {
        flight->app_limited = flight->delivered + MAX(pipe, 1);
        flight->has_limit = true;
    }
}

void rate_sample(struct wh_conn *conn, const struct acknowledged *what, struct cc_ack *ack)
{
    struct flight *flight = conn->flight;
    const struct delivery *delivery = &what->delivery;
    if (flight->has_limit && seq_gt(flight->delivered, flight->app_limited)) {
        flight->has_limit = false;
    }
    if (delivery->bytes == 0) {
        return;
    }
    flight->delivered_time = microseconds(conn->tcp->now);
    if (delivery->then_sent == 0) {
        return;
    }
    const struct snapshot *then = &delivery->then;
    uint32_t sent = microseconds(delivery->then_sent);
    uint32_t sending = sent - then->first_sent;
    uint32_t acknowledging = flight->delivered_time - then->delivered_time;
    flight->first_sent = sent;
    ack->prior_delivered = then->delivered;
    ack->tx_in_flight = then->in_flight;
    ack->lost_since = flight->lost_total - then->lost;
    ack->app_limited = (delivery->then_flags & RANGE_APP_LIMITED) != 0;
    uint32_t interval = MAX(MAX(sending, acknowledging), 1);
    /* 3.3: faster than the shortest round trip is an accident of retransmission. */
    if (conn->min_rtt == UINT32_MAX || interval >= conn->min_rtt) {
        ack->interval = interval;
        ack->delivered = flight->delivered - then->delivered;
        flight->rate_bytes = ack->delivered;
        flight->rate_interval = interval;
        flight->rate_limited = ack->app_limited;
    }
}

uint64_t rate_delivered(const struct wh_conn *conn)
{
    const struct flight *flight = conn->flight;
    if (flight == NULL || flight->rate_interval == 0) {
        return 0;
    }
    return (uint64_t)flight->rate_bytes * (WH_SECOND / WH_MICROSECOND) / flight->rate_interval;
}

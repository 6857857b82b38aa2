/* SPDX-License-Identifier: MIT */
#include "tcp/cc/validation.h"

#include "base/bytes.h"
#include "tcp/cc/cc.h"
#include "tcp/cc/scale.h"
#include "tcp/connection.h"

/* The non-validated period (5): five minutes, ms. */
#define PERIOD 300000
/* The pipeACK sampling period is three round trips, but at least a second (4.2), us. */
#define SAMPLING_PERIOD UINT32_C(1000000)

static uint32_t microseconds(const struct wh_conn *conn)
{
    return (uint32_t)(conn->tcp->now / WH_MICROSECOND);
}

static uint32_t milliseconds(const struct wh_conn *conn)
{
    return (uint32_t)(conn->tcp->now / WH_MILLISECOND);
}

uint32_t validation_pipe_ack(const struct validation *validation)
{
    return MAX(validation->most[0], validation->most[1]);
}

bool validation_valid(const struct validation *validation, const struct wh_conn *conn)
{
    return !validation->known || validation_pipe_ack(validation) >= conn->cwnd / 2;
}

/* 4.4.3: what nobody has used for five minutes is given up by half, and can be had again by slow start. */
static void expire(struct validation *validation, struct wh_conn *conn)
{
    uint32_t now = milliseconds(conn);
    if (validation_valid(validation, conn)) {
        validation->valid_at = now;
        return;
    }
    while (now - validation->valid_at > PERIOD) {
        uint32_t least = cc_initial_window(conn);
        validation->valid_at += PERIOD;
        if (conn->cwnd <= least) {
            validation->valid_at = now;
            return;
        }
        conn->ssthresh = MAX(conn->ssthresh, conn->cwnd - conn->cwnd / 4);
        conn->cwnd = MAX(conn->cwnd / 2, least);
    }
}

/* The older half of the sampling period is over: its samples do not count any more. */
static void advance(struct validation *validation, const struct wh_conn *conn)
{
    uint32_t passed = microseconds(conn) - validation->half_began;
    if (passed < SAMPLING_PERIOD / 2) {
        return;
    }
    uint32_t half = MAX((uint32_t)MIN(UINT64_C(3) * conn->srtt, UINT32_MAX), SAMPLING_PERIOD) / 2;
    if (passed < half) {
        return;
    }
    validation->most[1] = passed / 2 < half ? validation->most[0] : 0;
    validation->most[0] = 0;
    validation->half_began = microseconds(conn);
}

void validation_acked(struct validation *validation, struct wh_conn *conn, uint32_t bytes)
{
    if (!validation->begun) {
        validation->begun = true;
        validation->half_began = microseconds(conn);
        validation->valid_at = milliseconds(conn);
    }
    if (!validation->sampling) {
        validation->sampling = true;
        validation->sample = 0;
        validation->sample_end = conn->snd_nxt;
    }
    validation->sample += MIN(bytes, CWND_MAX - validation->sample);
    if (seq_lt(conn->snd_una, validation->sample_end)) {
        return;
    }
    advance(validation, conn);
    validation->most[0] = MAX(validation->most[0], validation->sample);
    validation->known = true;
    validation->sample = 0;
    validation->sample_end = conn->snd_nxt;
    validation->sampling =
        conn->snd_una != conn->snd_nxt; /* else with the first of what is sent next */
    expire(validation, conn);
}

uint32_t validation_lost(struct validation *validation, const struct wh_conn *conn,
                         uint32_t flight_size)
{
    /* Slow start is a round trip ahead of pipeACK: what fills half of cwnd now is in use as well. */
    if (validation_valid(validation, conn) || flight_size >= conn->cwnd / 2) {
        validation->loss_size = 0;
        return flight_size;
    }
    validation->loss_size = MAX(MAX(validation_pipe_ack(validation), flight_size), 1);
    return validation->loss_size;
}

void validation_recovered(struct validation *validation, struct wh_conn *conn,
                          uint32_t retransmitted)
{
    uint32_t size = validation->loss_size;
    if (size != 0) {
        /* (max(pipeACK, LossFlightSize) - R) / 2, with the algorithm's own factor instead of the half. */
        uint32_t rest = size - MIN(retransmitted, size);
        uint32_t least = 2 * conn_mss(conn);
        conn->ssthresh = MAX((uint32_t)scale(conn->ssthresh, rest, size), least);
        conn->cwnd = MIN(conn->cwnd, conn->ssthresh);
    }
    *validation = (struct validation){ 0 }; /* 4.4.1: pipeACK is unknown again */
}

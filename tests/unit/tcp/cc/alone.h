/* SPDX-License-Identifier: MIT */
/* A connection for congestion control alone: no packets, but acknowledgements made up in virtual time. */
#ifndef WAVEHAND_TESTS_ALONE_H
#define WAVEHAND_TESTS_ALONE_H

#include "../arena.h"

#include "tcp/cc/cc.h"
#include "tcp/connection.h"

struct alone {
    struct tcp tcp;
    struct wh_conn conn;
    struct profile profile;
    const struct cc_algorithm *cc;
};

static inline struct alone *alone_begin(const char *name, uint32_t mss)
{
    struct alone *a = calloc(1, sizeof *a);
    assert_non_null(a);
    a->cc = cc_by_name(name);
    assert_non_null(a->cc);
    assert_string_equal(a->cc->name, name);
    a->profile.congestion = a->cc;
    a->profile.value[WH_OPT_INITIAL_WINDOW] = 10;
    a->tcp.now = 7 * WH_SECOND;
    a->conn.tcp = &a->tcp;
    a->conn.profile = &a->profile;
    a->conn.snd_mss = (uint16_t)mss;
    a->conn.sack = true;
    a->conn.iss = 4294960000;
    a->conn.snd_una = a->conn.snd_nxt = a->conn.snd_max = a->conn.iss + 1;
    a->conn.min_rtt = UINT32_MAX;
    a->conn.ssthresh = UINT32_MAX;
    a->conn.cwnd = cc_initial_window(&a->conn);
    a->conn.flight = calloc(1, sizeof *a->conn.flight);
    assert_non_null(a->conn.flight);
    a->cc->begin(&a->conn);
    return a;
}

static inline void alone_end(struct alone *a)
{
    free(a->conn.flight);
    free(a);
}

/* The flight is taken anew, as after a rest. */
static inline void alone_rest(struct alone *a)
{
    memset(a->conn.flight, 0, sizeof *a->conn.flight);
    a->cc->begin(&a->conn);
}

static inline void alone_rtt(struct alone *a, uint32_t rtt)
{
    a->conn.srtt = rtt;
    a->conn.rttvar = rtt / 2;
    a->conn.min_rtt = MIN(a->conn.min_rtt, rtt);
}

static inline void alone_pass(struct alone *a, uint64_t us) { a->tcp.now += us * WH_MICROSECOND; }

/* An ACK for `bytes` of a window in full use. */
static inline void alone_ack(struct alone *a, uint32_t bytes, bool may_grow)
{
    struct cc_ack ack = {
        .acked = bytes,
        .cumulative = bytes,
        .prior_in_flight = a->conn.cwnd,
        .in_flight = a->conn.cwnd - MIN(bytes, a->conn.cwnd),
        .rtt = a->conn.srtt,
        .may_grow = may_grow,
    };
    a->conn.snd_una += bytes;
    a->conn.snd_nxt = a->conn.snd_una + a->conn.cwnd;
    a->conn.flight->delivered += bytes;
    a->cc->acked(&a->conn, &ack);
}

/* As recovery does it, without the transition. */
static inline void alone_congest(struct alone *a, enum cc_signal signal)
{
    a->cc->congestion(&a->conn, signal, a->conn.cwnd);
    a->conn.cwnd = signal == CC_TIMEOUT ? conn_mss(&a->conn) : a->conn.ssthresh;
}

static inline void assert_near(double value, double expected, double tolerance)
{
    double distance = value > expected ? value - expected : expected - value;
    if (distance > tolerance) {
        print_error("%f is not %f, even within %f\n", value, expected, tolerance);
    }
    assert_true(distance <= tolerance);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * CUBIC (RFC 9438): the window is a cubic function of the time since the last
 * reduction. It rises quickly towards the window where the loss was, W_max, hesitates
 * around it, and then looks further and further beyond. Where a Reno flow would be
 * faster (short round trips), it does as that one would.
 *
 * The RFC counts in segments and seconds; here windows are bytes, times
 * microseconds, and everything is integers.
 */
#include "base/bytes.h"
#include "tcp/cc/cc.h"
#include "tcp/cc/hystart.h"
#include "tcp/cc/scale.h"
#include "tcp/connection.h"

/* beta_cubic (4.6), and what ABE makes of it after a mark (RFC 8511 3.1), in percent. */
#define BETA 70
#define BETA_MARK 85
/* W_max after fast convergence, (1 + beta_cubic) / 2 (4.7), in percent. */
#define CONVERGED 85
/* C is 2/5 of a segment per cubic second (5.1). */
#define C_NUMERATOR 2
#define C_DENOMINATOR 5
/* Beyond this many microseconds from K the curve is outside all windows, whatever the segment size. */
#define FAR_FROM_K UINT32_C(1400000000)

/* The curve that the window follows. */
struct curve {
    uint64_t start;      /* epoch_start, us of the stack's clock */
    uint64_t credit;     /* growth not yet in cwnd: this many bytes divided by cwnd */
    uint64_t est_credit; /* the same of w_est */
    uint32_t w_max;      /* W_max; 0: unknown */
    uint32_t k;          /* us after start when it passes W_max */
    uint32_t w_est;      /* W_est: where Reno would be */
    uint32_t cwnd_prior; /* before the last reduction */
    bool running; /* congestion avoidance has begun; else all but w_max and cwnd_prior is void */
};

struct cubic {
    struct curve curve;
    struct curve saved; /* before the last congestion(), if can_undo */
    uint64_t grown;     /* when cwnd was last allowed to grow, us */
    struct hystart hystart;
    bool paused; /* it was not allowed to grow since: that time does not count */
    bool can_undo;
};

_Static_assert(sizeof(struct cubic) <= CC_STATE, "the state fits the flight");

static struct cubic *state_of(struct wh_conn *conn) { return flight_cc(conn->flight); }

static uint64_t microseconds(const struct wh_conn *conn) { return conn->tcp->now / WH_MICROSECOND; }

/* K: how long the curve takes from cwnd to W_max, in us (4.2, equation 2). */
static uint32_t time_to(uint32_t distance, uint32_t mss)
{
    /* In cubic milliseconds it fits; the digits after the point by a straight line between two cubes. */
    uint64_t cube = (uint64_t)distance * (UINT64_C(1000000000) * C_DENOMINATOR / C_NUMERATOR) / mss;
    uint64_t root = cube_root(cube);
    uint64_t rest = cube - root * root * root;
    return (uint32_t)(root * 1000 + rest * 1000 / (3 * root * (root + 1) + 1));
}

/* W_cubic(t) (4.2, equation 1), at most CWND_MAX. */
static uint32_t w_cubic(const struct curve *curve, uint64_t t, uint32_t mss)
{
    uint64_t distance = t > curve->k ? t - curve->k : curve->k - t;
    uint32_t x = (uint32_t)MIN(distance, FAR_FROM_K);
    uint64_t cube = scale(scale(x, x, 1000000), x, 1000000); /* millionths of cubic seconds */
    uint64_t offset = scale(cube, C_NUMERATOR * mss, C_DENOMINATOR * 1000000);
    if (t < curve->k) {
        return offset < curve->w_max ? curve->w_max - (uint32_t)offset : 0;
    }
    return (uint32_t)MIN(curve->w_max + offset, CWND_MAX);
}

/* Congestion avoidance begins, after a reduction, or where slow start ended without one. */
static void start(struct curve *curve, const struct wh_conn *conn, uint64_t now)
{
    curve->running = true;
    curve->start = now;
    curve->w_est = conn->cwnd;
    curve->credit = 0;
    curve->est_credit = 0;
    if (curve->w_max > conn->cwnd) {
        curve->k = time_to(curve->w_max - conn->cwnd, conn_mss(conn));
    } else { /* 4.8, 4.10: nothing is known of above */
        curve->k = 0;
        curve->w_max = conn->cwnd;
    }
}

/* W_est (4.3, equation 4). */
static void follow_reno(struct curve *curve, const struct wh_conn *conn, uint32_t bytes)
{
    /* alpha_cubic = 3 (1 - beta) / (1 + beta) = 9/17 up to where the loss was, then 1. */
    bool below = curve->w_est < curve->cwnd_prior;
    uint64_t divisor = (uint64_t)MAX(conn->cwnd, conn_mss(conn)) * 17;
    curve->est_credit += (uint64_t)bytes * conn_mss(conn) * (below ? 9 : 17);
    uint64_t step = curve->est_credit / divisor;
    curve->est_credit %= divisor;
    curve->w_est = (uint32_t)MIN(curve->w_est + step, CWND_MAX);
}

static void avoid_congestion(struct wh_conn *conn, struct curve *curve, uint32_t bytes,
                             uint64_t now)
{
    if (!curve->running) {
        start(curve, conn, now);
    }
    uint32_t mss = conn_mss(conn);
    uint64_t t = now > curve->start ? now - curve->start : 0;
    follow_reno(curve, conn, bytes);
    if (w_cubic(curve, t, mss) < curve->w_est) {
        conn->cwnd = MAX(conn->cwnd, curve->w_est); /* 4.3 */
        return;
    }
    /* 4.4, 4.5: to where the curve is in one round trip, but never more than half as much again. */
    uint32_t target = w_cubic(curve, t + conn->srtt, mss);
    target = MIN(MAX(target, conn->cwnd), conn->cwnd + conn->cwnd / 2);
    curve->credit += (uint64_t)(target - conn->cwnd) * bytes;
    uint32_t divisor = MAX(conn->cwnd, mss);
    uint64_t step = curve->credit / divisor;
    curve->credit %= divisor;
    conn->cwnd = (uint32_t)MIN(conn->cwnd + step, CWND_MAX);
}

static void begin(struct wh_conn *conn)
{
    struct cubic *state = state_of(conn);
    /* What a rest has made it forget is in ssthresh: it was set to beta_cubic of the window then. */
    if (conn->ssthresh < CWND_MAX) {
        state->curve.w_max = (uint32_t)MIN((uint64_t)conn->ssthresh * 100 / BETA, CWND_MAX);
        state->curve.cwnd_prior = state->curve.w_max;
    }
}

static void acked(struct wh_conn *conn, const struct cc_ack *ack)
{
    struct cubic *state = state_of(conn);
    uint64_t now = microseconds(conn);
    if (!ack->may_grow) {
        state->paused = true;
        return;
    }
    if (state->paused && state->curve.running) {
        state->curve.start += now - state->grown; /* 4.2: such a period is not part of t */
    }
    state->paused = false;
    state->grown = now;
    uint32_t bytes = ack->acked;
    if (conn->cwnd < conn->ssthresh) {
        bytes = cc_slow_start(conn, hystart_acked(&state->hystart, conn, ack));
    }
    if (bytes > 0) {
        avoid_congestion(conn, &state->curve, bytes, now);
    }
}

static void congestion(struct wh_conn *conn, enum cc_signal signal, uint32_t in_flight)
{
    struct cubic *state = state_of(conn);
    struct curve *curve = &state->curve;
    state->saved = *curve;
    state->can_undo = true;
    curve->running = false;
    curve->cwnd_prior = conn->cwnd;
    if (signal == CC_TIMEOUT) {
        curve->w_max = 0; /* 4.8: the next curve begins at its flat part */
    } else if (conn->cwnd < curve->w_max) {
        curve->w_max = (uint32_t)((uint64_t)conn->cwnd * CONVERGED / 100);
    } else {
        curve->w_max = conn->cwnd;
    }
    /* 4.6: of what was in flight, not of a window that was not in use. */
    uint64_t window = MIN(in_flight, conn->cwnd);
    uint64_t percent = signal == CC_MARK ? BETA_MARK : BETA;
    conn->ssthresh = MAX((uint32_t)(window * percent / 100), 2 * conn_mss(conn));
}

static void undo(struct wh_conn *conn)
{
    struct cubic *state = state_of(conn);
    if (state->can_undo) { /* 4.9 */
        state->curve = state->saved;
        state->can_undo = false;
    }
}

static void resume(struct wh_conn *conn) { state_of(conn)->paused = true; }

const struct cc_algorithm cc_cubic = {
    .name = "cubic",
    .begin = begin,
    .acked = acked,
    .congestion = congestion,
    .undo = undo,
    .resume = resume,
};

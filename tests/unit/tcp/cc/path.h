/* SPDX-License-Identifier: MIT */
/*
 * A bottleneck in virtual time, with a paced sender in front of it that always has data
 * (or as much as `app_rate` lets it), and delivery rate samples as draft-ietf-ccwg-bbr 4.1 makes
 * them. What is lost is told when the third packet after it is acknowledged.
 */
#ifndef WAVEHAND_TESTS_PATH_H
#define WAVEHAND_TESTS_PATH_H

#include "alone.h"

#define PATH_MSS 1000
#define PATH_PACKETS (1 << 16)

struct packet {
    uint64_t sent, arrives; /* us; of its acknowledgement */
    uint64_t first_sent, delivered_at;
    uint32_t delivered, tx_in_flight, lost;
    bool app_limited, dropped;
};

struct path {
    struct alone *a;
    double rate;        /* bytes a us */
    uint32_t rtt;       /* us, without a queue */
    uint32_t buffer;    /* bytes */
    unsigned loss;      /* of 1000 */
    uint32_t gather;    /* us: acknowledgements arrive at multiples of it alone; 0: each at once */
    uint64_t app_bytes; /* the application has this much more to send */
    double app_rate;    /* bytes a us that it adds; 0: always enough */
    /* the sender */
    struct packet packet[PATH_PACKETS];
    uint32_t head, tail; /* of what is in flight */
    uint64_t now, next_send, first_sent, delivered_at;
    double free_at, app;
    uint32_t in_flight, lost, app_limited; /* delivered until which samples are limited; 0: not */
    uint32_t recovery_end;
    uint64_t dice;
    /* what was seen */
    uint64_t delivered, dropped, sent;
    uint32_t most_in_flight, least_in_flight;
};

static inline struct path *path_begin(const char *name, double mbit, uint32_t rtt, double bdps)
{
    struct path *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->a = alone_begin(name, PATH_MSS);
    p->rate = mbit / 8;
    p->rtt = rtt;
    p->buffer = (uint32_t)(p->rate * rtt * bdps);
    p->now = p->a->tcp.now / WH_MICROSECOND;
    p->dice = 17;
    p->least_in_flight = UINT32_MAX;
    return p;
}

static inline void path_end(struct path *p)
{
    alone_end(p->a);
    free(p);
}

static inline double path_bdp(const struct path *p) { return p->rate * p->rtt; }

static inline void path_set_now(struct path *p, uint64_t now)
{
    p->now = now;
    p->a->tcp.now = now * WH_MICROSECOND;
}

static inline void path_send(struct path *p)
{
    struct wh_conn *conn = &p->a->conn;
    struct packet *packet = &p->packet[p->tail++ % PATH_PACKETS];
    assert_true(p->tail - p->head < PATH_PACKETS);
    if (p->in_flight == 0) {
        if (p->sent > 0 && p->app_rate > 0) {
            p->a->cc->resume(conn);
        }
        p->first_sent = p->delivered_at = p->now;
    }
    p->sent += PATH_MSS;
    p->in_flight += PATH_MSS;
    p->app -= p->app_rate > 0 ? PATH_MSS : 0;
    conn->snd_nxt += PATH_MSS;
    *packet = (struct packet){ .sent = p->now,
                               .first_sent = p->first_sent,
                               .delivered_at = p->delivered_at,
                               .delivered = conn->flight->delivered,
                               .tx_in_flight = p->in_flight,
                               .lost = p->lost,
                               .app_limited = p->app_limited != 0 };
    double queue = p->free_at > (double)p->now ? (p->free_at - (double)p->now) * p->rate : 0;
    if (queue + PATH_MSS > p->buffer || any_below(&p->dice, 1000) < p->loss) {
        packet->dropped = true;
        p->dropped += PATH_MSS;
    } else {
        p->free_at = MAX(p->free_at, (double)p->now) + PATH_MSS / p->rate;
    }
    packet->arrives = (uint64_t)MAX(p->free_at, (double)p->now) + p->rtt;
    if (p->gather != 0) {
        packet->arrives += p->gather - packet->arrives % p->gather;
    }
    uint64_t rate = p->a->cc->pacing_rate(conn);
    p->next_send = p->now + (rate == 0 ? 0 : PATH_MSS * 1000000ull / rate);
    p->most_in_flight = MAX(p->most_in_flight, p->in_flight);
}

static inline void path_lose(struct path *p, const struct packet *packet)
{
    p->in_flight -= PATH_MSS;
    p->lost += PATH_MSS;
    struct cc_loss loss = { .bytes = PATH_MSS,
                            .tx_in_flight = packet->tx_in_flight,
                            .lost_since = p->lost - packet->lost,
                            .app_limited = packet->app_limited };
    p->a->cc->lost(&p->a->conn, &loss);
}

/* The oldest packet's acknowledgement arrives, and tells of those before it that were dropped. */
static inline void path_ack(struct path *p, uint32_t number)
{
    struct wh_conn *conn = &p->a->conn;
    const struct packet *packet = &p->packet[number % PATH_PACKETS];
    uint32_t prior = p->in_flight, lost_before = p->lost;
    conn->flight->delivered += PATH_MSS;
    conn->snd_una += PATH_MSS;
    p->delivered += PATH_MSS;
    p->in_flight -= PATH_MSS;
    p->delivered_at = p->now;
    p->first_sent = packet->sent;
    if (p->app_limited != 0 && conn->flight->delivered > p->app_limited) {
        p->app_limited = 0;
    }
    uint32_t rtt = (uint32_t)(p->now - packet->sent);
    alone_rtt(p->a, conn->srtt == 0 ? rtt : (conn->srtt * 7 + rtt) / 8);
    for (; p->head != number; p->head++) {
        path_lose(p, &p->packet[p->head % PATH_PACKETS]);
    }
    p->head++;
    if (p->lost != lost_before && conn->recovery == RECOVERY_NONE) {
        p->a->cc->congestion(conn, CC_LOSS, p->in_flight);
        conn->recovery = RECOVERY_FAST;
        p->recovery_end = p->tail;
    } else if (conn->recovery == RECOVERY_FAST && (int32_t)(number - p->recovery_end) >= 0) {
        conn->recovery = RECOVERY_NONE;
        p->a->cc->recovered(conn);
    }
    uint64_t interval = MAX(packet->sent - packet->first_sent, p->now - packet->delivered_at);
    struct cc_ack ack = { .acked = PATH_MSS,
                          .cumulative = PATH_MSS,
                          .lost = p->lost - lost_before,
                          .prior_in_flight = prior,
                          .in_flight = p->in_flight,
                          .rtt = rtt,
                          .may_grow = true,
                          .delivered = conn->flight->delivered - packet->delivered,
                          .interval = (uint32_t)MAX(interval, 1),
                          .prior_delivered = packet->delivered,
                          .tx_in_flight = packet->tx_in_flight,
                          .lost_since = p->lost - packet->lost,
                          .app_limited = packet->app_limited };
    p->a->cc->acked(conn, &ack);
    p->least_in_flight = MIN(p->least_in_flight, p->in_flight);
}

/* The next packet whose acknowledgement will arrive, or tail. */
static inline uint32_t path_next(struct path *p)
{
    uint32_t number = p->head;
    while (number != p->tail && p->packet[number % PATH_PACKETS].dropped) {
        number++;
    }
    return number;
}

/* Until so many us have passed. Forgets what was seen before. */
static inline void path_run(struct path *p, uint64_t us)
{
    uint64_t end = p->now + us;
    p->delivered = p->dropped = p->sent = 0;
    p->most_in_flight = 0;
    p->least_in_flight = UINT32_MAX;
    while (p->now < end) {
        uint32_t number = path_next(p);
        uint64_t ack_at = number == p->tail ? UINT64_MAX : p->packet[number % PATH_PACKETS].arrives;
        if (number == p->tail && p->head != p->tail) { /* all of the rest is gone: a timeout */
            for (; p->head != p->tail; p->head++) {
                path_lose(p, &p->packet[p->head % PATH_PACKETS]);
            }
            continue;
        }
        uint64_t send_at = UINT64_MAX;
        if (p->in_flight + PATH_MSS <= p->a->conn.cwnd) {
            send_at = MAX(p->next_send, p->now);
            if (p->app_rate > 0 && p->app < PATH_MSS) {
                p->app_limited = p->a->conn.flight->delivered + p->in_flight;
                send_at = MAX(send_at, p->now + 1 + (uint64_t)((PATH_MSS - p->app) / p->app_rate));
            }
        }
        uint64_t next = MIN(MIN(ack_at, send_at), end);
        p->app = MIN(p->app + (double)(next - p->now) * p->app_rate, 1e6);
        path_set_now(p, next);
        if (next == ack_at) {
            path_ack(p, number);
        } else if (next == send_at) {
            path_send(p);
        }
    }
}

/* What was delivered, as a part of what the path could. */
static inline double path_use(const struct path *p, uint64_t us)
{
    return (double)p->delivered / (p->rate * (double)us);
}

#endif

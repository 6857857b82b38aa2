/* SPDX-License-Identifier: MIT */
/* A connection that has only a sending side: what recovery's files are driven with, as functions. */
#ifndef WAVEHAND_TESTS_SENDER_H
#define WAVEHAND_TESTS_SENDER_H

#include "arena.h"

#include "tcp/protocol.h"
#include "tcp/recovery.h"

#define MSS 1000

struct sender {
    struct arena arena;
    struct tcp tcp;
    struct wh_conn conn;
};

static inline struct sender *sender_begin(uint32_t iss)
{
    struct sender *s = calloc(1, sizeof *s);
    struct tuple tuple = { .local_port = 1 };
    tuple.remote = tuple.local = wh_ipv4(10, 0, 0, 1);
    arena_begin(&s->arena, (size_t)1 << 24);
    s->tcp.memory = s->arena.memory;
    s->tcp.mtu = 1500;
    s->tcp.now = 77 * WH_SECOND;
    list_init(&s->tcp.ready);
    list_init(&s->tcp.eventful);
    wheel_init(&s->tcp.wheel, s->tcp.now);
    chunk_store_init(&s->tcp.chunks, &s->tcp.memory);
    s->tcp.defaults = profile_new(&s->tcp.memory);
    conn_init(&s->conn, &s->tcp, &tuple, s->tcp.defaults);
    s->conn.record.state = WH_ESTABLISHED;
    s->conn.sack = true;
    s->conn.snd_mss = MSS;
    s->conn.iss = iss;
    s->conn.snd_una = s->conn.snd_nxt = s->conn.snd_end = iss + 1;
    s->conn.cwnd = 10 * MSS;
    s->conn.ssthresh = UINT32_MAX;
    s->conn.min_rtt = UINT32_MAX;
    assert_true(flight_begin(&s->conn.flight, &s->tcp.chunks));
    s->conn.profile->congestion->begin(&s->conn);
    return s;
}

static inline void sender_end(struct sender *s)
{
    conn_release(&s->conn);
    profile_drop(&s->tcp.memory, s->tcp.defaults);
    chunk_store_trim(&s->tcp.chunks);
    assert_int_equal(s->arena.bytes, 0);
    free(s);
}

static inline void sender_pass(struct sender *s, wh_time time) { s->tcp.now += time; }

/* `n` segments leave now. */
static inline void sender_send(struct sender *s, uint32_t n)
{
    struct wh_conn *conn = &s->conn;
    struct snapshot then = rate_sending(conn, n * MSS);
    assert_true(flight_send(&conn->flight, &s->tcp.chunks, conn->snd_nxt, conn->snd_nxt + n * MSS,
                            s->tcp.now, &then));
    conn->snd_nxt += n * MSS;
    conn->snd_end = conn->snd_max = conn->snd_nxt;
}

/* The peer tells by SACK of the segments [from, to), counted from SND.UNA. */
static inline struct acknowledged sender_sacked(struct sender *s, uint32_t from, uint32_t to)
{
    struct wh_conn *conn = &s->conn;
    struct acknowledged what = { .in_flight = conn_pipe(conn), .delivery.trusted_to = s->tcp.now };
    what.sacked = flight_sack(&conn->flight, &s->tcp.chunks, conn->snd_una + from * MSS,
                              conn->snd_una + to * MSS, &what.delivery);
    what.duplicate = true;
    return what;
}

/* ... acknowledges so many. */
static inline struct acknowledged sender_acked(struct sender *s, uint32_t n)
{
    struct wh_conn *conn = &s->conn;
    struct acknowledged what = { .in_flight = conn_pipe(conn), .delivery.trusted_to = s->tcp.now };
    conn->snd_una += n * MSS;
    flight_acknowledge(conn->flight, conn->snd_una, &what.delivery);
    what.acked = n * MSS;
    what.forward = true;
    return what;
}

/* The first range that is lost leaves again. */
static inline void sender_again(struct sender *s)
{
    struct wh_conn *conn = &s->conn;
    struct range *range = flight_first(conn->flight, &conn->flight->losses);
    assert_non_null(range);
    struct snapshot then = rate_sending(conn, range->end - range->start);
    flight_mark_sent_again(conn->flight, range, s->tcp.now, &then);
}

#endif

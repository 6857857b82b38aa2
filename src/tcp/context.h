/* SPDX-License-Identifier: MIT */
/*
 * What all connections of one stack share: memory, time, timers, keys, counters,
 * the trace, and the lists of who has something to say. The stack owns it; the
 * protocol functions get it through the connection.
 */
#ifndef WAVEHAND_TCP_CONTEXT_H
#define WAVEHAND_TCP_CONTEXT_H

#include "base/checksum.h"
#include "base/chunk.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/siphash.h"
#include "base/wheel.h"
#include "tcp/emit.h"
#include "tcp/profile.h"
#include "tcp/reply.h"
#include "tcp/trace.h"

struct fast_open_peer;
struct wh_conn;

/* From wh_reserve to wh_commit, between which no other call names the stack: so there is one. */
struct reservation {
    const struct wh_conn *conn; /* whose it is */
    struct chunk *chunk;
};

struct tcp {
    struct memory memory;
    struct chunk_store chunks;
    struct wheel wheel;
    const struct checksum *checksum;
    wh_time now;       /* of the call in progress, or of the last one */
    uint32_t mtu;      /* bytes of an IP packet */
    uint32_t features; /* WH_TX_... */
    struct profile *defaults;

    struct siphash_key isn_key;             /* RFC 6528 */
    struct siphash_key timestamp_key;       /* offset of the timestamp clock, per tuple */
    struct siphash_key port_key;            /* RFC 6056 */
    struct siphash_key cookie_key;          /* SYN cookies */
    struct siphash_key fast_open_key[2];    /* Fast Open cookies: this one, and the one before it */
    struct fast_open_peer *fast_open_peers; /* FAST_OPEN_PEERS, once somebody has asked for it */
    bool iss_forced;                        /* wh_next_iss */
    uint32_t iss_next;

    struct list ready;    /* connections that have something to send */
    struct list eventful; /* connections, listeners ... that wh_events should look at */
    struct reply_queue replies;
    struct slot_store slots;
    struct reservation reservation;

    struct trace trace;
    uint64_t count[WH_REASON_COUNT];
    uint64_t taken[WH_STATE_COUNT][WH_ARC_EVENT_COUNT]; /* arcs, by step() */
    uint64_t strays;                                    /* steps without an arc: never */
    uint64_t segments_in, segments_out;
    uint64_t frames_in, frames_out;

    /* What the segment in progress did, for its trace record. */
    wh_reason reason;
    wh_arc_event arc; /* the last arc taken, and where it led */
    wh_state after;
    bool in_segment;

    bool unpredicted; /* every segment goes the long way: for tests, which compare (predicted.c) */
};

/* Counts a reason and notes it as that of the segment in progress. */
static inline void because(struct tcp *tcp, wh_reason reason)
{
    tcp->count[reason]++;
    tcp->reason = reason;
}

/* The initial sequence number for this connection now (RFC 9293 3.4.1, RFC 6528). */
uint32_t tcp_choose_iss(struct tcp *tcp, const struct tuple *tuple);
/* ... and its part that does not change with time, F of RFC 6528. */
uint32_t tcp_iss_offset(const struct tcp *tcp, const struct tuple *tuple);
/* The timestamp clock, 1 ms a tick, with an offset of the tuple's own (RFC 7323 5.4). */
uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct tuple *tuple);
static inline uint32_t tcp_timestamp(const struct tcp *tcp, uint32_t offset)
{
    return (uint32_t)(tcp->now / WH_MILLISECOND) + offset;
}
/* Compact records keep time in 32-bit milliseconds: now, and `delay` from now, rounded up, never early. */
static inline uint32_t tcp_milliseconds(const struct tcp *tcp)
{
    return (uint32_t)(tcp->now / WH_MILLISECOND);
}
static inline uint32_t tcp_milliseconds_after(const struct tcp *tcp, wh_time delay)
{
    return (uint32_t)((tcp->now + delay + WH_MILLISECOND - 1) / WH_MILLISECOND);
}
/* The segment size the link allows to this family, before options (RFC 9293 3.7.1). */
uint32_t tcp_link_mss(const struct tcp *tcp, const wh_addr *remote);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The insides of the traffic record. Each direction keeps what it has sent and not
 * yet seen acknowledged as ranges in order of their numbers; between two ranges is
 * a hole: bytes that were never captured.
 */
#ifndef WAVEHAND_EXPLAIN_TRAFFIC_PARTS_H
#define WAVEHAND_EXPLAIN_TRAFFIC_PARTS_H

#include "explain/traffic.h"

/* Ranges at most; neighbours become one when there are more. */
#define RANGES_MOST 256
#define COPIES_KNOWN 4
#define SAMPLES 15

struct range {
    uint32_t seq, end;
    wh_time first, sent; /* for the first and the last time */
    uint32_t tsval;      /* of the last time */
    uint16_t ip_id;      /* of the first time */
    uint8_t times;       /* sent, up to 255 */
    uint8_t kind;        /* enum mark, of the last time it was sent again */
    bool sacked;
};

/* One direction: what this end sends, and what is known of its going. */
struct way {
    struct range *range;
    unsigned ranges, room;
    bool known;          /* nxt, una hold */
    bool una_seen;       /* una is an acknowledgement that was seen */
    uint32_t nxt, una;   /* highest number sent, plus one; highest acknowledged */
    uint32_t sacked_to;  /* right edge of the highest SACK block above una */
    unsigned duplicates; /* duplicate ACKs since una moved */
    wh_time last_sent;   /* any segment of this end */
    wh_time srtt, rttvar;
    bool ts_known;
    uint32_t ts; /* newest TSval of this end */
    /* what this end offers */
    int64_t window; /* bytes; -1: not known */
    uint32_t last_ack;
    uint16_t last_window;
    uint8_t scale;
    bool scale_offered, syn_seen, acks;
    wh_time closed_since;
    unsigned probes; /* keep-alives since the other end said anything */
    uint64_t copy[COPIES_KNOWN];
    unsigned copies_next;
    uint32_t sample[SAMPLES]; /* round trips in microseconds, the newest */
    unsigned samples;
    /* where the time went since the first data */
    wh_time last_event, idle_time, window_time, network_time;
    struct traffic_sums sums;
    struct traffic_point *point;
    unsigned points, stride, skipped;
};

struct traffic {
    struct way way[2];
    enum vantage vantage;
    unsigned points_most;
    size_t size;
};

/* ---- traffic_ranges.c ---- */

/* The first range that ends after seq; way->ranges if there is none. */
unsigned ranges_find(const struct way *way, uint32_t seq);
/* Remembers newly seen bytes. False when there is no memory: they count as acknowledged. */
bool ranges_add(struct traffic *traffic, struct way *way, const struct range *range);
/* Drops all below `ack`. */
void ranges_acknowledge(struct way *way, uint32_t ack);

/* ---- traffic_sent.c: what a segment with data, SYN or FIN is ---- */
enum mark sent_text(struct traffic *traffic, unsigned from, const struct seen *seen);

/* ---- traffic_acks.c: what an acknowledgement tells ---- */
enum mark sent_ack(struct traffic *traffic, unsigned from, const struct seen *seen);

/* The time a sender waits before it repeats, as far as it can be told from here (RFC 6298). */
wh_time way_rto(const struct way *way);

#endif

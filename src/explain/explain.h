/* SPDX-License-Identifier: MIT */
/*
 * From packets to verdicts. Frames go in, in the order of time; for each
 * connection that is over, or that the capture leaves, one explanation comes out.
 */
#ifndef WAVEHAND_EXPLAIN_EXPLAIN_H
#define WAVEHAND_EXPLAIN_EXPLAIN_H

#include "explain/traffic.h"
#include "explain/verdict.h"

enum line_kind {
    LINE_SEGMENT,
    LINE_FOLD,     /* data and its acknowledgements, folded */
    LINE_ICMP,     /* an ICMP error about this connection */
    LINE_LEFT_OUT, /* lines that a bound on memory left out: `folded` */
};

/* What became of a segment. */
enum line_fate {
    FATE_UNKNOWN, /* it was seen to leave or on its way */
    FATE_ARRIVED,
    FATE_LOST,
    FATE_REFUSED, /* arrived, and its receiver dropped it */
};

/* One line of a connection's ladder. */
struct line {
    uint8_t kind;       /* enum line_kind */
    uint8_t from;       /* 0: end[0], 1: end[1] */
    uint8_t fate;       /* enum line_fate */
    uint8_t mark;       /* enum mark */
    uint8_t arc[2];     /* wh_arc_event that it took an end through for certain, or WH_ON_NOTHING */
    uint16_t states[2]; /* sets (tcp/observer.h) of each end's possible states afterwards */
    uint32_t point;     /* file it was seen in */
    uint64_t number;    /* packet; of a fold: the first one */
    uint64_t last;      /* of a fold: the last one */
    wh_time when,
        until; /* the same for a segment; until: of a fold, or when it arrived elsewhere */
    uint16_t flags, window;
    uint32_t seq, ack,
        length; /* as in the header; numbers relative to explanation.first[] are for drawing */
    uint8_t hops;
    uint16_t ip_id;
    struct {
        uint8_t has, window_scale, sacks;
        uint16_t mss;
        uint32_t tsval, tsecr;
        struct sack_block sack; /* the first */
    } options;
    struct {
        uint64_t bytes[2];
        uint32_t segments[2];
        uint32_t acks, repeated, out_of_order, duplicate_acks;
    } fold;            /* LINE_FOLD */
    uint64_t left_out; /* LINE_LEFT_OUT: so many packets */
    uint8_t icmp_kind; /* enum icmp_kind */
    uint32_t icmp_mtu;
};

struct metrics {
    wh_time
        handshake_rtt; /* from SYN to the ACK of the SYN,ACK, repeats not counted; 0: not known */
    wh_time open_time; /* from the first SYN to the handshake's end; 0: not known */
    wh_time
        first_byte_time; /* from the handshake's end to the server's first byte of data; 0: none */
    uint64_t bits_per_second[2]; /* fresh bytes over the time from first to last data */
    enum vantage vantage;
    struct traffic_sums sums[2];
};

/* What is known of a connection in the end. Everything belongs to the explainer. */
struct explanation {
    uint64_t number; /* from 1, in order of the first packet */
    wh_endpoint
        end[2]; /* client, server; if the opening was not seen, the lower port is the server's */
    bool opening_seen; /* so the roles are known */
    uint32_t first[2]; /* the number of each end's SYN, or of its first byte minus 1 */
    bool first_known[2];
    wh_time began, over; /* first and last packet, nanoseconds since 1970 */
    uint64_t packets;
    uint32_t points;    /* files it was seen in, as a bit set */
    uint16_t states[2]; /* sets of possible states at the end */
    struct verdict verdict;
    struct metrics metrics;
    size_t line_count;
    const struct line *line;
    size_t point_count[2];
    const struct traffic_point *plot[2];
};

struct explain_options {
    bool check_sums;      /* verify checksums; default true */
    size_t memory;        /* bytes for connections at most; default 1 GiB */
    unsigned lines;       /* of a ladder at most; default 200. 0: none are kept */
    unsigned plot_points; /* each way at most; default 0 */
    wh_time patience;     /* how long a connection that is over is remembered; default 240 s */
    unsigned points;      /* files that are read together, 1 to 32; default 1 */
    /* One connection is over, or the capture is. */
    void (*done)(void *context, const struct explanation *explanation);
    /* --follow: a line was added to a connection's ladder; may be NULL. */
    void (*line)(void *context, const struct explanation *so_far, const struct line *line);
    void *context;
};

/* Counted, not explained. */
struct explain_counts {
    uint64_t packets, segments, icmp, other, pieces, odd;
    uint64_t odd_by_reason[WH_REASON_COUNT];
    uint64_t copies;      /* the same packet seen on several interfaces or in several files */
    uint64_t clock_jumps; /* times that time went backwards or leapt by more than a day */
    uint64_t evicted;     /* connections explained early because of the memory limit */
    uint64_t connections, open, open_most;
    size_t memory, memory_most;
    wh_time first, last;
};

struct explain;

void explain_options_init(struct explain_options *options);
/* NULL when there is no memory. */
struct explain *explain_new(const struct explain_options *options);
/* The next frame, seen at this point. */
void explain_frame(struct explain *explain, uint32_t point, const struct captured *captured);
/* So many packets were lost by the capture of this point up to now. */
void explain_lost(struct explain *explain, uint32_t point, uint64_t packets);
/* Nothing was captured up to now; lets idle connections go that are over (live captures). */
void explain_idle(struct explain *explain, wh_time now);
/* The capture is over: explains what is still open. */
void explain_finish(struct explain *explain);
const struct explain_counts *explain_counts(const struct explain *explain);
void explain_free(struct explain *explain);

#endif

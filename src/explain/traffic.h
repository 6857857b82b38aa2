/* SPDX-License-Identifier: MIT */
/*
 * What the data of a connection did: which segments were sent again and why, what
 * arrived out of order, what windows allowed, how fast it went and what held it
 * back. One record for both directions, fed with segments in the order of capture.
 */
#ifndef WAVEHAND_EXPLAIN_TRAFFIC_H
#define WAVEHAND_EXPLAIN_TRAFFIC_H

#include "explain/packet.h"

/* X(identifier, name, in words for a margin): what a segment was, beyond its flags. */
#define MARKS(X)                                                                                   \
    X(NONE, "", "")                                                                                \
    X(SYN_AGAIN, "syn-again", "SYN sent again")                                                    \
    X(SYN_ACK_AGAIN, "syn-ack-again", "SYN,ACK sent again")                                        \
    X(FIN_AGAIN, "fin-again", "FIN sent again")                                                    \
    X(FAST_RETRANSMIT, "fast-retransmit", "sent again after duplicate ACKs or SACK")               \
    X(TIMEOUT, "timeout", "sent again after a retransmission timeout")                             \
    X(TAIL_PROBE, "tail-probe", "sent again to probe for a lost tail")                             \
    X(SPURIOUS, "spurious", "sent again although it had arrived")                                  \
    X(RETRANSMISSION, "retransmission", "sent again")                                              \
    X(COPY, "copy", "a copy of a packet that was seen before")                                     \
    X(REORDERED, "reordered", "overtaken on the way")                                              \
    X(GAP, "gap", "bytes before it were not captured")                                             \
    X(UNSEEN_ACKED, "unseen-acked", "acknowledges bytes that were not captured")                   \
    X(DUPLICATE_ACK, "duplicate-ack", "duplicate ACK")                                             \
    X(DSACK, "d-sack", "tells of bytes that came twice")                                           \
    X(WINDOW_UPDATE, "window-update", "window update")                                             \
    X(WINDOW_CLOSED, "window-closed", "window closed")                                             \
    X(WINDOW_PROBE, "window-probe", "window probe")                                                \
    X(KEEP_ALIVE, "keep-alive", "keep-alive probe")                                                \
    X(KEEP_ALIVE_ACK, "keep-alive-ack", "answers a keep-alive probe")                              \
    X(OLD_TIMESTAMP, "old-timestamp", "its timestamp is older than the last")                      \
    X(OUT_OF_WINDOW, "out-of-window", "outside the receiver's window")                             \
    X(DAMAGED, "damaged", "checksum wrong")

#define MARK_ENUM(id, name, words) MARK_##id,
enum mark { MARKS(MARK_ENUM) MARK_COUNT };
#undef MARK_ENUM

const char *mark_name(enum mark mark);
const char *mark_words(enum mark mark);

/* Where the capture was taken, as far as one knows. */
enum vantage { VANTAGE_UNKNOWN, VANTAGE_CLIENT, VANTAGE_SERVER, VANTAGE_MIDDLE, VANTAGE_BOTH };

/* What held a direction's sender back most of the time that data was sent. */
enum limit { LIMIT_UNKNOWN, LIMIT_SENDER, LIMIT_RECEIVER, LIMIT_NETWORK };

/* Sums of one direction: of the data that this end sent. */
struct traffic_sums {
    uint64_t segments, bytes; /* all seen, repeated ones included */
    uint64_t fresh_bytes;     /* of the stream, each counted once */
    uint64_t acked_bytes;     /* acknowledged by the other end */
    uint32_t data_segments, pure_acks;
    uint32_t retransmissions; /* of every kind: the next five and those of unknown kind */
    uint32_t fast, timeouts, tail_probes, spurious, syn_fin_again;
    uint32_t copies, reordered, duplicate_acks, gaps, damaged;
    uint32_t zero_windows;       /* times that this end closed its window */
    wh_time zero_window_time;    /* ... how long all together, of these ... */
    wh_time zero_window_longest; /* ... and the longest one */
    wh_time longest_silence; /* between two segments of this end, not counting before and after */
    uint32_t largest;        /* bytes of data in one segment */
    uint32_t super_segments; /* larger than any MSS told: offloading */
    wh_time first_data, last_data; /* times; 0: none */
    wh_time rtt_least,
        rtt_median; /* from data to its ACK, as far as measurable from here; 0: not */
    enum limit limit;
    uint16_t limited_percent; /* of the time that data was outstanding or the stream went on */
};

/* A point of a sequence/time plot. */
struct traffic_point {
    wh_time when;
    uint32_t seq; /* relative to the first number of its direction */
    uint32_t length;
    uint8_t mark;
};

struct traffic;

/*
 * A record for a connection; NULL when there is no memory. It begins small and grows
 * with what is outstanding, up to a bound; points: how many are kept each way at
 * most (they thin out evenly), 0 for none.
 */
struct traffic *traffic_new(unsigned points);
void traffic_free(struct traffic *traffic);
/* Bytes of memory it holds now. */
size_t traffic_size(const struct traffic *traffic);
/* Where the capture was taken, once that is known; it decides what "sent" and "arrived" mean. */
void traffic_place(struct traffic *traffic, enum vantage vantage);

/*
 * The next segment; from: 0 the client's, 1 the server's. Only what is not a copy seen
 * at another point comes here. Answers its mark, the one that explains most.
 */
enum mark traffic_take(struct traffic *traffic, unsigned from, const struct seen *seen);
/* How many bytes sent by this end are, as far as seen, not yet acknowledged. */
uint32_t traffic_outstanding(const struct traffic *traffic, unsigned from);
/* The window that this end offered last, in bytes, scaled; -1: not known. */
int64_t traffic_window(const struct traffic *traffic, unsigned from);
/* Since when it is closed, or 0 if it is not. */
wh_time traffic_closed_since(const struct traffic *traffic, unsigned from);
/* How many times in a row the oldest unacknowledged segment was sent again, and when first sent. */
unsigned traffic_repeats(const struct traffic *traffic, unsigned from, wh_time *first);
/* Keep-alive probes in a row that nothing answered. */
unsigned traffic_probes(const struct traffic *traffic, unsigned from);
/* Sums up to `now`, to *sums. */
void traffic_sum(const struct traffic *traffic, unsigned from, wh_time now,
                 struct traffic_sums *sums);
/* The points of one direction; valid until the next traffic_take. */
const struct traffic_point *traffic_points(const struct traffic *traffic, unsigned from, size_t *n);

#endif

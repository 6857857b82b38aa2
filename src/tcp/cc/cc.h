/* SPDX-License-Identifier: MIT */
/*
 * Congestion control: how much may be in flight, and how fast it may leave. One file
 * an algorithm; recovery (what is lost, what to send again, how cwnd comes down
 * without a burst) is elsewhere and the same for all.
 *
 * An algorithm of the classical kind moves cwnd on acknowledgements that let it grow and
 * answers a congestion signal with a new ssthresh; recovery does the rest (proportional
 * rate reduction, one segment after a timeout, undoing what was spurious). One that
 * works from a model of the path sets cwnd and the pacing rate by itself at every
 * acknowledgement.
 *
 * Its own variables lie in the flight, hence exist while the connection is busy: they
 * are zeroed when it begins to send after a rest (begin). What outlives a rest
 * is cwnd, ssthresh and the round-trip times in the connection.
 */
#ifndef WAVEHAND_TCP_CC_CC_H
#define WAVEHAND_TCP_CC_CC_H

#include <stdbool.h>
#include <stdint.h>

struct wh_conn;

/* What one acknowledgement tells. Bytes, and microseconds. */
struct cc_ack {
    uint32_t acked;           /* newly delivered: acknowledged or SACKed, each byte once */
    uint32_t cumulative;      /* ... of it, by which SND.UNA moved */
    uint32_t lost;            /* newly found lost */
    uint32_t marked;          /* of acked, how much the path marked (ECN); 0 where nobody counts */
    uint32_t prior_in_flight; /* pipe before it arrived */
    uint32_t in_flight;       /* pipe now */
    uint32_t rtt;             /* of this acknowledgement, us; 0: no sample */
    bool may_grow;            /* not in fast recovery, and the window was in use (RFC 7661 4.3) */

    /* The rate sample of the newest segment it delivers (draft-ietf-ccwg-bbr 4.1.1). */
    uint32_t delivered;       /* over the interval; 0: no sample */
    uint32_t interval;        /* us, at least 1 with a sample */
    uint32_t prior_delivered; /* flight->delivered when that segment left */
    uint32_t tx_in_flight;    /* in flight when it had left, itself included */
    uint32_t lost_since;      /* lost from then until now */
    bool app_limited;         /* there was not enough to send: the rate says less than the path */
};

/* A range found lost. */
struct cc_loss {
    uint32_t bytes;
    uint32_t tx_in_flight; /* as above, of that range */
    uint32_t lost_since;   /* as above, itself included */
    bool app_limited;
};

enum cc_signal {
    CC_LOSS,    /* recovery begins */
    CC_MARK,    /* the peer tells of an ECN mark; at most once a window of data */
    CC_TIMEOUT, /* the retransmission timer fired, not as a repetition */
};

/* Every member may be NULL, except name, begin, acked and congestion. */
struct cc_algorithm {
    const char *name;
    /* It sets cwnd at every ACK and at a timeout by itself: recovery leaves cwnd alone. */
    bool model;
    /* Classical ECN is echoed as RFC 8257 3.2 says: each change of the marks at once. */
    bool exact_marks;
    /* The state is zeroed: the connection begins to send, or has been given this algorithm. */
    void (*begin)(struct wh_conn *conn);
    /* An acknowledgement that delivered, lost or marked something, in recovery or not. */
    void (*acked)(struct wh_conn *conn, const struct cc_ack *ack);
    /*
     * Congestion with `in_flight` bytes outstanding. The classical kind sets ssthresh;
     * cwnd is the caller's. A model may do what it likes.
     */
    void (*congestion)(struct wh_conn *conn, enum cc_signal signal, uint32_t in_flight);
    /* A range was found lost; before congestion(), if that follows. */
    void (*lost)(struct wh_conn *conn, const struct cc_loss *loss);
    /* Fast recovery, or the one after a timeout, is over. */
    void (*recovered)(struct wh_conn *conn);
    /* The last congestion() was a mistake: cwnd and ssthresh are as before it again. */
    void (*undo)(struct wh_conn *conn);
    /* Something is about to leave with nothing in flight, because the application had nothing to send. */
    void (*resume)(struct wh_conn *conn);
    /* Bytes a second; 0: as fast as the link takes it. NULL: cc_pacing_rate. */
    uint64_t (*pacing_rate)(const struct wh_conn *conn);
};

/* Bytes for an algorithm's own variables. */
#define CC_STATE 320

/* More than any path needs, and far from overflow. */
#define CWND_MAX (UINT32_C(1) << 30)

/* NULL if there is no algorithm of this name. */
const struct cc_algorithm *cc_by_name(const char *name);

extern const struct cc_algorithm cc_cubic, cc_newreno, cc_dctcp, cc_bbr;

/* The initial window in bytes (RFC 6928; 1 segment after SYN losses, RFC 5681 3.1). */
uint32_t cc_initial_window(const struct wh_conn *conn);
/* What is usual: a little more than cwnd in a round trip, twice as much in slow start; 0 without an RTT. */
uint64_t cc_pacing_rate(const struct wh_conn *conn);
/* cwnd, grown as in slow start by `bytes`, up to ssthresh; returns the bytes left over. */
uint32_t cc_slow_start(struct wh_conn *conn, uint32_t bytes);
/* cwnd, grown by one segment for each window of bytes (RFC 5681 3.1); *acked: what was counted so far. */
void cc_additive_increase(struct wh_conn *conn, uint32_t *acked, uint32_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is in flight: ranges of sequence numbers sent and not yet cumulatively
 * acknowledged, in order, without gaps. Ranges and not frames, because a SACK
 * may cut frames anywhere and a retransmission is built anew from bytes.
 *
 * Ranges stand in two orders at once. By number, in a row of places with room at both
 * ends: appending and acknowledging touch its ends, a SACK is found by bisection and shifts
 * at most half of the row, two bytes a range. And by time: what the network still holds in the order it
 * was sent last, what is deemed lost in the order it is to be sent again. SACKed
 * neighbours become one range, so that no acknowledgement walks over what earlier
 * ones have told: the work is that of the ranges it changes, whatever blocks it bears.
 *
 * A flight exists while the connection is busy sending, and a little longer: recovery
 * and congestion control keep here what they know of the moment. Its memory is a
 * chunk, so taking and returning one costs no allocation, and beyond the largest chunk
 * a piece of its own. The number of ranges is bounded (FLIGHT_RANGES); a split that finds no
 * room is refused, and the range keeps its old, pessimistic marks.
 */
#ifndef WAVEHAND_TCP_FLIGHT_H
#define WAVEHAND_TCP_FLIGHT_H

#include "base/chunk.h"
#include "base/seq.h"
#include "tcp/cc/cc.h"
#include "tcp/cc/validation.h"

enum {
    RANGE_SACKED = 1 << 0,        /* the peer holds it */
    RANGE_LOST = 1 << 1,          /* deemed lost, and not sent again since */
    RANGE_RETRANSMITTED = 1 << 2, /* sent more than once: no RTT sample (Karn) */
    RANGE_APP_LIMITED = 1 << 3,   /* when it was sent there was not enough to send */
    RANGE_PROBE = 1 << 4,         /* larger than what the path is known to carry (RFC 4821): */
                                  /* its loss tells of the size, not of congestion. Not to be */
                                  /* set or cleared while it is LOST */
};

/* What the sender knew when it sent a range (draft-cheng-iccrg-delivery-rate-estimation 3.2). */
struct snapshot {
    uint32_t delivered;      /* flight->delivered */
    uint32_t delivered_time; /* us: when that was reached */
    uint32_t first_sent;     /* us: when the newest then delivered had been sent */
    uint32_t in_flight;      /* bytes, this range included */
    uint32_t lost;           /* flight->lost_total */
};

struct range {
    uint64_t sent;       /* ns: when it was last sent */
    uint32_t start, end; /* [start, end) */
    struct snapshot then;
    uint16_t prev, next; /* in the order of time, or of what is lost */
    uint8_t flags;       /* RANGE_... */
};

/* A list of ranges through prev and next. */
struct range_list {
    uint16_t first, last; /* NO_RANGE: none */
};
#define FLIGHT_UNLIMITED 3
#define NO_RANGE UINT16_MAX

/* What the peer has told to have, by one acknowledgement. The caller zeroes it and sets trusted_to. */
struct delivery {
    uint64_t trusted_to; /* who was sent again after this cannot have been answered yet */
    uint32_t bytes;
    uint64_t sent_once;     /* newest send time of what was sent once (Karn); 0: none */
    uint64_t first_once;    /* ... and the oldest */
    uint64_t newest;        /* newest send time of all; 0: none that can be trusted */
    uint32_t newest_end;    /* where that range ended */
    struct snapshot then;   /* of the newest */
    uint64_t then_sent;     /* ... and when it was sent; 0: none */
    uint8_t then_flags;     /* RANGE_... of it */
    bool original;          /* something that was never sent again */
    bool repeated;          /* ... and something that was */
    bool reordered;         /* ... below what had been delivered before (RFC 8985 6.2, step 3) */
    bool probe;             /* a RANGE_PROBE */
    uint32_t original_from; /* lowest number of the originals */
};

/* Most ranges: with one segment in each, some 46 MB in flight. Twice as many are a uint16_t. */
#define FLIGHT_RANGES 32000

struct flight {
    struct chunk *chunk;      /* whose data this is, or NULL */
    size_t bytes;             /* else: of memory of its own */
    struct chunk *cursor;     /* of the send queue: the one of SND.NXT; NULL: look from the front */
    uint16_t capacity;        /* ranges */
    uint16_t used;            /* places ever taken */
    uint16_t spare;           /* first of those given back */
    uint16_t head, count;     /* of the order: the row has twice the capacity */
    struct range_list flying; /* neither SACKed nor LOST, in the order of their send times */
    struct range_list losses; /* LOST, in the order to be sent again */
    uint32_t sacked;          /* bytes in ranges marked so */
    uint32_t lost;            /* bytes in ranges marked so */
    uint32_t spared;          /* ... of which in RANGE_PROBEs */
    uint32_t fack;            /* highest number delivered, plus one (RFC 8985 6.2) */
    bool disturbed; /* something in it was SACKed, lost or sent again since it was empty; */
                    /* else the orders of numbers and of send times are one */

    /* delivery rate */
    uint32_t delivered;      /* bytes acknowledged or SACKed since it began, mod 2^32 */
    uint32_t delivered_time; /* us */
    uint32_t first_sent;     /* us */
    uint32_t lost_total;     /* bytes ever found lost, but RANGE_PROBEs, mod 2^32 */
    uint32_t app_limited;    /* delivered up to here was limited by the application, if has_limit */
    uint32_t rate_bytes, rate_interval; /* the latest sample worth telling: bytes, us */
    bool has_limit, rate_limited;

    /* RACK (RFC 8985 5.2) */
    uint64_t rack_sent;   /* RACK.xmit_ts, ns; 0: nothing delivered yet */
    uint64_t rack_rtt;    /* ns */
    uint32_t rack_end;    /* RACK.end_seq */
    uint32_t dsack_round; /* ends when SND.UNA reaches it, if dsack_seen */
    uint8_t reo_mult, reo_persist;
    bool dsack_seen, reordering_seen;

    /* tail loss probe (RFC 8985 7) */
    uint32_t probe_end; /* TLP.end_seq, if probing */
    bool probing, probe_again, probe_due;

    /* what sending waits for, and since when, ms */
    uint8_t limit; /* enum limit; FLIGHT_UNLIMITED: nothing yet */
    uint32_t limit_since;

    /* pacing: when the next may leave, and how much earlier; the most at once, 0: no limit */
    uint64_t pace_at;
    uint64_t pace_deadline; /* output is wanted then; WH_NEVER: nothing waits */
    uint32_t pace_slack, pace_quantum;

    /* timers: when the RTO is due while DEADLINE_RETRANSMIT stands for something sooner */
    uint64_t rto_at;
    bool arm_due; /* recovery_arm is owed, by output or a timer, whichever comes first */

    /* proportional rate reduction (RFC 9937) */
    uint32_t prr_delivered, prr_out, prr_base;

    /* what a mistake would have to restore (RFC 4015), and how to find it out */
    uint32_t prior_cwnd, prior_ssthresh; /* bytes */
    uint32_t undo_first;                 /* where the first retransmission began */
    uint32_t undo_bytes;                 /* sent again in the episode and not yet told by DSACK */
    uint32_t undo_stamp;                 /* the timestamp of the first retransmission */
    bool undo, undo_stamped;             /* the above hold */

    /* F-RTO (RFC 5682) */
    uint32_t frto_high; /* SND.NXT at the timeout */
    uint8_t frto;       /* 0, or the step it is in */

    /* the path's packet size (path_mtu.c): what is under way about it */
    uint64_t mtu_next;     /* ns: no probe before this */
    uint32_t mtu_probe_at; /* a probe of mtu_probe bytes (0: none) begins here */
    uint32_t mtu_full;     /* where the first segment of the present size ends, if mtu_full_sent */
    uint32_t mtu_claim_at; /* ICMP says that this is larger than mtu_claim (0: it does not) */
    uint16_t mtu_probe, mtu_claim;
    bool mtu_full_sent;
    bool mtu_lost; /* the probe has been found lost, and not been judged */

    bool rescued;      /* RFC 6675's rescue retransmission is used up */
    bool rtx_now;      /* the next retransmission does not wait for room in cwnd */
    bool cwnd_limited; /* cwnd kept something from leaving since the last acknowledgement */
    uint16_t dup_acks; /* consecutive */

    struct validation validation;             /* cwnd, and how much of it was in use of late */
    uint64_t cc[CC_STATE / sizeof(uint64_t)]; /* congestion control's own */
    struct range place[]; /* capacity ranges, then the order: twice as many uint16_t */
};

/* Nothing is in flight. */
static inline bool flight_empty(const struct flight *flight)
{
    return flight == NULL || flight->count == 0;
}
/* The variables of the connection's congestion control, CC_STATE bytes. */
static inline void *flight_cc(struct flight *flight) { return flight->cc; }

static inline uint16_t *flight_order(struct flight *flight, uint32_t position)
{
    return (uint16_t *)(void *)(flight->place + flight->capacity) + flight->head + position;
}
/* The range at this position by number, from 0. */
static inline struct range *flight_at(struct flight *flight, uint32_t position)
{
    return &flight->place[*flight_order(flight, position)];
}
/* The first of a list, or NULL. */
static inline struct range *flight_first(struct flight *flight, const struct range_list *list)
{
    return list->first == NO_RANGE ? NULL : &flight->place[list->first];
}

/* Something is about to be sent after a rest: takes a flight, if there is none. False without memory. */
bool flight_begin(struct flight **flight, struct chunk_store *store);
/*
 * Notes that [start, end) is sent now, right after what was noted before; `then` is
 * copied. What leaves at one instant is one range. False if there is no room.
 */
bool flight_send(struct flight **flight, struct chunk_store *store, uint32_t start, uint32_t end,
                 uint64_t now, const struct snapshot *then);
/* Everything below `ack` is acknowledged: forgets it, and tells what that delivers. */
void flight_acknowledge(struct flight *flight, uint32_t ack, struct delivery *delivery);
/* Marks [left, right), which lies in flight, as SACKed; returns the bytes that were not before. */
uint32_t flight_sack(struct flight **flight, struct chunk_store *store, uint32_t left,
                     uint32_t right, struct delivery *delivery);
/* Marks a range as lost: the last, or with `urgently` the first, to be sent again. */
void flight_mark_lost(struct flight *flight, struct range *range, bool urgently);
/* It was not lost after all. */
void flight_mark_found(struct flight *flight, struct range *range);
void flight_mark_sent_again(struct flight *flight, struct range *range, uint64_t now,
                            const struct snapshot *then);
/* Forgets every SACK: the peer has discarded what it held (RFC 2018 8). */
void flight_forget_sacks(struct flight *flight);
/*
 * Splits the range at this position so that a range ends at `at`; false if there
 * is no room for one more range.
 */
bool flight_split(struct flight **flight, struct chunk_store *store, uint32_t position,
                  uint32_t at);
/* Position of the range that contains seq; count if it lies beyond all of them. */
uint32_t flight_find(struct flight *flight, uint32_t seq);
void flight_free(struct flight **flight, struct chunk_store *store);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Loss recovery: what is lost, when to believe it, what to do about it, and how to
 * find out that it was a mistake. Several files with one idea each, all between one
 * acknowledgement and the next output:
 *
 *   rate.c        how fast the path delivers (draft-cheng-iccrg-delivery-rate-estimation)
 *   rack.c        what is lost, by time (RFC 8985 6), or without SACK by counting (RFC 6582)
 *   tail_probe.c  what nobody will tell about is asked for (RFC 8985 7)
 *   prr.c         how cwnd comes down in recovery (RFC 9937)
 *   undo.c        what was spurious (RFC 3522, RFC 3708, RFC 5682), and RFC 4015's answer
 *   recovery.c    the states, and what congestion control hears
 *
 * Retransmissions leave from output.c, which takes what is marked LOST; nothing here sends.
 */
#ifndef WAVEHAND_TCP_RECOVERY_H
#define WAVEHAND_TCP_RECOVERY_H

#include "tcp/connection.h"

/* RFC 5681 2: so many duplicates are no reordering any more, until proved otherwise. */
#define DUP_THRESH 3

/* What one acknowledgement said. */
struct acknowledged {
    struct delivery delivery; /* what it delivered */
    uint32_t acked;           /* numbers newly acknowledged cumulatively */
    uint32_t sacked;          /* bytes newly SACKed */
    uint32_t in_flight;       /* pipe before this acknowledgement */
    uint32_t marked;          /* bytes newly acknowledged that the path marked (Accurate ECN) */
    uint32_t rtt;             /* us; 0: no sample */
    uint32_t tsecr;           /* the echoed timestamp, if has_tsecr */
    bool has_tsecr;
    bool forward;   /* SND.UNA moved */
    bool duplicate; /* RFC 5681 2: a duplicate acknowledgement */
    bool echo;      /* RFC 3168 6.1.2: the peer tells of a congestion mark */
    bool dsack;     /* RFC 2883: the peer has got [dsack_left, dsack_right) twice */
    uint32_t dsack_left, dsack_right;
};

/* ----------------------------------------------------------- recovery.c -- */

/* Everything that follows from an acknowledgement, cwnd and the timer included. */
void recovery_acknowledged(struct wh_conn *conn, struct acknowledged *what);
/* The same where nothing is lost, SACKed, sent again, marked or in doubt. */
void recovery_progress(struct wh_conn *conn, const struct acknowledged *what);
/* The retransmission timer fired. */
void recovery_timeout(struct wh_conn *conn);
/* Marks a range as lost and tells congestion control. */
void recovery_lose(struct wh_conn *conn, struct range *range, bool urgently);
/* Loss has been found: fast recovery begins, if it has not; `what` may be NULL (a timer found it). */
void recovery_enter_fast(struct wh_conn *conn, const struct acknowledged *what);
/* Another algorithm has taken over; the last one was a model or not. */
void recovery_algorithm_changed(struct wh_conn *conn, bool was_model);
/* cwnd has been cut, for whatever reason: new data says so (RFC 3168 6.1.2). */
void recovery_note_reduction(struct wh_conn *conn);
/* Bytes outstanding, as congestion control should count them when it cuts (FlightSize). */
uint32_t recovery_flight_size(const struct wh_conn *conn);
/* So many bytes from `start` on leave again now. */
void recovery_sent_again(struct wh_conn *conn, uint32_t start, uint32_t bytes);
/* Where the last segment of a range begins, a FIN included. */
uint32_t recovery_last_segment(const struct wh_conn *conn, const struct range *range);
/* The position of a range worth a rescue retransmission, or flight->count (RFC 6675 4, rule 4). */
uint32_t recovery_rescue(struct wh_conn *conn);
/* Sets DEADLINE_RETRANSMIT to what comes first: reordering, tail probe, timeout, or the end of being busy. */
void recovery_arm(struct wh_conn *conn);

/* --------------------------------------------------------------- rate.c -- */

/* What is sent now starts from this; `bytes` are about to leave. */
struct snapshot rate_sending(struct wh_conn *conn, uint32_t bytes);
/* There was not enough to send, so what follows says less than the path could do. */
void rate_limited_by_application(struct wh_conn *conn);
/* Fills in the rate sample of an acknowledgement. */
void rate_sample(struct wh_conn *conn, const struct acknowledged *what, struct cc_ack *ack);

/* Bytes a second of the latest sample; 0: not known. */
uint64_t rate_delivered(const struct wh_conn *conn);

/* --------------------------------------------------------------- rack.c -- */

/* RFC 8985 6.2, steps 2 to 4: the newest delivered, reordering, and the window for it. */
void rack_update(struct wh_conn *conn, const struct acknowledged *what);
/* Step 5: marks what is lost by now; returns ns until more may be, 0: nothing waits. */
wh_time rack_detect(struct wh_conn *conn);
/* RFC 8985 6.3: what a timeout makes lost. */
void rack_timeout(struct wh_conn *conn);
/* Recovery is over (for the memory of DSACKs). */
void rack_recovered(struct wh_conn *conn);
/* The present reordering window in ns. */
wh_time rack_window(const struct wh_conn *conn);
/* Without SACK: the first segment's worth of the flight is lost (RFC 6582). */
void rack_lose_first(struct wh_conn *conn);

/* --------------------------------------------------------- tail_probe.c -- */

/* When a probe is due, if one may be (RFC 8985 7.2); WH_NEVER. */
wh_time tail_probe_due(const struct wh_conn *conn);
/* The timer fired: output sends the probe. */
void tail_probe_timeout(struct wh_conn *conn);
/* A probe left: new data, or the last segment again. */
void tail_probe_sent(struct wh_conn *conn, bool again);
/* RFC 8985 7.4.2: what an acknowledgement says about the probe. True: it repaired a loss. */
bool tail_probe_acknowledged(struct wh_conn *conn, const struct acknowledged *what);

/* ---------------------------------------------------------------- prr.c -- */

void prr_begin(struct wh_conn *conn, const struct acknowledged *what);
/* `delivered` bytes arrived, `lost` were found lost; sets cwnd. */
void prr_acknowledged(struct wh_conn *conn, uint32_t delivered, uint32_t lost, bool forward);

/* --------------------------------------------------------------- undo.c -- */

/* An episode begins: what is to be restored if it was a mistake. */
void undo_remember(struct wh_conn *conn, bool timed_out);
void undo_forget(struct wh_conn *conn);
/* True if this acknowledgement proves that the episode was a mistake; then it has been undone. */
bool undo_acknowledged(struct wh_conn *conn, const struct acknowledged *what);
/* F-RTO: new data goes first, so retransmissions wait (RFC 5682 2.1, step 2b). */
bool undo_holds_retransmissions(const struct wh_conn *conn);

#endif

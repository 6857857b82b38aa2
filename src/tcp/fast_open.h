/* SPDX-License-Identifier: MIT */
/*
 * TCP Fast Open (RFC 7413): data on the SYN, for peers that have shown before that they
 * are where they say. The server's cookie, a pure function of keys and addresses; the
 * client's memory of cookies; and what a connection does with both.
 */
#ifndef WAVEHAND_TCP_FAST_OPEN_H
#define WAVEHAND_TCP_FAST_OPEN_H

#include "tcp/connection.h"

/* Bytes of the cookies that we give; those that we are given have up to FAST_OPEN_MOST. */
#define FAST_OPEN_COOKIE 8

/* -------------------------------------------------------------- the server -- */

/* The cookie of this tuple's addresses, with the present key. */
void fast_open_cookie(const struct tcp *tcp, const struct tuple *tuple,
                      uint8_t cookie[FAST_OPEN_COOKIE]);

enum fast_open_verdict {
    FAST_OPEN_NO_COOKIE, /* none, or a request for one */
    FAST_OPEN_WRONG,
    FAST_OPEN_GOOD,
    FAST_OPEN_OLD, /* good, but made with the key before this one */
};
enum fast_open_verdict fast_open_check(const struct tcp *tcp, const struct segment *syn);

/* -------------------------------------------------------------- the client -- */

/* What is known of so many peers; the one not used for longest gives way. */
#define FAST_OPEN_PEERS 64

struct fast_open_peer {
    wh_addr local, remote; /* a cookie belongs to both (RFC 7413 4.1.3) */
    wh_time used;          /* 0: a free place */
    wh_time avoid_until;   /* the path has swallowed Fast Open before (RFC 7413 4.1.3.1) */
    uint16_t mss;          /* that the peer announced with its cookie */
    uint8_t failures;      /* consecutive */
    uint8_t length;        /* of the cookie; 0: none known */
    uint8_t cookie[FAST_OPEN_MOST];
};

/* What is known of the tuple's peer, or NULL. */
struct fast_open_peer *fast_open_recall(struct tcp *tcp, const struct tuple *tuple);
void fast_open_learn(struct tcp *tcp, const struct tuple *tuple, const uint8_t *cookie,
                     uint8_t length, uint16_t mss);
/* Fast Open got nowhere: leaves this peer alone for a minute, then twice as long each time. */
void fast_open_avoid(struct tcp *tcp, const struct tuple *tuple);
void fast_open_free(struct tcp *tcp);

/* --------------------------------------------------------- on a connection -- */

/* The application asks for it, on a connection whose SYN has not left. */
void fast_open_want(struct wh_conn *conn);
/*
 * Puts option and data on the first SYN, or a new cookie on the first SYN,ACK. The
 * cookie is copied to `cookie`, which must live as long as the segment.
 */
void fast_open_fill(const struct wh_conn *conn, struct segment *segment,
                    uint8_t cookie[FAST_OPEN_MOST]);
/* That SYN has left. */
void fast_open_sent(struct wh_conn *conn, const struct segment *syn);
/* The peer's SYN, with ACK or crossing ours, tells whether the data was taken, and perhaps a cookie. */
void fast_open_answered(struct wh_conn *conn, const struct segment *syn_ack);
/* No answer came at all, or an ICMP error instead. */
void fast_open_unanswered(struct wh_conn *conn);
/* New data leaves: the reason, if it had been on the SYN already and was not taken. */
wh_reason fast_open_again(struct wh_conn *conn, uint32_t length);

#endif

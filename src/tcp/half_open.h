/* SPDX-License-Identifier: MIT */
/*
 * Half-open entries: SYN-RECEIVED by way of LISTEN, in 72 bytes. Only the good ACK
 * makes a connection of one; everything that may arrive before is answered from
 * here, by the steps of RFC 9293 3.10.7.4 reduced to a state without data.
 */
#ifndef WAVEHAND_TCP_HALF_OPEN_H
#define WAVEHAND_TCP_HALF_OPEN_H

#include "tcp/connection.h"

/* SYN,ACKs are repeated after 1, 2, 4 ... seconds; after the last wait, 63 s in all, the entry goes. */
#define HALF_OPEN_WAITS 6

enum {
    HALF_OPEN_SACK = 1 << 0,
    HALF_OPEN_TIMESTAMPS = 1 << 1,
    HALF_OPEN_SCALING = 1 << 2,
    HALF_OPEN_FAST_OPEN = 1 << 3, /* the SYN,ACK, but not its repeats, brings a Fast Open cookie */
    HALF_OPEN_ECN = 1 << 4,       /* the SYN asked for ECN: what we send may be marked */
    HALF_OPEN_ACCURATE = 1 << 5,  /* ... for Accurate ECN; without the flag above no ECT is sent */
    HALF_OPEN_SYN_ECN = 1 << 6,   /* from this bit up: IP-ECN of the latest SYN */
};

struct half_open {
    struct record record;
    uint8_t flags;          /* HALF_OPEN_... */
    uint8_t snd_scale : 4;  /* the peer's window scale, 14 at most */
    uint8_t rcv_scale : 4;  /* ours, as announced */
    uint8_t wait : 3;       /* which wait it is in: the number of repeats so far */
    uint8_t plain : 1;      /* the SYN,ACK bears no Accurate ECN option any more */
    uint8_t challenges : 4; /* answers to suspicious segments, for its lifetime */
    uint16_t mss;           /* the peer's; 0: its SYN did not say */
    uint16_t listener;      /* number of the listener */
    struct tuple tuple;
    uint32_t iss, irs;
    uint32_t ts_recent;
    uint32_t sent;           /* when the SYN,ACK last left, ms */
    uint32_t next, previous; /* in the FIFO of its wait */
    uint32_t prior;          /* TIME-WAIT entry that this SYN reopened, or 0 */
};
_Static_assert(sizeof(struct half_open) <= 72, "a half-open entry costs at most 72 bytes");

enum half_open_verdict {
    HALF_OPEN_STAYS,
    HALF_OPEN_DONE, /* our SYN is acknowledged: make it a connection and let the segment arrive there */
    HALF_OPEN_OVER, /* reset: back to LISTEN */
};

/* What the SYN offers and we agree to, into a cleared record. */
void half_open_negotiate(const struct tcp *tcp, struct half_open *entry, const struct segment *syn);
/* Fills a cleared record, already LISTEN, from a SYN, steps it to SYN-RECEIVED and queues the SYN,ACK. */
void half_open_begin(struct tcp *tcp, struct half_open *entry, const struct segment *syn,
                     uint32_t iss, const struct origins *origins);
enum half_open_verdict half_open_arrive(struct tcp *tcp, struct half_open *entry,
                                        const struct segment *segment);
/* Queues a SYN,ACK whose ISS is a cookie; no entry is kept. False if there is no room for it. */
bool half_open_answer_cookie(struct tcp *tcp, const struct segment *syn);
/* Queues the SYN,ACK, for the first time or again. */
void half_open_answer(struct tcp *tcp, struct half_open *entry, wh_reason reason);
/* Makes a CLOSED connection, fresh from conn_init, of the entry: same numbers, same state. */
void half_open_promote(const struct half_open *entry, struct wh_conn *conn);

#endif

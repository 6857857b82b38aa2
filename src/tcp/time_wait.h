/* SPDX-License-Identifier: MIT */
/*
 * TIME-WAIT entries: what must be remembered of a connection for 2MSL, in 56 bytes
 * (RFC 9293 3.6.1, 3.10.7.4; RFC 1337; RFC 6191).
 */
#ifndef WAVEHAND_TCP_TIME_WAIT_H
#define WAVEHAND_TCP_TIME_WAIT_H

#include "tcp/connection.h"

enum {
    TIME_WAIT_TIMESTAMPS = 1 << 0,
    TIME_WAIT_REOPENED =
        1 << 1, /* a half-open entry has its place; kept in case that SYN was old */
    TIME_WAIT_RESTARTED = 1 << 2, /* 2MSL began anew: out of order in the FIFO */
    TIME_WAIT_ANSWER = 1 << 3,    /* counts answers to old segments, from this bit up */
};

struct time_wait {
    struct record record;
    uint8_t flags;
    uint16_t window; /* last advertised, as in the header */
    struct tuple tuple;
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    uint32_t expires; /* ms */
};
_Static_assert(sizeof(struct time_wait) <= 56, "a TIME-WAIT entry costs at most 56 bytes");

enum time_wait_verdict {
    TIME_WAIT_STAYS,
    TIME_WAIT_RESTARTS, /* the peer's FIN again: 2MSL begins anew */
    TIME_WAIT_REOPENS,  /* a new SYN that may open a new connection */
    TIME_WAIT_ENDS,     /* reset, where that is allowed */
};

/* Remembers a connection that has entered TIME-WAIT, and acknowledges its peer's FIN if that is owed. */
void time_wait_begin(struct time_wait *entry, const struct wh_conn *conn);
enum time_wait_verdict time_wait_arrive(struct tcp *tcp, struct time_wait *entry,
                                        const struct segment *segment, bool rst_ends);
/* Queues <SEQ=SND.NXT><ACK=RCV.NXT>, with these flags of ECN. */
void time_wait_answer(struct tcp *tcp, const struct time_wait *entry, wh_reason reason,
                      uint16_t marks);
/* ... for who knows the offset of its timestamp clock. */
void time_wait_acknowledge(struct tcp *tcp, const struct time_wait *entry, wh_reason reason,
                           uint16_t marks, uint32_t ts_offset);
/* An ISS above everything that the old incarnation used (RFC 9293 3.6.1, MAY-2). */
uint32_t time_wait_next_iss(const struct time_wait *entry, uint32_t iss);

#endif

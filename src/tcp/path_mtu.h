/* SPDX-License-Identifier: MIT */
/*
 * How large a packet the path carries: what ICMP says (RFC 1191, RFC 8201), as far as it
 * can be believed (RFC 5927 7.2), and what the path shows by itself, for those that say
 * nothing (RFC 4821, with the search of RFC 8899).
 *
 * Sizes are those of snd_mss: data and options of a segment, headers left out. What is
 * known of the path is in the connection; what is under way, a probe or a claim that
 * waits to come true, is in the flight.
 */
#ifndef WAVEHAND_TCP_PATH_MTU_H
#define WAVEHAND_TCP_PATH_MTU_H

#include "tcp/connection.h"

/* How far the search is, in conn->mtu_state. */
enum {
    MTU_SEARCHING = 1 << 0,  /* sizes between snd_mss and mtu_high are to be tried */
    MTU_SETTLED = 1 << 1,    /* smaller than it might be; to be looked at again at mtu_again */
    MTU_HIGH_FIRST = 1 << 2, /* mtu_high itself is worth trying, before anything between */
    MTU_PROVEN = 1 << 3,     /* a segment of snd_mss has been acknowledged */
};

/* The peer's MSS is known: the most that segments may have, and where to begin. */
void path_mtu_begin(struct wh_conn *conn, uint32_t most);
/* [seq, seq + length) left in segments of `mss` bytes of data at most. */
void path_mtu_sent(struct wh_conn *conn, uint32_t seq, uint32_t length, uint32_t mss);
/* The retransmission timer fired once more: is it the size? True: it is made smaller (RFC 4821 7.7). */
bool path_mtu_timeout(struct wh_conn *conn);
/* What an acknowledgement says about a probe, about a claim, and about the present size. */
void path_mtu_acknowledged(struct wh_conn *conn, const struct delivery *delivery);

/* The size of a probe that should leave now, with so many bytes of options; 0: none. */
uint32_t path_mtu_probe(struct wh_conn *conn, uint32_t options);
/* It has left, from `start` on. */
void path_mtu_probe_sent(struct wh_conn *conn, uint32_t start, uint32_t size);
/* A range is about to be marked lost. */
void path_mtu_losing(struct wh_conn *conn, const struct range *range);
/* Something is lost: is it congestion? False: sizes alone explain it. */
bool path_mtu_congestion(struct wh_conn *conn);

#endif

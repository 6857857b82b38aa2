/* SPDX-License-Identifier: MIT */
/*
 * Explicit congestion notification (RFC 3168): who agrees on it, and the receiver's
 * half, which echoes marks. The sender's half is congestion control and stands in
 * recovery.c, with ECT and CWR set in output.c.
 *
 * Left out: a TIME-WAIT entry does not echo a mark that came with the peer's last data,
 * since a peer whose FIN is out has nothing new to send; Accurate ECN (RFC 9768).
 */
#ifndef WAVEHAND_TCP_ECN_H
#define WAVEHAND_TCP_ECN_H

#include "tcp/connection.h"

/* Values of WH_OPT_ECN. */
enum { ECN_NEVER, ECN_ANSWER, ECN_ASK };

/* The two low bits of the traffic class (RFC 3168 5). */
enum { ECN_ECT0 = 2, ECN_CE = 3 };

/* An ECN-setup SYN (RFC 3168 6.1.1). AE asks for more (RFC 9768 3.1.2) and may be answered with this. */
static inline bool ecn_setup_syn(uint16_t flags)
{
    return (flags & (WH_ECE | WH_CWR)) == (WH_ECE | WH_CWR);
}
/* An ECN-setup SYN,ACK: ECE alone. Both are a mirror that returns what we sent. */
static inline bool ecn_setup_syn_ack(uint16_t flags)
{
    return (flags & (WH_ECE | WH_CWR)) == WH_ECE;
}

/* An active open asks, if the option says so. */
void ecn_ask(struct wh_conn *conn);
/* Flags for a SYN or, with `answer`, a SYN,ACK that leaves now, for the first time or `again`. */
uint16_t ecn_syn_flags(struct wh_conn *conn, bool answer, bool again);
/* What the peer's SYN or SYN,ACK says to what we asked. */
void ecn_agree(struct wh_conn *conn, uint16_t flags);
/* A segment inside the window: its mark, and the peer's word that it has heard of earlier ones. */
void ecn_arrived(struct wh_conn *conn, const struct segment *segment);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Explicit congestion notification: which form both ends agree on, Accurate ECN
 * (RFC 9768 3.1), that of RFC 3168 or none, and the receiver's half of RFC 3168, which
 * echoes marks, once a window or, for congestion control that wants it so, exactly
 * (RFC 8257 3.2). Accurate ECN's counters are accecn.c's. The sender's half is
 * congestion control and stands in recovery.c, with ECT and CWR set in output.c.
 *
 * A SYN asks by three flags, AE, CWR and ECE; a SYN,ACK answers by them, and of Accurate
 * ECN also tells which IP-ECN the SYN arrived with. Whatever follows, the form that the
 * first SYN or SYN,ACK has led to stays.
 *
 * Left out: a TIME-WAIT entry remembers no marks. The ACK with which it begins still tells
 * them, its repeats do not: a peer whose FIN is out has nothing new to send.
 */
#ifndef WAVEHAND_TCP_ECN_H
#define WAVEHAND_TCP_ECN_H

#include "tcp/connection.h"

/* Values of WH_OPT_ECN. */
enum { ECN_NEVER, ECN_ANSWER, ECN_ASK, ECN_ASK_ACCURATE };

/* The two low bits of the traffic class (RFC 3168 5). */
enum { ECN_NOT_ECT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };

/* The flags that speak of ECN; as ACE, a counter (RFC 9768 3.2.2). */
#define ECN_FLAGS (WH_AE | WH_CWR | WH_ECE)
#define ACE_SHIFT 6
#define ACE_MASK 7U

enum ecn_form { ECN_NONE, ECN_CLASSIC, ECN_ACCURATE };

/* What a SYN with these flags asks for, at this level of WH_OPT_ECN (RFC 9768 3.1.2, 3.1.3). */
enum ecn_form ecn_asked(uint16_t flags, int64_t level);
/* An ECN-setup SYN,ACK: ECE alone. Both are a mirror that returns what we sent. */
static inline bool ecn_setup_syn_ack(uint16_t flags)
{
    return (flags & (WH_ECE | WH_CWR)) == WH_ECE;
}

/* An active open asks, if the option says so. */
void ecn_ask(struct wh_conn *conn);
/* Flags for a SYN or, with `answer`, a SYN,ACK that leaves now, for the first time or `again`. */
uint16_t ecn_syn_flags(struct wh_conn *conn, bool answer, bool again);
/* SYN-SENT: the peer's SYN or SYN,ACK. */
void ecn_answered(struct wh_conn *conn, const struct segment *segment);
/* Enters the form that a SYN has asked for; without memory, none. */
void ecn_enter(struct wh_conn *conn, enum ecn_form form, unsigned ip_ecn);
/*
 * SYN-RECEIVED: the peer's SYN again, or the SYN,ACK of a simultaneous open. False: it
 * asks for another form than before, and the connection must be reset (RFC 9768 3.1.5).
 */
bool ecn_syn_again(struct wh_conn *conn, const struct segment *syn);
bool ecn_crossed(struct wh_conn *conn, const struct segment *syn_ack);

/* A segment inside the window: its mark, and the peer's word that it has heard of earlier ones. */
void ecn_arrived(struct wh_conn *conn, const struct segment *segment);
/* Flags for a segment that leaves now. */
uint16_t ecn_flags(const struct wh_conn *conn, const struct segment *segment);

#endif

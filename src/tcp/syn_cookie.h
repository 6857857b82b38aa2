/* SPDX-License-Identifier: MIT */
/*
 * SYN cookies (RFC 4987 3.6): the initial sequence number of a SYN,ACK that carries
 * everything a half-open entry would have remembered. Pure functions of keys, time
 * and segment; how the number is laid out, syn_cookie.c tells.
 */
#ifndef WAVEHAND_TCP_SYN_COOKIE_H
#define WAVEHAND_TCP_SYN_COOKIE_H

#include "tcp/half_open.h"

/* Good for at least half of this, 67 s, and never for longer than this, 134 s. */
#define SYN_COOKIE_LIFE (2 * (UINT64_C(4000) << 24))

/*
 * Rounds what the SYN offered (an entry filled by half_open_negotiate) down to what a
 * cookie can carry, and gives the entry the cookie as its ISS.
 */
void syn_cookie_make(const struct tcp *tcp, struct half_open *entry);
/* The TSval that carries the entry's options: at most 63 below `clock`, and never above it. */
uint32_t syn_cookie_stamp(const struct half_open *entry, uint32_t clock);
enum syn_cookie_verdict {
    SYN_COOKIE_WRONG, /* none of ours, or too old */
    SYN_COOKIE_AHEAD, /* one of ours, but the segment does not stand right behind the SYN */
    SYN_COOKIE_GOOD, /* the entry is filled with what the SYN had offered; its state is the caller's */
};
/* Does `ack` acknowledge a cookie of ours that is still good? */
enum syn_cookie_verdict syn_cookie_check(const struct tcp *tcp, const struct segment *ack,
                                         struct half_open *entry);

#endif

/* SPDX-License-Identifier: MIT */
/* The comment that a captured packet carries: what it did to the state machine, and why it left or fell. */
#ifndef WAVEHAND_VIEW_COMMENT_H
#define WAVEHAND_VIEW_COMMENT_H

#include <wavehand/wavehand.h>

#define COMMENT_TEXT 256

/*
 * "SYN-SENT -> ESTABLISHED on SYN,ACK received", "ESTABLISHED; sent again:
 * retransmission timeout [RFC 6298 5]", to text[COMMENT_TEXT]; returns text.
 */
char *comment_text(const wh_trace_record *record, char *text);

#endif

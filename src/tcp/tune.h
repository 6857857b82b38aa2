/* SPDX-License-Identifier: MIT */
/*
 * How large the buffers of a connection are now. Both follow what the path and the
 * application make of them, between where they start and the most they may become
 * (WH_OPT_..._BUFFER_INITIAL, WH_OPT_..._BUFFER), and both give way when the stack's
 * memory runs short. Nothing is reserved: a limit costs no memory until it is used.
 */
#ifndef WAVEHAND_TCP_TUNE_H
#define WAVEHAND_TCP_TUNE_H

#include "tcp/connection.h"

/* The receive window before anything is known of the path, in bytes; a SYN offers no more. */
uint32_t tune_first_window(const struct profile *profile);

/* Bytes that the receive queue may hold now, whatever memory there is. */
uint32_t tune_receive_limit(const struct wh_conn *conn);
/* `space`, or as much of it as the stack's memory could honour if it were all used now. */
uint32_t tune_affordable(const struct wh_conn *conn, uint32_t space);
/* The application has read: at the end of a round trip the window may grow. */
void tune_read(struct wh_conn *conn);
/* Text in order has come: what its timestamp tells of the round trip as a receiver sees it. */
void tune_round_trip(struct wh_conn *conn, const struct segment *segment);

/* Bytes that the send queue may hold now. */
uint32_t tune_send_limit(const struct wh_conn *conn);

#endif

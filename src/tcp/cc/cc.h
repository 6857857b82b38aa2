/* SPDX-License-Identifier: MIT */
/*
 * Congestion control: how much may be in flight. One file an algorithm; recovery
 * (what is lost, what to send again) is elsewhere and the same for all.
 */
#ifndef WAVEHAND_TCP_CC_CC_H
#define WAVEHAND_TCP_CC_CC_H

#include <stdint.h>

struct wh_conn;

struct cc_algorithm {
    const char *name;
    /* The connection has become ESTABLISHED; set cwnd. */
    void (*start)(struct wh_conn *conn);
    /* `acked` bytes were acknowledged outside recovery; in_flight is what it was before. */
    void (*acked)(struct wh_conn *conn, uint32_t acked, uint32_t in_flight);
    /* Loss was detected, or a mark echoed, with `in_flight` bytes outstanding: set ssthresh and cwnd. */
    void (*congestion)(struct wh_conn *conn, uint32_t in_flight);
    /* Recovery is over; in_flight is what is outstanding now. */
    void (*recovered)(struct wh_conn *conn, uint32_t in_flight);
    /* The retransmission timer fired; `first`: not a repetition for the same data. */
    void (*timeout)(struct wh_conn *conn, uint32_t in_flight, int first);
    /* Sending resumes after an idle period longer than the RTO. */
    void (*idle)(struct wh_conn *conn);
};

/* NULL if there is no algorithm of this name. */
const struct cc_algorithm *cc_by_name(const char *name);

extern const struct cc_algorithm cc_newreno;

/* The initial window in bytes (RFC 6928; 1 segment after SYN losses, RFC 5681 3.1). */
uint32_t cc_initial_window(const struct wh_conn *conn);

#endif

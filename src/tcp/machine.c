/* SPDX-License-Identifier: MIT */
/*
 * The arcs of the connection state machine.
 *
 * The rows are states, the columns are events that the segment-arrival steps
 * derive, not header flags: one segment may raise several events one after the
 * other, and the arcs compose. A FIN,ACK in FIN-WAIT-1 that covers our FIN is
 * FIN_ACKED (to FIN-WAIT-2) and then GOT_FIN (to TIME-WAIT).
 *
 * Two arcs of figure 5 are missing on purpose: SEND on a listener (LISTEN to
 * SYN-SENT) has no call in a socket interface, and a FIN in SYN-RECEIVED is
 * always seen after SYN_ACKED (RFC 9293 3.10.7.4, fifth before eighth).
 */
#include "tcp/machine.h"

/* A target plus one, so that the zero of an empty cell means: no such arc. */
#define TO(state) (WH_##state + 1)

static const uint8_t arc[WH_STATE_COUNT][WH_ARC_EVENT_COUNT] = {
    /* three-way handshake */
    [WH_CLOSED] = { [WH_ON_PASSIVE_OPEN] = TO(LISTEN), [WH_ON_ACTIVE_OPEN] = TO(SYN_SENT) },
    [WH_LISTEN] = { [WH_ON_GOT_SYN] = TO(SYN_RECEIVED),
                    [WH_ON_CLOSE] = TO(CLOSED),
                    [WH_ON_ABORT] = TO(CLOSED),
                    [WH_ON_GAVE_UP] = TO(CLOSED),
                    [WH_ON_GOT_RST] = TO(CLOSED) },
    [WH_SYN_SENT] = { [WH_ON_GOT_SYN_ACK] = TO(ESTABLISHED),
                      [WH_ON_GOT_SYN] = TO(SYN_RECEIVED),
                      [WH_ON_CLOSE] = TO(CLOSED),
                      [WH_ON_ABORT] = TO(CLOSED),
                      [WH_ON_GOT_RST] = TO(CLOSED),
                      [WH_ON_GAVE_UP] = TO(CLOSED) },
    [WH_SYN_RECEIVED] = { [WH_ON_SYN_ACKED] = TO(ESTABLISHED),
                          [WH_ON_CLOSE] = TO(FIN_WAIT_1),
                          [WH_ON_GOT_RST_PASSIVE] = TO(LISTEN),
                          [WH_ON_GOT_RST] = TO(CLOSED),
                          [WH_ON_ABORT] = TO(CLOSED),
                          [WH_ON_GAVE_UP] = TO(CLOSED) },
    /* four-way close */
    [WH_ESTABLISHED] = { [WH_ON_CLOSE] = TO(FIN_WAIT_1),
                         [WH_ON_GOT_FIN] = TO(CLOSE_WAIT),
                         [WH_ON_GOT_RST] = TO(CLOSED),
                         [WH_ON_ABORT] = TO(CLOSED),
                         [WH_ON_GAVE_UP] = TO(CLOSED) },
    [WH_FIN_WAIT_1] = { [WH_ON_FIN_ACKED] = TO(FIN_WAIT_2),
                        [WH_ON_GOT_FIN] = TO(CLOSING),
                        [WH_ON_GOT_RST] = TO(CLOSED),
                        [WH_ON_ABORT] = TO(CLOSED),
                        [WH_ON_GAVE_UP] = TO(CLOSED) },
    [WH_FIN_WAIT_2] = { [WH_ON_GOT_FIN] = TO(TIME_WAIT),
                        [WH_ON_GOT_RST] = TO(CLOSED),
                        [WH_ON_ABORT] = TO(CLOSED),
                        [WH_ON_GAVE_UP] = TO(CLOSED) },
    [WH_CLOSE_WAIT] = { [WH_ON_CLOSE] = TO(LAST_ACK),
                        [WH_ON_GOT_RST] = TO(CLOSED),
                        [WH_ON_ABORT] = TO(CLOSED),
                        [WH_ON_GAVE_UP] = TO(CLOSED) },
    [WH_CLOSING] = { [WH_ON_FIN_ACKED] = TO(TIME_WAIT),
                     [WH_ON_GOT_RST] = TO(CLOSED),
                     [WH_ON_ABORT] = TO(CLOSED),
                     [WH_ON_GAVE_UP] = TO(CLOSED) },
    [WH_LAST_ACK] = { [WH_ON_FIN_ACKED] = TO(CLOSED),
                      [WH_ON_GOT_RST] = TO(CLOSED),
                      [WH_ON_ABORT] = TO(CLOSED),
                      [WH_ON_GAVE_UP] = TO(CLOSED) },
    /* the quiet end; REOPENED: a later incarnation has completed its handshake */
    [WH_TIME_WAIT] = { [WH_ON_TWO_MSL_OVER] = TO(CLOSED),
                       [WH_ON_REOPENED] = TO(CLOSED),
                       [WH_ON_GOT_RST] = TO(CLOSED),
                       [WH_ON_ABORT] = TO(CLOSED),
                       [WH_ON_GAVE_UP] = TO(CLOSED) },
};

/* The section behind each arc; `ours` are ends that the RFC leaves to the implementation. */
#define LOCAL_END [WH_ON_ABORT] = "RFC 9293 3.10.5", [WH_ON_GAVE_UP] = "RFC 9293 3.10.8"
#define EARLY_END LOCAL_END, [WH_ON_GOT_RST] = "RFC 9293 3.10.7.4, second"

static const char *const source[WH_STATE_COUNT][WH_ARC_EVENT_COUNT] = {
    [WH_CLOSED] = { [WH_ON_PASSIVE_OPEN] = "RFC 9293 3.10.1",
                    [WH_ON_ACTIVE_OPEN] = "RFC 9293 3.10.1" },
    [WH_LISTEN] = { [WH_ON_GOT_SYN] = "RFC 9293 3.10.7.2, third",
                    [WH_ON_CLOSE] = "RFC 9293 3.10.4",
                    [WH_ON_ABORT] = "RFC 9293 3.10.5",
                    [WH_ON_GAVE_UP] = "ours: the SYN was held for too long",
                    [WH_ON_GOT_RST] = "ours: whoever sent the held SYN gave up" },
    [WH_SYN_SENT] = { [WH_ON_GOT_SYN_ACK] = "RFC 9293 3.10.7.3, fourth",
                      [WH_ON_GOT_SYN] = "RFC 9293 3.10.7.3, fourth",
                      [WH_ON_CLOSE] = "RFC 9293 3.10.4",
                      [WH_ON_GOT_RST] = "RFC 9293 3.10.7.3, second",
                      LOCAL_END },
    [WH_SYN_RECEIVED] = { [WH_ON_SYN_ACKED] = "RFC 9293 3.10.7.4, fifth",
                          [WH_ON_CLOSE] = "RFC 9293 3.10.4",
                          [WH_ON_GOT_RST_PASSIVE] = "RFC 9293 3.10.7.4, second",
                          EARLY_END },
    [WH_ESTABLISHED] = { [WH_ON_CLOSE] = "RFC 9293 3.10.4",
                         [WH_ON_GOT_FIN] = "RFC 9293 3.10.7.4, eighth",
                         EARLY_END },
    [WH_FIN_WAIT_1] = { [WH_ON_FIN_ACKED] = "RFC 9293 3.10.7.4, fifth",
                        [WH_ON_GOT_FIN] = "RFC 9293 3.10.7.4, eighth",
                        EARLY_END },
    [WH_FIN_WAIT_2] = { [WH_ON_GOT_FIN] = "RFC 9293 3.10.7.4, eighth", EARLY_END },
    [WH_CLOSE_WAIT] = { [WH_ON_CLOSE] = "RFC 9293 3.10.4", EARLY_END },
    [WH_CLOSING] = { [WH_ON_FIN_ACKED] = "RFC 9293 3.10.7.4, fifth", EARLY_END },
    [WH_LAST_ACK] = { [WH_ON_FIN_ACKED] = "RFC 9293 3.10.7.4, fifth", EARLY_END },
    [WH_TIME_WAIT] = { [WH_ON_TWO_MSL_OVER] = "RFC 9293 3.10.8",
                       [WH_ON_REOPENED] = "RFC 9293 3.6.1, MAY-2",
                       [WH_ON_GOT_RST] = "RFC 9293 3.10.7.4, second",
                       [WH_ON_ABORT] = "RFC 9293 3.10.5",
                       [WH_ON_GAVE_UP] = "ours: the table is full, or memory is" },
};

bool arc_exists(wh_state from, wh_arc_event event)
{
    return from < WH_STATE_COUNT && event < WH_ARC_EVENT_COUNT && arc[from][event] != 0;
}

wh_state arc_target(wh_state from, wh_arc_event event) { return (wh_state)(arc[from][event] - 1); }

int wh_arc(wh_state from, wh_arc_event event)
{
    return arc_exists(from, event) ? (int)arc_target(from, event) : -1;
}

const char *wh_arc_source(wh_state from, wh_arc_event event)
{
    return arc_exists(from, event) ? source[from][event] : "?";
}

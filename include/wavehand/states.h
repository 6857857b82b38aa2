/* SPDX-License-Identifier: MIT */
/*
 * The names of the state machine: the eleven states of RFC 9293, section 3.3.2,
 * and the events that lead from one to the next. The arcs between them are in
 * one table, src/tcp/machine.c; everything that speaks of states (traces,
 * ladders, diagrams, tests) takes its names from here.
 */
#ifndef WAVEHAND_STATES_H
#define WAVEHAND_STATES_H

/* X(identifier, name as RFC 9293 writes it). CLOSED comes first: zeroed memory is closed. */
#define WH_STATES(X)                                                                               \
    X(CLOSED, "CLOSED")                                                                            \
    X(LISTEN, "LISTEN")                                                                            \
    X(SYN_SENT, "SYN-SENT")                                                                        \
    X(SYN_RECEIVED, "SYN-RECEIVED")                                                                \
    X(ESTABLISHED, "ESTABLISHED")                                                                  \
    X(FIN_WAIT_1, "FIN-WAIT-1")                                                                    \
    X(FIN_WAIT_2, "FIN-WAIT-2")                                                                    \
    X(CLOSE_WAIT, "CLOSE-WAIT")                                                                    \
    X(CLOSING, "CLOSING")                                                                          \
    X(LAST_ACK, "LAST-ACK")                                                                        \
    X(TIME_WAIT, "TIME-WAIT")

/*
 * X(identifier, what happened). Events are derived facts, not header flags: a
 * FIN,ACK in FIN-WAIT-1 is FIN_ACKED and then GOT_FIN, and the two arcs compose.
 */
#define WH_ARC_EVENTS(X)                                                                           \
    X(PASSIVE_OPEN, "passive open")                                                                \
    X(ACTIVE_OPEN, "active open")                                                                  \
    X(GOT_SYN, "SYN received")                                                                     \
    X(GOT_SYN_ACK, "SYN,ACK received")                                                             \
    X(SYN_ACKED, "our SYN acknowledged")                                                           \
    X(CLOSE, "close")                                                                              \
    X(FIN_ACKED, "our FIN acknowledged")                                                           \
    X(GOT_FIN, "FIN received")                                                                     \
    X(GOT_RST, "RST received")                                                                     \
    X(GOT_RST_PASSIVE, "RST received, opened passively")                                           \
    X(ABORT, "abort")                                                                              \
    X(GAVE_UP, "gave up waiting")                                                                  \
    X(REOPENED, "new SYN in TIME-WAIT")                                                            \
    X(TWO_MSL_OVER, "2MSL elapsed")

#define WH_STATE_ENUM(id, name) WH_##id,
typedef enum wh_state { WH_STATES(WH_STATE_ENUM) WH_STATE_COUNT } wh_state;
#undef WH_STATE_ENUM

#define WH_ARC_ENUM(id, name) WH_ON_##id,
/* WH_ON_NOTHING means that no arc was taken. */
typedef enum wh_arc_event {
    WH_ON_NOTHING,
    WH_ARC_EVENTS(WH_ARC_ENUM) WH_ARC_EVENT_COUNT
} wh_arc_event;
#undef WH_ARC_ENUM

#endif

/* SPDX-License-Identifier: MIT */
/* The state machine itself, drawn from the table that the stack runs on. */
#ifndef WAVEHAND_VIEW_FSM_H
#define WAVEHAND_VIEW_FSM_H

#include <stdbool.h>
#include <stdio.h>

enum fsm_form {
    FSM_TEXT,    /* one arc a line: "SYN-SENT  SYN,ACK received  ESTABLISHED  RFC 9293 ..." */
    FSM_MERMAID, /* a stateDiagram-v2 of Mermaid */
    FSM_DOT,     /* a digraph of Graphviz */
};

#define FSM_EVERY_STATE (-1)

struct fsm_options {
    enum fsm_form form;
    /* Also the arcs that end a connection before its time: RST, abort, giving up. */
    bool all;
    int state; /* a wh_state: only arcs from it and into it; or FSM_EVERY_STATE */
};

/* Writes the diagram. False if `out` has an error. */
bool fsm_draw(FILE *out, const struct fsm_options *options);

#endif

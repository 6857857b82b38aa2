/* SPDX-License-Identifier: MIT */
/* The state machine itself, drawn from the table that the stack runs on. */
#ifndef WAVEHAND_VIEW_FSM_H
#define WAVEHAND_VIEW_FSM_H

#include <stdbool.h>
#include <stdio.h>

enum fsm_form {
    FSM_TEXT,    /* one arc a line: "SYN-SENT  SYN,ACK received  ESTABLISHED" */
    FSM_MERMAID, /* a stateDiagram-v2 of Mermaid */
    FSM_DOT,     /* a digraph of Graphviz */
};

/*
 * Writes the diagram. Without `all`, arcs that end a connection before its time
 * (RST, abort, giving up) are left out, as in figure 5 of RFC 9293. False if
 * `out` has an error.
 */
bool fsm_draw(FILE *out, enum fsm_form form, bool all);

#endif

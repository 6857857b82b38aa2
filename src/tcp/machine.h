/* SPDX-License-Identifier: MIT */
/*
 * The state machine: one table of arcs (figure 5 of RFC 9293, the whole of it).
 * step() in connection.h is the only writer of a state; everybody else may ask
 * the table where an arc leads.
 */
#ifndef WAVEHAND_TCP_MACHINE_H
#define WAVEHAND_TCP_MACHINE_H

#include <wavehand/wavehand.h>

/* True if the table has this arc. */
bool arc_exists(wh_state from, wh_arc_event event);
/* Where it leads; the arc must exist. */
wh_state arc_target(wh_state from, wh_arc_event event);

#endif

/* SPDX-License-Identifier: MIT */
/* The parts of the run, in the order in which cells_test.c takes them. */
#ifndef CELLS_CELLS_H
#define CELLS_CELLS_H

#include "judge.h"
#include "tally.h"

/* Both families at every placement; even numbers are IPv4. */
#define VARIANTS 8
struct variant variant_of(unsigned number);

/* Every scene, every kind of segment, every place of SEQ and ACK. */
void arrivals_run(struct tally *tally);
/* Every scene, every call. */
void calls_run(struct tally *tally);
/* Every scene, and a peer that falls silent. */
void silence_run(struct tally *tally);
/* What needs more than one segment or call, or another configuration. */
void corners_run(struct tally *tally);
/* The list of arcs that no cell took. */
void arcs_run(struct tally *tally);

/* IDs of the lifecycle lines and requirements that a group shows, or the section it is about. */
const char *shown_by_segment(wh_state state, const char *group);
const char *shown_by_call(wh_state state, enum call call);
const char *shown_by_silence(wh_state state);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The ladder: every connection's handshake, its close and whatever was out of
 * the ordinary between them, a line a segment, drawn live from trace records.
 *
 * Two rails, one for each end, show the end's state after the line's event; the
 * rung between them is the segment, with its flags at the sender's side. What
 * the drawing knows comes from the trace records of one end or of both. With
 * one end's records the other end is inferred by the observer of src/tcp.
 */
#ifndef WAVEHAND_VIEW_LADDER_H
#define WAVEHAND_VIEW_LADDER_H

#include <stdio.h>

#include <wavehand/link.h>

struct ladder;

enum ladder_side { LADDER_LEFT, LADDER_RIGHT };

struct ladder_options {
    FILE *out;
    unsigned width; /* columns; 80 at least, less is taken as 80 */
    bool colour;    /* ANSI colours */
    bool ascii;     /* nothing beyond ASCII */
    bool terminal;  /* somebody else writes there too: begin each block of lines on a fresh line */
    bool both_ends; /* records of both ends come; else only the right end's */
    const char *left, *right; /* names of the ends */
    wh_time start;            /* zero of the time column */
    wh_time two_msl;          /* how long an inferred TIME-WAIT may last */
};

/* NULL when there is no memory. */
struct ladder *ladder_new(const struct ladder_options *options);
/* Trace records of the stack at one end, in the order in which it made them. */
void ladder_records(struct ladder *ladder, enum ladder_side end, const wh_trace_record *records,
                    size_t n);
/* What fault rules did to segments; direction WH_A_TO_B is left to right. */
void ladder_notes(struct ladder *ladder, const wh_path_note *notes, size_t n);
/* So many trace records were overwritten before anybody could draw them. */
void ladder_lost(struct ladder *ladder, uint64_t records);
/* Draws what waited for more of its kind, or for word of its arrival, and need wait no longer. */
void ladder_flush(struct ladder *ladder, wh_time now);
/* When ladder_flush next has something to do, or WH_NEVER. */
wh_time ladder_wake(const struct ladder *ladder);
/* Draws all that is left, with a closing line for each open connection. False if `out` has an error. */
bool ladder_finish(struct ladder *ladder, wh_time now);
void ladder_free(struct ladder *ladder);

#endif

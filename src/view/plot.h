/* SPDX-License-Identifier: MIT */
/*
 * A connection as a picture: sequence numbers over time, windows, round-trip times and
 * throughput on one time axis, as an SVG that needs nothing else. docs/plot.md tells how to
 * read it.
 *
 *   plot.c        which connections there are, and which one is worth drawing
 *   plot_follow.c one connection: from trace records to marks
 *   plot_series.c marks in time order, thinned so that their number stays bounded
 *   plot_axis.c   scales, ticks and units
 *   plot_draw.c   the page, its words and its legends; plot_panel.c the panels
 *   plot_svg.c    shapes and text of an SVG
 *
 * All that is kept is bounded: a connection of a terabyte takes no more room, and makes no
 * larger picture, than one of a few megabytes.
 */
#ifndef WAVEHAND_VIEW_PLOT_H
#define WAVEHAND_VIEW_PLOT_H

#include <stdio.h>

#include <wavehand/link.h>

struct plot_options {
    const char *ours;    /* name of the end whose records come: "wavehand" */
    const char *theirs;  /* of the other: "program" */
    uint32_t connection; /* number of the one to draw, as the ladder counts; 0: what carried most */
    bool right;          /* the records' end is the right one of the path (wh_path_note) */
};

struct plot;

/* NULL without memory. The names stay the caller's. */
struct plot *plot_new(const struct plot_options *options);
void plot_free(struct plot *plot);

/* Records of the one end, in order; the stack must have been told trace_sender. */
void plot_records(struct plot *plot, const wh_trace_record *records, size_t n);
/* What fault rules did to segments between the ends. */
void plot_notes(struct plot *plot, const wh_path_note *notes, size_t n);
/* Records were lost: the picture has gaps, and says so. */
void plot_lost(struct plot *plot, uint64_t records);

/*
 * Writes the picture: a whole SVG document, even if there is nothing to be seen. False if it
 * could not be written.
 */
bool plot_draw(struct plot *plot, FILE *out);

#endif

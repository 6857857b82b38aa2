/* SPDX-License-Identifier: MIT */
/*
 * What a command shows of its stacks: the ladder, the trace file, the plot and the
 * capture file, all fed from the stacks' trace records. outputs_input and outputs_output
 * stand in for wh_input and wh_output, so that each captured packet can carry
 * the arc and the reason that its trace record tells. With nothing asked for
 * they only pass the call on.
 *
 * Several stacks may stand at one end, each with connections of its own; calls must not
 * overlap, and their times not go back.
 */
#ifndef WAVEHAND_CLI_OUTPUTS_H
#define WAVEHAND_CLI_OUTPUTS_H

#include <stdio.h>

#include <wavehand/link.h>

#include "cli/options.h"
#include "view/ladder.h"

struct outputs;

struct outputs_plan {
    const char *left, *right; /* what the ladder calls the ends: "program", "wavehand" */
    bool both_ends;           /* records of both ends will come; else the left end is inferred */
    bool ladder_by_default;   /* draw the ladder even if standard error is no terminal */
    FILE *ladder_stream;      /* where it goes unless to a file of its own; NULL: standard error */
    wh_time start;            /* the ladder's zero, on the stacks' clock */
    uint64_t wall;            /* nanoseconds since 1970 at `start`, for the capture file */
    wh_time two_msl;          /* how long an inferred TIME-WAIT may last */
    enum ladder_side capture; /* at which end the capture file is written */
};

/*
 * Opens what the options ask for. NULL, after one line on standard error, if a
 * file cannot be created. Never NULL because nothing is asked for.
 */
struct outputs *outputs_open(const struct options *options, const struct outputs_plan *plan);

/* True if anything is shown: give the stack a trace (wh_config.trace_records) then. */
bool outputs_wanted(const struct outputs *outputs);

/* True if it wants records of kind WH_TRACE_SENDER as well (wh_config.trace_sender). */
bool outputs_want_sender(const struct outputs *outputs);

/* wh_input and wh_output of the stack at this end. Call them for every batch, or frame numbers go astray. */
void outputs_input(struct outputs *outputs, enum ladder_side end, wh_stack *host,
                   const wh_frame *frames, size_t n, wh_time now);
size_t outputs_output(struct outputs *outputs, enum ladder_side end, wh_stack *host,
                      wh_frame *frames, size_t cap, wh_time now);
/* After calls of the application: shows the changes of state that they made. */
void outputs_calls(struct outputs *outputs, enum ladder_side end, wh_stack *host);
/* Takes what the path's fault rules did (wh_path_options.notes > 0); call after wh_path_send. */
void outputs_path(struct outputs *outputs, wh_path *path);

/* Tells of an arriving frame that was lost between threads (WH_WHY_HANDOFF_FULL). */
void outputs_lost(struct outputs *outputs, const wh_frame *frame, wh_time now);

/* Writes what waits to be told apart or folded. Call at the end of each round of the loop. */
void outputs_flush(struct outputs *outputs, wh_time now);
/* When outputs_flush next has something to write if nothing else happens, or WH_NEVER. */
wh_time outputs_wake(const struct outputs *outputs);

/*
 * Finishes the ladder, closes the files and frees everything. -1, after one line
 * on standard error, if something could not be written in full (a full disk).
 */
int outputs_close(struct outputs *outputs);

#endif

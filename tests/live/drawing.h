/* SPDX-License-Identifier: MIT */
/* Ladders of a failure, printed so that a reader of the Test Anything Protocol passes over them. */
#ifndef WAVEHAND_LIVE_DRAWING_H
#define WAVEHAND_LIVE_DRAWING_H

#include "stage.h"
#include "view/ladder.h"

struct drawing {
    FILE *stream;
    char *text;
    size_t size;
    struct ladder *ladder;
};

void drawing_begin(struct drawing *drawing);
/* What a host's trace tells, and what the wire did to a frame; NULL is allowed and draws nothing. */
void drawing_records(struct drawing *drawing, int side, const wh_trace_record *records, size_t n);
void drawing_harm(struct drawing *drawing, wh_time now, int from, enum harm harm, uint8_t *bytes,
                  size_t length);
/* Prints it on standard output, each line a comment. */
void drawing_print(struct drawing *drawing, wh_time now);

#endif

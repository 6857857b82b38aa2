/* SPDX-License-Identifier: MIT */
/* What becomes of a case that was played: its capture files, and a line that tells the truth. */
#ifndef WAVEHAND_TRUTH_LABEL_H
#define WAVEHAND_TRUTH_LABEL_H

#include <stdio.h>

#include "scenario.h"

struct label {
    const char *directory;
    unsigned long number;
    const struct scenario *scenario;
    FILE *out;
};

/*
 * Takes the packets that the capture is to lose off the tapes, writes the files, and a
 * line of JSON to label->out. A capture from a place where there is no case is not
 * written; that is no error. False, and says why, if a file could not be written.
 */
bool label_write(const struct label *label, struct ground *ground);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * cells_test [-a] [-v] [WORDS...]
 *
 * Runs every cell, or those whose words contain each of WORDS: a failure's line,
 * given as one argument, runs that cell alone. -v tells each cell and what comes
 * and goes in it; -a takes every placement in both families. One line a group in
 * the Test Anything Protocol; see docs/testing-cells.md.
 */
#include <stdio.h>
#include <string.h>

#include "cells.h"

int main(int argc, char **argv)
{
    static struct tally tally;
    for (int i = 1; i < argc && tally.onlys < 16; i++)
        if (strcmp(argv[i], "-v") == 0)
            tally.verbose = true;
        else if (strcmp(argv[i], "-a") == 0)
            tally.all = true;
        else
            tally.only[tally.onlys++] = argv[i];
    printf("TAP version 13\n");
    arrivals_run(&tally);
    calls_run(&tally);
    silence_run(&tally);
    corners_run(&tally);
    arcs_run(&tally);
    for (unsigned i = 0; i < tally.choice_count; i++)
        printf("# chosen in %s: %s (%lu times)\n", wh_state_name(tally.choices[i].state),
               tally.choices[i].choice, tally.choices[i].times);
    printf("1..%lu\n# %lu passed, %lu failed\n", tally.groups, tally.groups - tally.failed,
           tally.failed);
    printf("# %lu cells\n", tally.cells);
    return tally.failed == 0 && tally.groups != 0 ? 0 : 1;
}

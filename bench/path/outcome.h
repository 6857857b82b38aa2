/* SPDX-License-Identifier: MIT */
/* What a run of a cell came to, and the one form in which all programs of the grid print it. */
#ifndef BENCH_PATH_OUTCOME_H
#define BENCH_PATH_OUTCOME_H

#include <stdio.h>

#include "cell.h"

enum { OUTCOME_TICKS = 1024 };

struct outcome {
    const struct cell *cell;
    const char *ends; /* who sent to whom: "wavehand", "lwip", "linux" */
    wh_time start;    /* the last of the connections was open */
    wh_time end;
    uint64_t bytes[CELL_FLOWS]; /* that the receiving application read */
    /* bytes[], OUTCOME_TICKS times in cell->time, for what comes after the beginning. */
    uint64_t tick[OUTCOME_TICKS][CELL_FLOWS];
    unsigned ticks;
    /* Of the senders, all flows together; UINT64_MAX: not known. */
    uint64_t retransmitted; /* bytes */
    uint64_t timeouts;
    double core;        /* seconds of a core that the run took; 0: not known */
    wh_path_stats path; /* of the direction of the data; size 0: not known */
};

/* The connections are open. */
void outcome_begin(struct outcome *outcome, const struct cell *cell, const char *ends, wh_time now);
/* Told often, as time passes; true once the run is over. */
bool outcome_over(struct outcome *outcome, wh_time now);
/* When outcome_over wants to be asked next at the latest. */
wh_time outcome_next(const struct outcome *outcome);

/* Bits of application data a second, all flows together. */
double outcome_goodput(const struct outcome *outcome);
/* The same in the second half of the run alone: without slow start. */
double outcome_late(const struct outcome *outcome);
/* Jain's index of the flows in the second half: from 1/n (one has all) to 1 (all alike). */
double outcome_fairness(const struct outcome *outcome);
/* (sum x)^2 / (n sum x^2); 1 if nobody has anything. Jain, Chiu and Hawe 1984. */
double jain(const double *share, unsigned n);

/* One line of JSON; `text` is the cell as it was given. */
void outcome_print(const struct outcome *outcome, const char *text, FILE *out);

#endif

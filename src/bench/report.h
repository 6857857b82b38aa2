/* SPDX-License-Identifier: MIT */
/* How a figure is printed: for people, or as a line of JSON. */
#ifndef WAVEHAND_BENCH_REPORT_H
#define WAVEHAND_BENCH_REPORT_H

#include "bench/bench.h"

/* The row of a task with all its rounds, n at least 1. False if it could not be written. */
bool report_figure(const struct bench_task *task, const double *rounds, unsigned n, FILE *out);

#endif

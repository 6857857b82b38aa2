/* SPDX-License-Identifier: MIT */
/* How a figure is printed: for people, or as a line of JSON. */
#ifndef WAVEHAND_BENCH_REPORT_H
#define WAVEHAND_BENCH_REPORT_H

#include "bench/bench.h"

/* The row of a task with all its rounds, n at least 1. False if it could not be written. */
bool report_figure(const struct bench_task *task, const double *rounds, unsigned n, FILE *out);

/* Where a task's row stands on a curve of growth. */
struct report_point {
    const char *curve, *x_unit;
    uint64_t x;
};
/* The same as a point of a curve, in JSON always. */
bool report_point(const struct bench_task *task, const struct report_point *point,
                  const double *rounds, unsigned n, FILE *out);

#endif

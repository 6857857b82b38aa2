/* SPDX-License-Identifier: MIT */
/* What the benchmarks in C share: a clock, and the one form in which they print a figure. */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* bench/run reads these lines: key, value and unit between tabs. */
static inline void figure(const char *key, double value, const char *unit)
{
    printf("%s\t%.6g\t%s\n", key, value, unit);
    fflush(stdout);
}

#endif

/* SPDX-License-Identifier: MIT */
/* What the benchmarks in C share: clocks, and the one form in which they print a figure. */
#ifndef BENCH_FIGURE_H
#define BENCH_FIGURE_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline double clock_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline double seconds(void) { return clock_seconds(CLOCK_MONOTONIC); }

/* Time that this process has had a core: what is measured in memory alone is not slower on a busy machine. */
static inline double cpu_seconds(void) { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID); }

/* bench/run reads these lines: key, value and unit between tabs. */
static inline void figure(const char *key, double value, const char *unit)
{
    printf("%s\t%.6g\t%s\n", key, value, unit);
    fflush(stdout);
}

#endif

/* SPDX-License-Identifier: MIT */
/* What is told of the rounds of a figure. */
#ifndef WAVEHAND_BENCH_STATISTICS_H
#define WAVEHAND_BENCH_STATISTICS_H

#include <stddef.h>

struct statistics {
    double median; /* of an even number: the mean of the middle two */
    double least, most;
};

/* n is at least 1. The values stay as they are. */
struct statistics statistics_of(const double *values, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
#include "bench/statistics.h"

/* How many are less than values[i]; of equals, those that stand before it count as less. */
static size_t rank_of(const double *values, size_t n, size_t i)
{
    size_t rank = 0;
    for (size_t k = 0; k < n; k++) {
        rank += values[k] < values[i] || (k < i && values[k] == values[i]);
    }
    return rank;
}

/* Rounds are few: looking for the value of a rank by counting costs nothing, and needs no copy to sort. */
static double ranked(const double *values, size_t n, size_t rank)
{
    size_t i = 0;
    while (i + 1 < n && rank_of(values, n, i) != rank) {
        i++;
    }
    return values[i];
}

struct statistics statistics_of(const double *values, size_t n)
{
    return (struct statistics){
        .median = (ranked(values, n, (n - 1) / 2) + ranked(values, n, n / 2)) / 2,
        .least = ranked(values, n, 0),
        .most = ranked(values, n, n - 1),
    };
}

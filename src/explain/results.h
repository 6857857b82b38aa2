/* SPDX-License-Identifier: MIT */
/*
 * Explanations that wait for the summary, which comes first. They wait in a
 * temporary file without a name, not in memory: a capture may hold millions of
 * connections that are over. Reading goes over the file once for each verdict.
 */
#ifndef WAVEHAND_EXPLAIN_RESULTS_H
#define WAVEHAND_EXPLAIN_RESULTS_H

#include "explain/patterns.h"

/* Which connections are wanted. Zeroes: all. */
struct wanted {
    const uint64_t *number;
    size_t numbers;
    bool by_address;
    wh_addr address;
    unsigned prefix;   /* bits of it that count */
    uint16_t port;     /* at either end; 0: any */
    uint64_t verdicts; /* bit set of enum verdict_kind; 0: any */
    unsigned grades;   /* bit set of enum grade; 0: any */
};

bool wanted_is(const struct wanted *wanted, const struct explanation *explanation);

/* Connections by verdict, and what else there is to say first. */
struct summary {
    const char *const *files;
    unsigned file_count;
    struct explain_counts counts;
    uint64_t lost; /* packets lost by the captures themselves */
    uint64_t by_verdict[VERDICT_COUNT];
    uint64_t example[VERDICT_COUNT]; /* number of the first such connection */
    uint64_t in_patterns;            /* connections folded into patterns */
    uint64_t unwanted;
};

struct results;

/* store_clean: keep those that are as they should be, too. NULL, errno set, without a temporary file. */
struct results *results_new(const struct wanted *wanted, bool store_clean);
void results_free(struct results *results);
/* False if it could not be stored (errno): it is counted all the same. */
bool results_take(struct results *results, const struct explanation *explanation);
/* Counts by verdict, patterns taken out; the rest of the summary is the caller's. */
void results_sum(struct results *results, struct summary *summary);
const struct pattern *results_pattern(struct results *results, unsigned i);
/*
 * Goes over the stored ones of this verdict (VERDICT_COUNT: of all), in the order
 * in which they ended, leaving out those that belong to a pattern. What `each` gets is
 * valid during the call. each answers false to stop. False when reading failed (errno).
 */
bool results_each(struct results *results, enum verdict_kind kind,
                  bool (*each)(void *context, const struct explanation *explanation),
                  void *context);

#endif

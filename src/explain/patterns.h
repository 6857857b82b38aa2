/* SPDX-License-Identifier: MIT */
/*
 * Openings that mean something only together: floods of SYNs at one port, and one
 * host that tries many ports or hosts. Both are folded into one line.
 */
#ifndef WAVEHAND_EXPLAIN_PATTERNS_H
#define WAVEHAND_EXPLAIN_PATTERNS_H

#include "explain/explain.h"

/* So many unfinished openings of one port are a flood; so many different targets a scan. */
#define FLOOD_LEAST 100
#define SCAN_LEAST 20

struct pattern {
    enum verdict_kind kind; /* VERDICT_SYN_FLOOD, VERDICT_SCAN */
    wh_endpoint end;        /* whom the flood meets; who scans (port 0) */
    uint64_t connections;
    uint64_t others; /* about so many different sources, or targets */
    uint64_t first;  /* the first one's number */
    wh_time began, over;
    uint64_t answered[3]; /* of a scan: refused, not answered, answered and given up */
    char text[VERDICT_TEXT];
};

struct patterns;

struct patterns *patterns_new(void);
void patterns_free(struct patterns *patterns);
/* Counts a connection, if it is one that never opened. */
void patterns_take(struct patterns *patterns, const struct explanation *explanation);
/* The pattern that a connection belongs to, or NULL; only when all were taken. Its text is made. */
const struct pattern *patterns_of(struct patterns *patterns, const struct explanation *explanation);
/* The i-th pattern there is, or NULL when there are no more. */
const struct pattern *patterns_nth(struct patterns *patterns, unsigned i);

#endif

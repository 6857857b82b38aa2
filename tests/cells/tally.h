/* SPDX-License-Identifier: MIT */
/*
 * The count of cells, one TAP line a group; which cells are to be run; which
 * conformant outcomes came; and which arcs were taken.
 */
#ifndef CELLS_TALLY_H
#define CELLS_TALLY_H

#include <wavehand/wavehand.h>

struct tally {
    unsigned long groups, failed, cells;
    const char *only[16]; /* words a case must have to be run */
    unsigned onlys;
    bool verbose; /* tell each case */
    bool all;     /* segments: every placement in both families */
    unsigned long group_cells, group_failures;
    uint64_t arcs[WH_STATE_COUNT][WH_ARC_EVENT_COUNT]; /* times taken */
    struct choice {
        const char *choice; /* of several */
        wh_state state;
        unsigned long times;
    } choices[128];
    unsigned choice_count;
};

/* True if this case is to be run; its words are made only where they matter. */
bool tally_wants(const struct tally *tally, const char *words);
/* False if no case whose words begin so can be wanted. */
bool tally_may_want(const struct tally *tally, const char *beginning);
void tally_failure(struct tally *tally, const char *words, const char *why);
/* "ok N - IDS title (M cells)". */
void tally_group(struct tally *tally, const char *ids, const char *title);
/* Remembers which of several conformant outcomes came. */
void tally_choice(struct tally *tally, wh_state state, const char *choice);
/* Takes the stack's trace and counts the arcs it shows. */
void tally_arcs(struct tally *tally, wh_stack *host);

#endif

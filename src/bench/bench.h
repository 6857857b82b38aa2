/* SPDX-License-Identifier: MIT */
/*
 * The benchmark suite: what a stack does in memory alone, as rows of figures.
 *
 * A row is a kind of work and its parameters; a kind is three functions. Setting up
 * is not measured. A row is measured in several rounds, each of them about as long as
 * the plan says, in time that the core was ours (machine.h); the payload is verified
 * before, in a pass of its own. Whatever goes wrong ends the bench: a figure of a
 * stack that does not do its work is none.
 */
#ifndef WAVEHAND_BENCH_BENCH_H
#define WAVEHAND_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/checksum.h"

struct world;

#define BENCH_ROUNDS_MOST 99
#define BENCH_NOTES 6

struct bench_plan {
    bool quick;                      /* short rounds, and no row that takes long to set up */
    bool full;                       /* also rows that want most of a large machine's memory */
    bool json;                       /* a JSON object a line instead of columns */
    const char *only;                /* names, as shell patterns between commas; NULL: all */
    unsigned rounds;                 /* 1 to BENCH_ROUNDS_MOST */
    double seconds;                  /* a round, of a core's time */
    const struct checksum *checksum; /* what both stacks use; never NULL */
    const char *who;                 /* last part of each name: "wavehand" */
    int core[2];                     /* that may be used; core[1] is -1 if there is but one */
    /* For tests: spoils frames on their way (world.h). NULL: nobody does. */
    void (*spoil)(struct world *world, uint8_t *frame, size_t length);
};

struct bench_note {
    const char *name; /* "time_wait" */
    double value;
};

struct bench_row;

/* A row while it is measured. */
struct bench_task {
    const struct bench_row *row;
    const struct bench_plan *plan;
    void *state; /* the kind's own, from prepare to release */
    double value;
    struct bench_note note[BENCH_NOTES]; /* of the last round */
    unsigned notes;
    char failed[128]; /* what went wrong first, for people; empty: all is well */
};

struct bench_kind {
    void (*prepare)(struct bench_task *task);                 /* sets up, and verifies payload */
    void (*measure)(struct bench_task *task, double seconds); /* one round, to `value` and notes */
    void (*release)(struct bench_task *task);                 /* whatever has failed before */
    bool once; /* a round more would tell nothing new: sizes, not speeds */
};

enum bench_level { BENCH_QUICK, BENCH_NORMAL, BENCH_FULL };

struct bench_row {
    const char *name; /* "bulk_1500" */
    const char *unit;
    enum bench_level level; /* measured from this on */
    unsigned gib;           /* of memory needed, 0 for little */
    unsigned cores;         /* needed */
    const struct bench_kind *kind;
    const void *parameters; /* the kind's */
    const char *what;       /* one line for people */
};

extern const struct bench_row bench_rows[];
extern const size_t bench_row_count;

/* Fills in a plan for `wavehand bench` without options. */
void bench_plan_init(struct bench_plan *plan);
/* True if `name` is one of the patterns of plan->only; "core." in front of either may be left out. */
bool bench_named(const struct bench_plan *plan, const char *name);
/* Lists all rows for people. */
void bench_list(FILE *out);
/*
 * Measures what the plan asks for and prints it, a row as soon as it is there. A row that
 * this machine has not the memory or the cores for is named on `errors` and left out.
 * 0; -1, after one line about it, if something went wrong or nothing was measured.
 */
int bench_run(const struct bench_plan *plan, FILE *out, FILE *errors);

/*
 * How each of those grows: the same work over two decades or more of something, a JSON
 * object a line, {"growth", "x", "x_unit", "median", "least", "most", "unit", "notes", "who"}.
 * plan->only names curves. Result as bench_run.
 */
int bench_growth(const struct bench_plan *plan, FILE *out, FILE *errors);
void bench_growth_list(FILE *out);

/* Keeps this thread on the plan's first core, or says that it cannot be. */
void bench_stay(const struct bench_plan *plan, FILE *errors);
/* True if a row can be had here; what is missing is said. */
bool bench_possible(const struct bench_row *row, const struct bench_plan *plan, FILE *errors);
/* Measures all rounds of a row, to rounds[BENCH_ROUNDS_MOST]; how many. 0: it failed, and that was said. */
unsigned bench_rounds(struct bench_task *task, double *rounds, FILE *errors);

/* Notes what went wrong, if it is the first thing. NULL: nothing. */
void bench_fail(struct bench_task *task, const char *what);
/* Adds a note to the row, or sets it anew. */
void bench_note(struct bench_task *task, const char *name, double value);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Marks in order of time. When there are too many, those that fall into the same short stretch
 * of time become one, which keeps the extremes of what it stands for; stretches double until
 * few enough are left.
 */
#ifndef WAVEHAND_VIEW_PLOT_SERIES_H
#define WAVEHAND_VIEW_PLOT_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wavehand/wavehand.h>

struct plot_mark {
    wh_time first, last; /* one instant, unless several were folded */
    int64_t low, high;   /* least and greatest value; of a range, [low, high) */
    int64_t value;       /* the last one */
    uint32_t count;      /* marks folded into this one, itself included */
    uint32_t kind;       /* marks of different kinds stay apart */
};

enum plot_fold {
    FOLD_VALUES, /* a value that changes: one mark a stretch */
    FOLD_RANGES, /* pieces: those that touch become one; all of one kind only if nothing else helps */
};

struct plot_series {
    struct plot_mark *marks;
    size_t count, room;
    enum plot_fold fold;
    wh_time stretch; /* 0: nothing was folded yet */
    bool failed;     /* there was no memory; what came then is missing */
};

void series_free(struct plot_series *series);
/*
 * Adds a mark no earlier than the last. Beyond `most` marks (at least 16) the series is thinned
 * to half of that.
 */
void series_add(struct plot_series *series, const struct plot_mark *mark, size_t most);
/* One value at one instant. */
void series_value(struct plot_series *series, wh_time time, int64_t value, size_t most);
/* Folds until at most `target` marks are left. */
void series_thin(struct plot_series *series, size_t target);
/* A copy of the marks from one time to another, thinned; false without memory. */
bool series_copy(const struct plot_series *from, struct plot_series *to, size_t target);
/* The value that holds at a time: of the last mark that is not later; `before` if there is none. */
int64_t series_at(const struct plot_series *series, wh_time time, int64_t before);
/* The greatest value of all marks, or `none`. */
int64_t series_greatest(const struct plot_series *series, int64_t none);

#endif

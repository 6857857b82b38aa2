/* SPDX-License-Identifier: MIT */
#include "view/plot_series.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* Pieces of one stretch that are looked at for one that touches. */
#define NEIGHBOURS 32

void series_free(struct plot_series *series)
{
    free(series->marks);
    *series = (struct plot_series){ .fold = series->fold };
}

static bool make_room(struct plot_series *series)
{
    if (series->count < series->room) {
        return true;
    }
    size_t room = series->room == 0 ? 16 : series->room * 2;
    struct plot_mark *marks = realloc(series->marks, room * sizeof *marks);
    if (marks == NULL) {
        series->failed = true;
        return false;
    }
    series->marks = marks;
    series->room = room;
    return true;
}

void series_add(struct plot_series *series, const struct plot_mark *mark, size_t most)
{
    if (series->count >= most) {
        series_thin(series, most / 2);
    }
    if (make_room(series)) {
        series->marks[series->count++] = *mark;
    }
}

void series_value(struct plot_series *series, wh_time time, int64_t value, size_t most)
{
    const struct plot_mark mark = { time, time, value, value, value, 1, 0 };
    series_add(series, &mark, most);
}

/* --------------------------------------------------------------- folding -- */

static void fold_into(struct plot_mark *sum, const struct plot_mark *mark)
{
    sum->first = MIN(sum->first, mark->first);
    sum->last = MAX(sum->last, mark->last);
    sum->low = MIN(sum->low, mark->low);
    sum->high = MAX(sum->high, mark->high);
    sum->value = mark->value;
    sum->count += mark->count;
}

static bool touch(const struct plot_mark *a, const struct plot_mark *b)
{
    return a->low <= b->high && b->low <= a->high;
}

/* The mark among `marks`, all of one stretch, that this one may be folded into. */
static struct plot_mark *partner(struct plot_mark *marks, size_t n, const struct plot_mark *mark,
                                 enum plot_fold fold, bool pressed)
{
    for (size_t i = n; i > 0 && n - i < NEIGHBOURS; i--) {
        struct plot_mark *candidate = &marks[i - 1];
        if (candidate->kind == mark->kind &&
            (fold == FOLD_VALUES || pressed || touch(candidate, mark))) {
            return candidate;
        }
    }
    return NULL;
}

static void fold_once(struct plot_series *series, wh_time stretch, bool pressed)
{
    struct plot_mark *marks = series->marks;
    wh_time origin = marks[0].first;
    uint64_t current = 0;
    size_t begin = 0; /* of this stretch, among what is kept */
    size_t kept = 0;
    for (size_t i = 0; i < series->count; i++) {
        uint64_t here = (marks[i].first - origin) / stretch;
        if (here != current) {
            current = here;
            begin = kept;
        }
        struct plot_mark *sum =
            partner(marks + begin, kept - begin, &marks[i], series->fold, pressed);
        if (sum != NULL) {
            fold_into(sum, &marks[i]);
        } else {
            marks[kept++] = marks[i];
        }
    }
    series->count = kept;
}

void series_thin(struct plot_series *series, size_t target)
{
    if (series->count <= target || series->count < 2) {
        return;
    }
    const struct plot_mark *last = &series->marks[series->count - 1];
    wh_time span = last->first - series->marks[0].first;
    wh_time least = span / (2 * target + 1) + 1;
    wh_time stretch = MAX(series->stretch, least);
    /* Pieces that do not touch stay apart if stretches up to a 64th of all time let enough others go. */
    for (; series->count > target && stretch <= span / 64 + 1; stretch *= 2) {
        fold_once(series, stretch, false);
        series->stretch = stretch;
    }
    for (stretch = least; series->count > target && stretch <= 2 * span + 1; stretch *= 2) {
        fold_once(series, stretch, true);
        series->stretch = MAX(series->stretch, stretch);
    }
}

bool series_copy(const struct plot_series *from, struct plot_series *to, size_t target)
{
    *to = (struct plot_series){ .fold = from->fold };
    if (from->count == 0) {
        return true;
    }
    to->marks = malloc(from->count * sizeof *to->marks);
    if (to->marks == NULL) {
        return false;
    }
    memcpy(to->marks, from->marks, from->count * sizeof *to->marks);
    to->count = to->room = from->count;
    series_thin(to, target);
    return true;
}

/* ---------------------------------------------------------------- asking -- */

int64_t series_at(const struct plot_series *series, wh_time time, int64_t before)
{
    size_t low = 0;
    size_t high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->marks[middle].last <= time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? series->marks[low - 1].value : before;
}

int64_t series_greatest(const struct plot_series *series, int64_t none)
{
    int64_t greatest = none;
    for (size_t i = 0; i < series->count; i++) {
        greatest = i == 0 ? series->marks[i].high : MAX(greatest, series->marks[i].high);
    }
    return greatest;
}

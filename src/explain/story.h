/* SPDX-License-Identifier: MIT */
/*
 * The lines of one connection's ladder, kept within a bound: the first ones and
 * the last ones, and how many were left out between. Data that went as it should
 * is folded into one line.
 */
#ifndef WAVEHAND_EXPLAIN_STORY_H
#define WAVEHAND_EXPLAIN_STORY_H

#include "explain/explain.h"

struct story {
    struct line *line;
    unsigned count, room, most;
    unsigned tail;     /* where the oldest of the last ones stands, once lines are left out */
    uint64_t added;    /* in all, folds and left out ones included */
    uint64_t left_out; /* packets */
    bool fold_open;    /* the newest line is a fold that more may join */
    bool failed;       /* there was no memory */
    unsigned turns;    /* of conversation shown so far */
};

void story_free(struct story *story);
/* A line of its own. Returns where it stands, or NULL: none are kept, or no memory. */
struct line *story_add(struct story *story, const struct line *line, unsigned most);
/* A segment with nothing out of the ordinary. */
void story_fold(struct story *story, const struct line *line, unsigned most);
/* The line added as number `index` (story.added before it), or NULL if it is gone. */
struct line *story_at(const struct story *story, uint64_t index);
/* Puts the lines in order; nothing may be added afterwards. */
void story_finish(struct story *story);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The lines of one connection's ladder, kept within a bound: the first ones and
 * the last ones, and how many were left out between. Data that went as it should
 * is folded into one line.
 */
#ifndef WAVEHAND_EXPLAIN_STORY_H
#define WAVEHAND_EXPLAIN_STORY_H

#include "explain/explain.h"

/* A segment on its way into a fold. */
struct folded {
    unsigned from;
    uint32_t length;
    enum mark mark;
    uint64_t number;
    wh_time when;
    uint16_t states[2]; /* of both ends, afterwards */
};

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
/*
 * The fold that a segment with nothing out of the ordinary joins, or NULL: it must
 * begin one (story_begin_fold), unless it has no data. from, length: who sent how
 * many bytes.
 */
struct line *story_fold(struct story *story, unsigned from, uint32_t length);
/* ... as this line, which it then joins (story_join). NULL: none are kept, or no memory. */
struct line *story_begin_fold(struct story *story, const struct line *line, unsigned most);
/* Counts a segment in. */
void story_join(struct line *fold, const struct folded *folded);
/* The line added as number `index` (story.added before it), or NULL if it is gone. */
struct line *story_at(const struct story *story, uint64_t index);
/* Puts the lines in order; nothing may be added afterwards. */
void story_finish(struct story *story);

#endif

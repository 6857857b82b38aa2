/* SPDX-License-Identifier: MIT */
/* Holds what happened on the stage against what the oracle allows. */
#ifndef CELLS_JUDGE_H
#define CELLS_JUDGE_H

#include "scene.h"

/* What was seen of one cell. */
struct observed {
    wh_state state; /* WH_CLOSED where no record is left */
    int64_t read;   /* bytes the program could read, those from before included */
    bool eof;
    int error; /* of the handle; of reading */
    bool handle;
    bool restarted; /* 2MSL */
};

/* Looks at the stage after a cell: lets time pass for delayed ACKs, reads, asks. */
void judge_look(struct stage *stage, const struct facts *before, struct observed *observed);
/* The outcome that fits, or -1 with stage->why saying what came and what was allowed. */
int judge(struct stage *stage, const struct facts *before, const struct expectation *expectation,
          const struct observed *observed);

/* NULL if what has left is this reply, at `start` unless it may come later; else what is wrong. */
const char *reply_misfit(const struct stage *stage, const struct reply *reply, wh_time start);

#endif

/* SPDX-License-Identifier: MIT */
/* Explanations in words and ladders, for a terminal. Pure drawing. */
#ifndef WAVEHAND_VIEW_EXPLAIN_TEXT_H
#define WAVEHAND_VIEW_EXPLAIN_TEXT_H

#include "explain/results.h"
#include "view/rung.h"

/*
 * One connection: what it is, the verdict, the ladder, what was measured. files: the
 * names of the points, to tell which file a packet is in; one alone is not named.
 */
void explain_text_connection(struct text *text, const struct drawing *drawing,
                             const struct explanation *explanation, const char *const *files);
/* One line of a ladder alone, for following a live capture. */
void explain_text_line(struct text *text, const struct drawing *drawing,
                       const struct explanation *so_far, const struct line *line);
/* The summary: what was read, and how many connections came to which verdict, worst first. */
void explain_text_summary(struct text *text, const struct drawing *drawing,
                          const struct summary *summary);
/* Openings folded into one line. */
void explain_text_pattern(struct text *text, const struct drawing *drawing,
                          const struct pattern *pattern);

#endif

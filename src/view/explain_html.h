/* SPDX-License-Identifier: MIT */
/*
 * Explanations as one page of HTML that needs nothing else: no network, no other
 * file. The page itself is in src/view/page; here its data are written into it, one
 * connection after the other, so that none is kept.
 */
#ifndef WAVEHAND_VIEW_EXPLAIN_HTML_H
#define WAVEHAND_VIEW_EXPLAIN_HTML_H

#include <stdio.h>

#include "explain/results.h"

/* Everything up to the first connection. left_out: connections that will not be in the page. */
bool explain_html_begin(FILE *out, const struct summary *summary, struct results *results,
                        uint64_t left_out);
bool explain_html_connection(FILE *out, const struct explanation *explanation);
/* The rest. False, as the others, if `out` has an error. */
bool explain_html_end(FILE *out);

#endif

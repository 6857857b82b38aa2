/* SPDX-License-Identifier: MIT */
/* Explanations as JSON, one object a line; docs/explain-json.md has the schema. */
#ifndef WAVEHAND_VIEW_EXPLAIN_JSON_H
#define WAVEHAND_VIEW_EXPLAIN_JSON_H

#include <stdio.h>

#include "explain/results.h"

#define EXPLAIN_JSON_SCHEMA 1

/* Each writes one line. False when it could not be written, or there is no memory. */
bool explain_json_summary(FILE *out, const struct summary *summary);
bool explain_json_pattern(FILE *out, const struct pattern *pattern);
bool explain_json_connection(FILE *out, const struct explanation *explanation, bool ladder);

#endif

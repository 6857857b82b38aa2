/* SPDX-License-Identifier: MIT */
/* Explanations as JSON, one object a line; docs/explain-json.md has the schema. */
#ifndef WAVEHAND_VIEW_EXPLAIN_JSON_H
#define WAVEHAND_VIEW_EXPLAIN_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "explain/results.h"

#define EXPLAIN_JSON_SCHEMA 1
/* How it is written: json_dumps' flags. */
#define EXPLAIN_JSON_FORM (JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12))

/* The same as objects, for whoever adds to them; NULL without memory. */
json_t *explain_json_summary_object(const struct summary *summary);
json_t *explain_json_connection_object(const struct explanation *explanation, bool ladder);

/* Each writes one line. False when it could not be written, or there is no memory. */
bool explain_json_summary(FILE *out, const struct summary *summary);
bool explain_json_pattern(FILE *out, const struct pattern *pattern);
bool explain_json_connection(FILE *out, const struct explanation *explanation, bool ladder);

#endif

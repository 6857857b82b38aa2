/* SPDX-License-Identifier: MIT */
/* The trace file: JSON lines, one event each. docs/trace.md is its schema. */
#ifndef WAVEHAND_VIEW_TRACE_JSON_H
#define WAVEHAND_VIEW_TRACE_JSON_H

#include <stdio.h>

#include <wavehand/link.h>

/* The schema's version; a field's meaning never changes within one, fields may be added. */
#define TRACE_JSON_VERSION 1

/*
 * Each writes one line and answers false if it could not be written (or there
 * was no memory). `end` names the stack, or the side, that tells the event;
 * `start` is the zero of the time field.
 */
bool trace_json_begin(FILE *out, const char *left, const char *right, uint64_t wall);
bool trace_json_record(FILE *out, const char *end, const wh_trace_record *record, wh_time start);
bool trace_json_note(FILE *out, const wh_path_note *note, wh_time start);
bool trace_json_lost(FILE *out, const char *end, uint64_t records);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Several captures as one, in order of time. Captures taken at the two ends of the
 * same connections have clocks that differ: the offset is estimated from packets
 * that are in both, as NTP would (RFC 5905 8), before anything is read.
 */
#ifndef WAVEHAND_EXPLAIN_SOURCE_H
#define WAVEHAND_EXPLAIN_SOURCE_H

#include "link/capture_read.h"

#define SOURCE_FILES 32

struct source;

/*
 * Opens the files ("-": standard input, at most once). On failure answers a wh_error
 * and writes a line to error.
 */
int source_open(struct source **source, const char *const *files, unsigned n, char *error,
                size_t error_size);
/*
 * The next packet, its time on the first file's clock, and its file. 1; 0 at the end of
 * all; WH_E_IO when one file is damaged or cut short, with a line in error: the others
 * go on with the next call.
 */
int source_next(struct source *source, struct captured *captured, uint32_t *point, char *error,
                size_t error_size);
/* What is taken off this file's times, in nanoseconds; *matches: packets that told. */
int64_t source_offset(const struct source *source, unsigned point, unsigned *matches);
void source_close(struct source *source);

#endif

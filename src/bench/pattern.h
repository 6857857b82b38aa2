/* SPDX-License-Identifier: MIT */
/*
 * Payload that gives away where it belongs: each byte depends on its position in
 * the stream, so that one which is wrong, lost, doubled or out of place is noticed.
 */
#ifndef WAVEHAND_BENCH_PATTERN_H
#define WAVEHAND_BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Writes the bytes that belong at `position` and behind it. */
void pattern_fill(uint64_t position, void *to, size_t length);
/* How many of these bytes, from the first, are what belongs at `position`; length: all. */
size_t pattern_match(uint64_t position, const void *bytes, size_t length);

#endif

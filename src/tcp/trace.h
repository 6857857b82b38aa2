/* SPDX-License-Identifier: MIT */
/* The trace: a bounded ring of what happened, drained by wh_trace. Free when its capacity is 0. */
#ifndef WAVEHAND_TCP_TRACE_H
#define WAVEHAND_TCP_TRACE_H

#include "base/memory.h"
#include "wire/segment.h"

struct trace {
    wh_trace_record *ring;
    uint32_t capacity;
    uint64_t written, read; /* records ever */
    uint64_t lost;          /* overwritten before they were read, since last told */
};

/* WH_E_NOMEM, or WH_OK. Capacity 0: nothing is kept. */
int trace_init(struct trace *trace, struct memory *memory, uint32_t capacity);
void trace_free(struct trace *trace, struct memory *memory);
static inline bool trace_on(const struct trace *trace) { return trace->capacity != 0; }
/* The next record, cleared, to be filled in. The oldest is overwritten when the ring is full. */
wh_trace_record *trace_next(struct trace *trace);
size_t trace_drain(struct trace *trace, wh_trace_record *records, size_t cap, uint64_t *lost);
/* Copies what a segment says into a record; window is unscaled by `scale`. */
void trace_segment(wh_trace_record *record, const struct segment *segment, unsigned scale);

#endif

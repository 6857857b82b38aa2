/* SPDX-License-Identifier: MIT */
#include "tcp/trace.h"

#include <string.h>

int trace_init(struct trace *trace, struct memory *memory, uint32_t capacity)
{
    memset(trace, 0, sizeof *trace);
    if (capacity == 0) {
        return WH_OK;
    }
    trace->ring = memory_take(memory, capacity * sizeof *trace->ring, MEMORY_ORDINARY);
    if (trace->ring == NULL) {
        return WH_E_NOMEM;
    }
    trace->capacity = capacity;
    return WH_OK;
}

void trace_free(struct trace *trace, struct memory *memory)
{
    memory_give(memory, trace->ring, trace->capacity * sizeof *trace->ring);
    memset(trace, 0, sizeof *trace);
}

wh_trace_record *trace_next(struct trace *trace)
{
    if (trace->written - trace->read == trace->capacity) {
        trace->read++;
        trace->lost++;
    }
    wh_trace_record *record = &trace->ring[trace->written++ % trace->capacity];
    memset(record, 0, sizeof *record);
    return record;
}

size_t trace_drain(struct trace *trace, wh_trace_record *records, size_t cap, uint64_t *lost)
{
    size_t n = 0;
    while (n < cap && trace->read != trace->written) {
        records[n++] = trace->ring[trace->read++ % trace->capacity];
    }
    if (lost != NULL) {
        *lost = trace->lost;
        trace->lost = 0;
    }
    return n;
}

void trace_segment(wh_trace_record *record, const struct segment *segment, unsigned scale)
{
    const struct segment_options *options = &segment->options;
    record->flags = segment->flags;
    record->local = (wh_endpoint){ segment->tuple.local, segment->tuple.local_port };
    record->remote = (wh_endpoint){ segment->tuple.remote, segment->tuple.remote_port };
    record->seq = segment->seq;
    record->ack = segment->ack;
    record->window = (uint32_t)segment->window << ((segment->flags & WH_SYN) ? 0 : scale);
    record->length = segment->length;
    record->segment_size = segment->segment_size;
    record->urgent = segment->urgent;
    record->hops = segment->hops;
    record->options = options->has;
    record->mss = options->mss;
    record->window_scale = options->window_scale;
    record->tsval = options->tsval;
    record->tsecr = options->tsecr;
    record->sacks = options->sacks;
    for (unsigned i = 0; i < options->sacks; i++) {
        record->sack[i].left = options->sack[i].left;
        record->sack[i].right = options->sack[i].right;
    }
    record->accecn_order = options->accecn_order;
    record->accecn_fields = options->accecn_fields;
    record->ee0b = options->accecn[ACCECN_E0B];
    record->eceb = options->accecn[ACCECN_CEB];
    record->ee1b = options->accecn[ACCECN_E1B];
}

/* SPDX-License-Identifier: MIT */
/* Hand-made trace records for the tests of views: connections told in a few words each. */
#ifndef WAVEHAND_TESTS_VIEW_TALK_H
#define WAVEHAND_TESTS_VIEW_TALK_H

#include <wavehand/wavehand.h>

#include "tcp/machine.h"

#define MS WH_MILLISECOND

/* One connection: left is 10.0.2.100:port, right 10.0.2.2:80; first numbers 1000 and 5000. */
struct talk {
    uint16_t port;
    bool from_left; /* whose stack the records are of: by default the right end's */
};

static inline wh_trace_record talk_record(const struct talk *talk, wh_trace_kind kind, wh_time time,
                                          wh_state before, wh_state after)
{
    wh_endpoint left = { wh_ipv4(10, 0, 2, 100), talk->port }, right = { wh_ipv4(10, 0, 2, 2), 80 };
    return (wh_trace_record){
        .time = time,
        .kind = (uint8_t)kind,
        .state_before = (uint8_t)before,
        .state_after = (uint8_t)after,
        .local = talk->from_left ? left : right,
        .remote = talk->from_left ? right : left,
        .window = 65535,
        .hops = 64,
    };
}

/* A segment; seq and ack count from the first numbers of the two directions. */
static inline wh_trace_record talk_segment(const struct talk *talk, wh_trace_kind kind,
                                           wh_time time, wh_state before, wh_state after,
                                           unsigned flags, uint32_t seq, uint32_t ack,
                                           uint32_t length)
{
    wh_trace_record record = talk_record(talk, kind, time, before, after);
    bool from_left = talk->from_left == (kind == WH_TRACE_OUT);
    record.flags = (uint16_t)flags;
    record.seq = (from_left ? 1000 : 5000) + seq;
    record.ack = flags & WH_ACK ? (from_left ? 5000 : 1000) + ack : 0;
    record.length = length;
    if (flags & WH_SYN) {
        record.options =
            WH_HAS_MSS | WH_HAS_WINDOW_SCALE | WH_HAS_SACK_PERMITTED | WH_HAS_TIMESTAMPS;
        record.mss = 1460;
        record.window_scale = 7;
    }
    return record;
}

static inline wh_trace_record talk_step(const struct talk *talk, wh_time time, wh_state before,
                                        wh_arc_event arc, wh_reason reason)
{
    wh_trace_record record =
        talk_record(talk, WH_TRACE_STATE, time, before, arc_target(before, arc));
    record.arc = (uint8_t)arc;
    record.reason = (uint16_t)reason;
    return record;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Replies: segments that leave without a connection behind them. RSTs from
 * CLOSED and LISTEN, SYN,ACKs of half-open entries, ACKs of TIME-WAIT entries.
 * They wait in a bounded queue for the next wh_output; what finds no room is
 * dropped and counted, as if the network had lost it.
 */
#ifndef WAVEHAND_TCP_REPLY_H
#define WAVEHAND_TCP_REPLY_H

#include "base/memory.h"
#include "wire/segment.h"

struct reply {
    struct tuple tuple;
    uint32_t seq, ack;
    uint16_t flags;
    uint16_t window; /* as it goes into the header */
    uint16_t mss;
    uint8_t window_scale;
    uint8_t has; /* WH_HAS_...; of Accurate ECN the initial counters, as many as fit */
    uint32_t tsval, tsecr;
    uint8_t hops, traffic_class;
    uint8_t state;        /* wh_state of whoever replies */
    uint8_t scale;        /* shift by which the peer reads the window */
    uint16_t reason;      /* wh_reason */
    uint8_t fast_open[8]; /* a Fast Open cookie (fast_open.h) */
};

struct reply_queue {
    struct reply *ring;
    uint32_t capacity; /* a power of two */
    uint32_t head, count;
};

int reply_queue_init(struct reply_queue *queue, struct memory *memory, uint32_t capacity);
void reply_queue_free(struct reply_queue *queue, struct memory *memory);
/* Room for one more, cleared; NULL if the queue is full. */
struct reply *reply_queue_add(struct reply_queue *queue);
/* The oldest, or NULL. */
struct reply *reply_queue_first(struct reply_queue *queue);
void reply_queue_remove(struct reply_queue *queue);

struct tcp;
/* Answers a segment that belongs to nothing with the RST of RFC 9293 3.10.7.1. */
void reply_reset(struct tcp *tcp, const struct segment *segment, wh_state state, wh_reason reason);
/* Queues one reply with the stack's defaults; NULL (counted) if there is no room. */
struct reply *reply_add(struct tcp *tcp, const struct tuple *tuple, wh_state state,
                        wh_reason reason);

#endif

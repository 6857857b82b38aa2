/* SPDX-License-Identifier: MIT */
#include "tcp/reply.h"

#include <string.h>

#include "tcp/context.h"

int reply_queue_init(struct reply_queue *queue, struct memory *memory, uint32_t capacity)
{
    memset(queue, 0, sizeof *queue);
    queue->ring = memory_take(memory, capacity * sizeof *queue->ring, MEMORY_ORDINARY);
    if (queue->ring == NULL) {
        return WH_E_NOMEM;
    }
    queue->capacity = capacity;
    return WH_OK;
}

void reply_queue_free(struct reply_queue *queue, struct memory *memory)
{
    memory_give(memory, queue->ring, queue->capacity * sizeof *queue->ring);
    memset(queue, 0, sizeof *queue);
}

struct reply *reply_queue_add(struct reply_queue *queue)
{
    if (queue->count == queue->capacity) {
        return NULL;
    }
    struct reply *reply = &queue->ring[(queue->head + queue->count++) & (queue->capacity - 1)];
    memset(reply, 0, sizeof *reply);
    return reply;
}

struct reply *reply_queue_first(struct reply_queue *queue)
{
    return queue->count == 0 ? NULL : &queue->ring[queue->head];
}

void reply_queue_remove(struct reply_queue *queue)
{
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    queue->count--;
}

struct reply *reply_add(struct tcp *tcp, const struct tuple *tuple, wh_state state,
                        wh_reason reason)
{
    struct reply *reply = reply_queue_add(&tcp->replies);
    if (reply == NULL) {
        tcp->count[WH_WHY_REPLY_QUEUE_FULL]++;
        return NULL;
    }
    reply->tuple = *tuple;
    reply->hops = (uint8_t)tcp->defaults->value[WH_OPT_TTL];
    reply->traffic_class = (uint8_t)(tcp->defaults->value[WH_OPT_DSCP] << 2);
    reply->state = (uint8_t)state;
    reply->reason = (uint16_t)reason;
    return reply;
}

void reply_reset(struct tcp *tcp, const struct segment *segment, wh_state state, wh_reason reason)
{
    struct reply *reply = reply_add(tcp, &segment->tuple, state, reason);
    if (reply == NULL) {
        return;
    }
    /* RFC 9293 3.10.7.1: the RST takes its number from the ACK field if there is one. */
    if (segment->flags & WH_ACK) {
        reply->flags = WH_RST;
        reply->seq = segment->ack;
    } else {
        reply->flags = WH_RST | WH_ACK;
        reply->ack = segment->seq + segment_length(segment);
    }
}

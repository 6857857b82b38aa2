/* SPDX-License-Identifier: MIT */
/* Timers, and frames out: what is due runs first, then everything that may leave does. */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"

/* When there was no memory to send with, the next attempt comes after this. */
#define STALL (10 * WH_MILLISECOND)

static void run_timers(struct wh_stack *host)
{
    struct timer *timer;
    while ((timer = wheel_expire(&host->tcp.wheel, host->tcp.now)) != NULL) {
        struct wh_conn *conn = CONTAINER(timer, struct wh_conn, timer);
        tcp_timers(conn);
        stack_settle(host, conn);
    }
    half_open_expire(host);
    stack_expire_time_wait(host);
    held_expire(host);
}

static void segment_of(const struct reply *reply, struct segment *segment)
{
    *segment = (struct segment){
        .tuple = reply->tuple,
        .seq = reply->seq,
        .ack = reply->ack,
        .flags = reply->flags,
        .window = reply->window,
        .hops = reply->hops,
        .traffic_class = reply->traffic_class,
    };
    segment->options.has = reply->has;
    segment->options.mss = reply->mss;
    segment->options.window_scale = reply->window_scale;
    segment->options.tsval = reply->tsval;
    segment->options.tsecr = reply->tsecr;
}

/* A reply whose next hop is not known is as good as lost; the peer's retransmission brings another. */
static bool send_reply(struct wh_stack *host, struct outbox *outbox, const struct reply *reply)
{
    if (hop_prepare(host, outbox, &reply->tuple.remote) != HOP_READY) {
        host->tcp.count[WH_WHY_NEIGHBOUR_UNRESOLVED]++;
        return true;
    }
    struct segment segment;
    segment_of(reply, &segment);
    struct emit_note note = { (wh_state)reply->state, (wh_reason)reply->reason, reply->scale };
    return emit_segment(outbox, &segment, NULL, &note);
}

static bool send_replies(struct wh_stack *host, struct outbox *outbox)
{
    struct reply *reply;
    while ((reply = reply_queue_first(&host->tcp.replies)) != NULL) {
        if (outbox_full(outbox) || !send_reply(host, outbox, reply)) {
            return false;
        }
        reply_queue_remove(&host->tcp.replies);
    }
    return true;
}

bool packet_send(struct wh_stack *host, struct chunk *packet)
{
    struct packet_queue *queue = &host->packets;
    if (queue->count >= MAX_PACKETS) {
        host->tcp.count[WH_WHY_REPLY_QUEUE_FULL]++;
        chunk_drop(&host->tcp.chunks, packet);
        return false;
    }
    packet->next = NULL;
    if (queue->tail != NULL) {
        queue->tail->next = packet;
    } else {
        queue->head = packet;
    }
    queue->tail = packet;
    queue->count++;
    return true;
}

static struct chunk *packet_take(struct packet_queue *queue)
{
    struct chunk *packet = queue->head;
    queue->head = packet->next;
    queue->count--;
    if (queue->head == NULL) {
        queue->tail = NULL;
    }
    packet->next = NULL;
    return packet;
}

static bool send_packets(struct wh_stack *host, struct outbox *outbox)
{
    struct packet_queue *queue = &host->packets;
    while (queue->head != NULL) {
        struct packet packet;
        struct chunk *first = queue->head;
        if (outbox_full(outbox)) {
            return false;
        }
        wh_reason reason = ip_parse(&packet, first->data + first->begin, chunk_length(first));
        if (reason != WH_WHY_NONE || hop_prepare(host, outbox, &packet.destination) != HOP_READY) {
            host->tcp.count[WH_WHY_NEIGHBOUR_UNRESOLVED]++;
            chunk_drop(&host->tcp.chunks, packet_take(queue));
            continue;
        }
        first = packet_take(queue);
        if (!emit_packet(outbox, first)) {
            chunk_drop(&host->tcp.chunks, first); /* no memory for a slot: lost */
            return false;
        }
    }
    return true;
}

/* One connection's turn. False: it wants another, because the outbox is full or memory is short. */
static bool send_connection(struct wh_stack *host, struct outbox *outbox, struct wh_conn *conn)
{
    switch (hop_prepare(host, outbox, &conn->tuple.remote)) {
    case HOP_READY: break;
    case HOP_PENDING: return false;
    case HOP_UNREACHABLE:
        if (conn_state(conn) == WH_SYN_SENT) {
            tcp_die(conn, WH_ON_GAVE_UP, WH_WHY_NEIGHBOUR_UNRESOLVED, WH_E_HOSTUNREACH);
            stack_settle(host, conn);
            return true;
        }
        return true; /* its retransmission timer brings it back */
    }
    return tcp_output(conn, outbox);
}

static void send_connections(struct wh_stack *host, struct outbox *outbox)
{
    struct tcp *tcp = &host->tcp;
    struct list again;
    list_init(&again);
    while (!outbox_full(outbox) && !list_empty(&tcp->ready)) {
        struct wh_conn *conn = CONTAINER(list_take(&tcp->ready), struct wh_conn, ready_link);
        if (!send_connection(host, outbox, conn)) {
            list_append(&again, &conn->ready_link);
        }
    }
    bool short_of_memory = !outbox_full(outbox) && !list_empty(&again);
    struct link *link;
    while ((link = list_take(&again)) != NULL) {
        list_append(&tcp->ready, link);
    }
    if (short_of_memory) {
        host->stalled_until = tcp->now + STALL;
    }
}

size_t wh_output(wh_stack *host, wh_frame *frames, size_t cap, wh_time now)
{
    struct tcp *tcp = &host->tcp;
    struct outbox outbox = { .tcp = tcp, .frames = frames, .cap = cap };
    tcp->now = now > tcp->now ? now : tcp->now;
    host->stalled_until = 0;
    run_timers(host);
    hop_solicit(host, &outbox);
    if (send_replies(host, &outbox) && send_packets(host, &outbox)) {
        send_connections(host, &outbox);
    } else if (!outbox_full(&outbox)) {
        host->stalled_until = tcp->now + STALL;
    }
    return outbox.n;
}

void wh_sent(wh_stack *host, const wh_frame *frames, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        emit_return(&host->tcp, frames[i].buffer);
    }
}

wh_time wh_wake(const wh_stack *host)
{
    const struct tcp *tcp = &host->tcp;
    wh_time wake = wheel_next(&tcp->wheel);
    wake = MIN(wake, half_open_wake(host));
    wake = MIN(wake, stack_time_wait_wake(host));
    wake = MIN(wake, held_wake(host));
    bool waiting = tcp->replies.count > 0 || host->packets.head != NULL || !list_empty(&tcp->ready);
    return waiting ? MIN(wake, host->stalled_until) : wake;
}

/* SPDX-License-Identifier: MIT */
/* Timers, and frames out: what is due runs first, then everything that may leave does. */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"
#include "tcp/accecn.h"

/* When there was no memory to send with, the next attempt comes after this. */
#define STALL (10 * WH_MILLISECOND)

/* While this connection's timer runs, the record of the next one is on its way. */
static void prefetch_next(const struct timer *timer)
{
    if (timer != NULL) {
        conn_prefetch(CONTAINER(timer, struct wh_conn, timer));
    }
}

static void run_timers(struct wh_stack *host)
{
    struct timer *timer;
    while ((timer = wheel_expire(&host->tcp.wheel, host->tcp.now)) != NULL) {
        struct wh_conn *conn = CONTAINER(timer, struct wh_conn, timer);
        prefetch_next(wheel_peek(&host->tcp.wheel));
        bool told = conn->r1_told;
        struct sender_look look;
        sender_look_begin(host, &conn->tuple, &look);
        tcp_timers(conn);
        sender_look_end(host, &conn->tuple, &look);
        if (conn->r1_told && !told) {
            hop_suspect(host, &conn->tuple.remote);
        }
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
    segment->options.fast_open = reply->fast_open;
    segment->options.fast_open_length = sizeof reply->fast_open;
    if (reply->has & WH_HAS_ACCECN) {
        accecn_fill_first(&segment->options);
    }
}

/* A reply whose next hop is not known is as good as lost; the peer's retransmission brings another. */
static bool send_reply(struct wh_stack *host, struct outbox *outbox, const struct reply *reply)
{
    enum hop hop = hop_prepare(host, outbox, &reply->tuple.remote, false);
    if (hop != HOP_READY) {
        host->tcp.count[hop == HOP_NO_ROUTE ? WH_WHY_NO_ROUTE : WH_WHY_NEIGHBOUR_UNRESOLVED]++;
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
        if (outbox_full(outbox)) {
            return false;
        }
        struct chunk *first = packet_take(queue);
        if (hop_packet(host, outbox, first) == HOP_READY && !emit_packet(outbox, first)) {
            chunk_drop(&host->tcp.chunks, first); /* no memory for a slot: lost */
            return false;
        }
    }
    return true;
}

/* What leaves for nowhere is lost, as on any path, so that the connection's timers see to it. */
static bool send_into_the_void(struct wh_stack *host, struct wh_conn *conn, wh_reason reason)
{
    wh_frame frames[16];
    struct outbox outbox = { .tcp = &host->tcp, .frames = frames, .cap = 16 };
    bool done;
    do {
        outbox.n = 0;
        done = tcp_output(conn, &outbox);
        for (size_t i = 0; i < outbox.n; i++) {
            host->tcp.count[reason]++;
            emit_return(&host->tcp, frames[i].buffer);
        }
    } while (!done && outbox_full(&outbox));
    return done;
}

static bool send_lost(struct wh_stack *host, struct wh_conn *conn, enum hop hop)
{
    wh_reason reason = hop == HOP_NO_ROUTE ? WH_WHY_NO_ROUTE : WH_WHY_NEIGHBOUR_UNRESOLVED;
    if (conn_state(conn) != WH_SYN_SENT) {
        return send_into_the_void(host, conn, reason);
    }
    tcp_die(conn, WH_ON_GAVE_UP, reason, hop == HOP_NO_ROUTE ? WH_E_NETUNREACH : WH_E_HOSTUNREACH);
    stack_settle(host, conn);
    return true;
}

static bool send_traced(struct wh_stack *host, struct outbox *outbox, struct wh_conn *conn)
{
    struct sender_look look;
    sender_look_begin(host, &conn->tuple, &look);
    bool done = tcp_output(conn, outbox);
    sender_look_end(host, &conn->tuple, &look);
    return done;
}

/* One connection's turn. False: it wants another, because the outbox is full or memory is short. */
static bool send_connection(struct wh_stack *host, struct outbox *outbox, struct wh_conn *conn)
{
    const wh_addr *remote = &conn->tuple.remote;
    enum hop hop = hop_prepare(host, outbox, remote, true);
    switch (hop) {
    case HOP_READY: return send_traced(host, outbox, conn);
    case HOP_PENDING: hop_wait(host, remote, &conn->ready_link); return true;
    default: return send_lost(host, conn, hop);
    }
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
    hop_solicit(host, &outbox); /* what the frames above have asked for */
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
    wake = MIN(wake, neighbours_wake(&host->neighbours));
    bool waiting = tcp->replies.count > 0 || host->packets.head != NULL || !list_empty(&tcp->ready);
    return waiting ? MIN(wake, host->stalled_until) : wake;
}

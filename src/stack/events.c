/* SPDX-License-Identifier: MIT */
/*
 * What wh_events tells. Four lists hold what may be ready; each call looks at every
 * entry at most once, tells it if a watched condition holds, and puts it back for as
 * long as one does. "Once" conditions are forgotten when they have been told.
 */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"

#define ONCE (WH_CONNECTED | WH_URGENT | WH_TROUBLE)

/* Moves the present entries, of which there are some, aside, so that what is put back is not seen twice in one call. */
static void take_all(struct list *from, struct list *to)
{
    *to = *from;
    to->ring.next->previous = &to->ring;
    to->ring.previous->next = &to->ring;
    list_init(from);
}

/* Puts what was not reached back in front. */
static void put_back(struct list *rest, struct list *to)
{
    struct link *first = rest->ring.next;
    struct link *last = rest->ring.previous;
    if (first == &rest->ring) {
        return;
    }
    last->next = to->ring.next;
    to->ring.next->previous = last;
    to->ring.next = first;
    first->previous = &to->ring;
}

static size_t connection_events(struct wh_stack *host, wh_event *events, size_t cap)
{
    struct list present;
    size_t n = 0;
    if (list_empty(&host->tcp.eventful)) {
        return 0;
    }
    take_all(&host->tcp.eventful, &present);
    while (n < cap && !list_empty(&present)) {
        struct wh_conn *conn = CONTAINER(list_take(&present), struct wh_conn, event_link);
        uint32_t ready = conn_ready(conn, conn->watch);
        if (ready == 0) {
            continue;
        }
        events[n++] = (wh_event){ .ready = ready, .user = conn->user, .conn = conn };
        conn->pending &= (uint16_t) ~(ready & ONCE);
        list_append(&host->tcp.eventful, &conn->event_link);
    }
    put_back(&present, &host->tcp.eventful);
    return n;
}

static size_t listener_events(struct wh_stack *host, wh_event *events, size_t cap)
{
    struct list present;
    size_t n = 0;
    if (list_empty(&host->eventful_listeners)) {
        return 0;
    }
    take_all(&host->eventful_listeners, &present);
    while (n < cap && !list_empty(&present)) {
        struct wh_listener *listener =
            CONTAINER(list_take(&present), struct wh_listener, event_link);
        if (list_empty(&listener->accept_queue)) {
            continue;
        }
        events[n++] =
            (wh_event){ .ready = WH_ACCEPTABLE, .user = listener->user, .listener = listener };
        list_append(&host->eventful_listeners, &listener->event_link);
    }
    put_back(&present, &host->eventful_listeners);
    return n;
}

static size_t syn_events(struct wh_stack *host, wh_event *events, size_t cap)
{
    size_t n = 0;
    while (n < cap && !list_empty(&host->eventful_syns)) {
        struct wh_syn *held = CONTAINER(list_take(&host->eventful_syns), struct wh_syn, event_link);
        uint32_t ready = 0;
        if (held->offered && !held->told_offered) {
            ready |= WH_OFFERED;
            held->told_offered = true;
        }
        if (held->withdrawn && !held->told_withdrawn) {
            ready |= WH_WITHDRAWN;
            held->told_withdrawn = true;
        }
        if (ready != 0) {
            events[n++] = (wh_event){ .ready = ready, .user = held->user, .syn = held };
        }
    }
    return n;
}

size_t wh_events(wh_stack *host, wh_event *events, size_t cap)
{
    size_t n = syn_events(host, events, cap);
    n += listener_events(host, events + n, cap - n);
    n += connection_events(host, events + n, cap - n);
    n += datagram_events(host, events + n, cap - n);
    return n;
}

void wh_watch(wh_conn *conn, uint32_t conditions)
{
    conn->watch = (uint16_t)conditions;
    conn_notify(conn);
}

uint32_t wh_ready(const wh_conn *conn) { return conn_ready(conn, WH_ANY_EVENT); }

/* SPDX-License-Identifier: MIT */
/* Listeners, the half-open entries behind them, and the queue to wh_accept (RFC 9293 3.10.7.2). */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"

static struct list *bucket(struct wh_stack *host, uint16_t port)
{
    return &host->listeners[(port ^ (port >> 6)) % LISTENER_BUCKETS];
}

struct wh_listener *listener_find(struct wh_stack *host, const struct tuple *tuple)
{
    struct wh_listener *best = NULL;
    int best_fitness = 0;
    struct list *lists[] = { bucket(host, tuple->local_port), &host->any_port_listeners };
    for (unsigned i = 0; i < 2 && best == NULL; i++) {
        for (struct link *link = lists[i]->ring.next; link != &lists[i]->ring; link = link->next) {
            struct wh_listener *listener = CONTAINER(link, struct wh_listener, bucket_link);
            int fit = listener->any_port || listener->local.port == tuple->local_port
                          ? address_fitness(&listener->local.addr, &tuple->local)
                          : 0;
            if (fit > best_fitness) {
                best = listener;
                best_fitness = fit;
            }
        }
    }
    return best;
}

/* --------------------------------------------------- the half-open FIFOs -- */

static struct half_open *half_open_at(const struct wh_stack *host, uint32_t index)
{
    return pool_at(&host->half_opens, index);
}

static void queue_append(struct wh_stack *host, uint32_t index)
{
    struct half_open *entry = half_open_at(host, index);
    struct half_open_queue *queue = &host->half_open_queue[entry->wait];
    entry->next = 0;
    entry->previous = queue->last;
    if (queue->last != 0) {
        half_open_at(host, queue->last)->next = index;
    } else {
        queue->first = index;
    }
    queue->last = index;
}

static void queue_remove(struct wh_stack *host, uint32_t index)
{
    struct half_open *entry = half_open_at(host, index);
    struct half_open_queue *queue = &host->half_open_queue[entry->wait];
    if (entry->previous != 0) {
        half_open_at(host, entry->previous)->next = entry->next;
    } else {
        queue->first = entry->next;
    }
    if (entry->next != 0) {
        half_open_at(host, entry->next)->previous = entry->previous;
    } else {
        queue->last = entry->previous;
    }
}

void half_open_free(struct wh_stack *host, uint32_t index, bool leave_table)
{
    struct half_open *entry = half_open_at(host, index);
    struct wh_listener *listener = host->listener[entry->listener];
    if (listener != NULL) {
        listener->half_open--;
    }
    queue_remove(host, index);
    if (leave_table) {
        demux_remove(&host->demux, demux_hash(&host->demux, &entry->tuple),
                     (struct demux_entry){ RECORD_HALF_OPEN, index });
    }
    pool_give(&host->half_opens, index);
}

/* It comes to its end by no segment of its own. */
static void half_open_give_up(struct wh_stack *host, struct half_open *entry, wh_arc_event event,
                              wh_reason reason)
{
    step(&host->tcp, &entry->record, event, reason);
    stack_trace_state(host, &entry->tuple, WH_SYN_RECEIVED, WH_CLOSED, event, reason);
}

/* Over without having become a connection: the TIME-WAIT it stood for comes back. */
static void half_open_end(struct wh_stack *host, uint32_t index)
{
    struct half_open *entry = half_open_at(host, index);
    uint32_t prior = entry->prior;
    struct tuple tuple = entry->tuple;
    half_open_free(host, index, true);
    stack_restore_prior(host, prior, &tuple);
}

static uint32_t wait_of(unsigned number) { return 1000U << number; }

/* RFC 6298 2.1 and 5.5: 1 s, then twice as long each time. */
void half_open_expire(struct wh_stack *host)
{
    uint32_t now = tcp_milliseconds(&host->tcp);
    for (unsigned wait = 0; wait < HALF_OPEN_WAITS && host->half_opens.used > 0; wait++) {
        uint32_t index;
        while ((index = host->half_open_queue[wait].first) != 0) {
            struct half_open *entry = half_open_at(host, index);
            if (seq_lt(now, entry->sent + wait_of(wait))) {
                break;
            }
            if (wait == HALF_OPEN_WAITS - 1) {
                half_open_give_up(host, entry, WH_ON_GAVE_UP, WH_WHY_TIMEOUT_SYN_ACK);
                half_open_end(host, index);
                continue;
            }
            queue_remove(host, index);
            entry->wait = (entry->wait + 1U) & 7;
            entry->sent = tcp_milliseconds_after(&host->tcp, 0);
            queue_append(host, index);
            host->tcp.count[WH_WHY_RETRANSMIT_TIMEOUT]++;
            half_open_answer(&host->tcp, entry, WH_WHY_RETRANSMIT_TIMEOUT);
        }
    }
}

wh_time half_open_wake(const struct wh_stack *host)
{
    wh_time wake = WH_NEVER;
    wh_time begin = host->tcp.now / WH_MILLISECOND * WH_MILLISECOND;
    for (unsigned wait = 0; wait < HALF_OPEN_WAITS; wait++) {
        uint32_t index = host->half_open_queue[wait].first;
        if (index != 0) {
            int32_t left = (int32_t)(half_open_at(host, index)->sent + wait_of(wait) -
                                     tcp_milliseconds(&host->tcp));
            wake = MIN(wake, begin + (wh_time)MAX(left, 0) * WH_MILLISECOND);
        }
    }
    return wake;
}

/* ----------------------------------------------------------------- LISTEN -- */

static void begin_half_open(struct wh_stack *host, struct wh_listener *listener,
                            const struct segment *syn, uint32_t prior)
{
    struct tcp *tcp = &host->tcp;
    uint32_t index;
    if (host->half_opens.used >= host->config.max_half_open) {
        cookie_answer(host, listener, syn, prior, WH_WHY_HALF_OPEN_FULL);
        return;
    }
    struct half_open *entry = pool_take(&host->half_opens, &index, MEMORY_ORDINARY);
    if (entry == NULL) {
        cookie_answer(host, listener, syn, prior, WH_WHY_MEMORY_CAP);
        return;
    }
    struct demux_entry slot = { RECORD_HALF_OPEN, index };
    uint32_t hash = demux_hash(&host->demux, &syn->tuple);
    bool entered = prior != 0 ? demux_replace(&host->demux, hash,
                                              (struct demux_entry){ RECORD_TIME_WAIT, prior }, slot)
                              : demux_insert(&host->demux, hash, slot);
    if (!entered) {
        pool_give(&host->half_opens, index);
        cookie_answer(host, listener, syn, prior, WH_WHY_MEMORY_CAP);
        return;
    }
    uint32_t iss = tcp_choose_iss(tcp, &syn->tuple);
    if (prior != 0) {
        struct time_wait *old = time_wait_at(&host->time_waits, prior);
        old->flags |= TIME_WAIT_REOPENED;
        iss = time_wait_next_iss(old, iss);
        entry->prior = prior;
    }
    entry->listener = listener->number;
    if (listener->fast_open != 0 && (syn->options.has & WH_HAS_FAST_OPEN)) {
        entry->flags |= HALF_OPEN_FAST_OPEN;
    }
    step(tcp, &entry->record, WH_ON_PASSIVE_OPEN, WH_WHY_BY_SEGMENT);
    half_open_begin(tcp, entry, syn, iss);
    listener->half_open++;
    queue_append(host, index);
}

/* ------------------------------------------------- towards the application -- */

struct wh_conn *listener_admit(struct wh_stack *host, const struct wh_listener *listener,
                               const struct tuple *tuple)
{
    struct wh_conn *conn = NULL;
    if (listener->waiting >= listener->backlog) {
        /* As if the segment were lost: it, or our SYN,ACK, will be repeated (lifecycle B01). */
        because(&host->tcp, WH_WHY_BACKLOG_FULL);
    } else if ((conn = stack_new_connection(host, tuple)) == NULL) {
        because(&host->tcp, WH_WHY_MEMORY_CAP);
    }
    return conn;
}

/* The listener holds it for the application. */
void listener_enqueue(struct wh_stack *host, struct wh_listener *listener, struct wh_conn *conn)
{
    conn->handle = true;
    conn->listener = listener;
    list_append(&listener->accept_queue, &conn->backlog_link);
    listener->waiting++;
    if (!link_listed(&listener->event_link)) {
        list_append(&host->eventful_listeners, &listener->event_link);
    }
}

/* The good ACK: the compact entry becomes a connection, and the segment arrives there. */
static void complete(struct wh_stack *host, uint32_t index, const struct segment *segment)
{
    struct half_open *entry = half_open_at(host, index);
    struct wh_listener *listener = host->listener[entry->listener];
    struct wh_conn *conn = listener_admit(host, listener, &entry->tuple);
    if (conn == NULL) {
        return;
    }
    half_open_promote(entry, conn);
    demux_replace(&host->demux, demux_hash(&host->demux, &entry->tuple),
                  (struct demux_entry){ RECORD_HALF_OPEN, index },
                  (struct demux_entry){ RECORD_CONNECTION, conn->index });
    conn->demuxed = true;
    half_open_free(host, index, false);
    listener_enqueue(host, listener, conn);
    tcp_arrive(conn, segment);
    stack_settle(host, conn);
}

/* ----------------------------------------------------------------- arrival -- */

/* Third: the ACK bit (RFC 9293 3.10.7.2). */
static wh_state listener_acknowledged(struct wh_stack *host, struct wh_listener *listener,
                                      const struct segment *segment)
{
    struct tcp *tcp = &host->tcp;
    wh_state found;
    if (cookie_take(host, listener, segment, 0, &found)) {
        return found;
    }
    bool cookies = cookie_expected(host, listener, segment);
    wh_reason reason = cookies ? WH_WHY_COOKIE_WRONG : WH_WHY_ACK_IN_LISTEN;
    because(tcp, reason);
    reply_reset(tcp, segment, WH_LISTEN, reason);
    return WH_LISTEN;
}

/* RFC 9293 3.10.7.2. `prior`: the TIME-WAIT entry that this SYN reopens, or 0. */
wh_state listener_arrive(struct wh_stack *host, struct wh_listener *listener,
                         const struct segment *segment, uint32_t prior)
{
    struct tcp *tcp = &host->tcp;
    if (segment->flags & WH_RST) {
        because(tcp, WH_WHY_RST_IN_LISTEN);
    } else if (segment->flags & WH_ACK) {
        return listener_acknowledged(host, listener, segment);
    } else if (!(segment->flags & WH_SYN)) {
        because(tcp, WH_WHY_NOT_A_SYN_IN_LISTEN);
    } else if (listener->fast_open != 0 && prior == 0 &&
               fast_open_arrive(host, listener, segment)) {
        return WH_LISTEN;
    } else if (segment->flags & WH_FIN) {
        because(tcp, WH_WHY_SYN_FIN); /* nobody opens a connection this way but scanners */
    } else if (listener->hold) {
        held_begin(host, listener, segment, prior);
    } else if (listener->waiting >= listener->backlog) {
        because(tcp, WH_WHY_BACKLOG_FULL); /* the peer will try again (lifecycle B01) */
    } else {
        begin_half_open(host, listener, segment, prior);
    }
    return WH_LISTEN;
}

void half_open_stack_arrive(struct wh_stack *host, uint32_t index, const struct segment *segment)
{
    struct half_open *entry = half_open_at(host, index);
    struct wh_listener *listener = host->listener[entry->listener];
    wh_state found;
    if (segment->ack != entry->iss + 1 && entry->prior == 0 &&
        cookie_take(host, listener, segment, index, &found)) {
        return; /* the SYN came twice, and a cookie had answered it before there was room here */
    }
    switch (half_open_arrive(&host->tcp, entry, segment)) {
    case HALF_OPEN_DONE: complete(host, index, segment); break;
    case HALF_OPEN_OVER: half_open_end(host, index); break;
    case HALF_OPEN_STAYS: break;
    }
}

/* ------------------------------------------------------- the application -- */

void wh_listen_options_init(wh_listen_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    options->backlog = 128;
}

/* A free number in the directory, growing it if need be; 0: none. */
static uint32_t take_number(struct wh_stack *host)
{
    for (uint32_t i = 1; i < host->listener_room; i++) {
        if (host->listener[i] == NULL) {
            return i;
        }
    }
    uint32_t old = host->listener_room;
    uint32_t room = old == 0 ? 16 : MIN(old * 2, MAX_LISTENERS + 1);
    if (room == old) {
        return 0;
    }
    struct wh_listener **new = memory_take(&host->tcp.memory, room * sizeof *new, MEMORY_ORDINARY);
    if (new == NULL) {
        return 0;
    }
    memset(new, 0, room * sizeof *new);
    if (old != 0) {
        memcpy(new, host->listener, old * sizeof *new);
    }
    memory_give(&host->tcp.memory, host->listener, old * sizeof *new);
    host->listener = new;
    host->listener_room = room;
    return old == 0 ? 1 : old;
}

static bool taken(struct wh_stack *host, const wh_listen_options *options, bool any_port)
{
    struct list *list = any_port ? &host->any_port_listeners : bucket(host, options->local.port);
    for (struct link *link = list->ring.next; link != &list->ring; link = link->next) {
        const struct wh_listener *other = CONTAINER(link, struct wh_listener, bucket_link);
        if ((any_port || other->local.port == options->local.port) &&
            wh_addr_equal(&other->local.addr, &options->local.addr)) {
            return true;
        }
    }
    return false;
}

int wh_listen(wh_stack *host, const wh_listen_options *options, wh_listener **listener)
{
    bool any_port = (options->flags & WH_LISTEN_ANY_PORT) != 0;
    if (options->size < sizeof *options || (options->local.port == 0) != any_port ||
        options->backlog == 0 || (options->fast_open != 0 && (options->flags & WH_LISTEN_HOLD))) {
        return WH_E_INVAL;
    }
    if (taken(host, options, any_port)) {
        return WH_E_ADDRINUSE;
    }
    uint32_t number = take_number(host);
    struct wh_listener *new = memory_take(&host->tcp.memory, sizeof *new, MEMORY_ORDINARY);
    if (number == 0 || new == NULL) {
        memory_give(&host->tcp.memory, new, sizeof *new);
        return WH_E_NOMEM;
    }
    memset(new, 0, sizeof *new);
    new->number = (uint16_t)number;
    new->host = host;
    new->local = options->local;
    new->backlog = options->backlog;
    new->fast_open = options->fast_open;
    new->hold = (options->flags & WH_LISTEN_HOLD) != 0;
    new->any_port = any_port;
    new->user = options->user;
    list_init(&new->accept_queue);
    list_init(&new->early);
    step(&host->tcp, &new->record, WH_ON_PASSIVE_OPEN, WH_WHY_BY_APPLICATION);
    host->listener[number] = new;
    host->listener_count++;
    list_append(any_port ? &host->any_port_listeners : bucket(host, options->local.port),
                &new->bucket_link);
    *listener = new;
    return WH_OK;
}

void wh_listener_close(wh_listener *listener)
{
    struct wh_stack *host = listener->host;
    struct link *link;
    while ((link = list_take(&listener->accept_queue)) != NULL) {
        struct wh_conn *conn = CONTAINER(link, struct wh_conn, backlog_link);
        conn->handle = false;
        if (conn_state(conn) != WH_TIME_WAIT) {
            tcp_abort(conn, WH_WHY_LISTENER_CLOSED);
        }
        stack_settle(host, conn);
    }
    fast_open_forget(listener);
    step(&host->tcp, &listener->record, WH_ON_CLOSE, WH_WHY_BY_APPLICATION);
    host->listener[listener->number] = NULL;
    host->listener_count--;
    for (unsigned wait = 0; wait < HALF_OPEN_WAITS && listener->half_open > 0; wait++) {
        uint32_t next;
        for (uint32_t index = host->half_open_queue[wait].first; index != 0; index = next) {
            struct half_open *entry = half_open_at(host, index);
            next = entry->next;
            if (entry->listener == listener->number) {
                half_open_give_up(host, entry, WH_ON_ABORT, WH_WHY_LISTENER_CLOSED);
                half_open_end(host, index);
            }
        }
    }
    link_remove(&listener->bucket_link);
    link_remove(&listener->event_link);
    memory_give(&host->tcp.memory, listener, sizeof *listener);
}

int wh_accept(wh_listener *listener, void *user, wh_conn **conn)
{
    struct link *link = list_take(&listener->accept_queue);
    if (link == NULL) {
        return WH_E_AGAIN;
    }
    struct wh_conn *next = CONTAINER(link, struct wh_conn, backlog_link);
    listener->waiting--;
    next->accepted = true;
    next->user = user;
    fast_open_accepted(listener, next);
    next->pending &= (uint16_t)~WH_CONNECTED; /* wh_accept itself has told it */
    conn_notify(next);
    *conn = next;
    return WH_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a change of state means for the records: the protocol only changes states,
 * and this file draws the consequences afterwards, in one place.
 */
#include <string.h>

#include "stack/stack.h"
#include "tcp/ecn.h"

struct wh_conn *stack_new_connection(struct wh_stack *host, const struct tuple *tuple)
{
    uint32_t index;
    struct wh_conn *conn = pool_take(&host->connections, &index, MEMORY_ORDINARY);
    if (conn == NULL) {
        return NULL;
    }
    conn->index = index;
    conn_init(conn, &host->tcp, tuple, host->tcp.defaults);
    return conn;
}

/* It is in no table, and no listener holds it. */
void stack_free_connection(struct wh_stack *host, struct wh_conn *conn)
{
    conn_release(conn);
    pool_give(&host->connections, conn->index);
}

void stack_trace_state(struct wh_stack *host, const struct tuple *tuple, wh_state before,
                       wh_state after, wh_arc_event arc, wh_reason reason)
{
    if (!trace_on(&host->tcp.trace)) {
        return;
    }
    wh_trace_record *record = trace_next(&host->tcp.trace);
    record->time = host->tcp.now;
    record->kind = WH_TRACE_STATE;
    record->state_before = (uint8_t)before;
    record->state_after = (uint8_t)after;
    record->arc = (uint8_t)arc;
    record->reason = (uint16_t)reason;
    record->local = (wh_endpoint){ tuple->local, tuple->local_port };
    record->remote = (wh_endpoint){ tuple->remote, tuple->remote_port };
}

/* ------------------------------------------------------------- TIME-WAIT -- */

void stack_end_time_wait(struct wh_stack *host, uint32_t position, wh_arc_event event,
                         wh_reason reason)
{
    struct time_wait *entry = time_wait_at(&host->time_waits, position);
    step(&host->tcp, &entry->record, event, reason);
    stack_trace_state(host, &entry->tuple, WH_TIME_WAIT, (wh_state)entry->record.state, event,
                      reason);
    if (!(entry->flags & TIME_WAIT_REOPENED)) {
        struct demux_entry slot = { RECORD_TIME_WAIT, position };
        demux_remove(&host->demux, demux_hash(&host->demux, &entry->tuple), slot);
    }
    time_wait_remove(&host->time_waits, position);
}

struct time_wait *stack_prior(const struct wh_stack *host, uint32_t position,
                              const struct tuple *tuple)
{
    const struct time_wait_table *table = &host->time_waits;
    if (position == 0 || position - table->head >= table->tail - table->head) {
        return NULL;
    }
    struct time_wait *entry = time_wait_at(table, position);
    bool same = entry->record.state == WH_TIME_WAIT && (entry->flags & TIME_WAIT_REOPENED) &&
                memcmp(&entry->tuple, tuple, sizeof *tuple) == 0;
    return same ? entry : NULL;
}

/* Ends an entry of the past: the segment in progress is told by the arcs of its own record. */
static void end_time_wait_aside(struct wh_stack *host, uint32_t position, wh_arc_event event,
                                wh_reason reason)
{
    struct tcp *tcp = &host->tcp;
    wh_arc_event arc = tcp->arc;
    wh_state after = tcp->after;
    wh_reason why = tcp->reason;
    stack_end_time_wait(host, position, event, reason);
    tcp->arc = arc;
    tcp->after = after;
    tcp->reason = why;
}

void stack_forget_prior(struct wh_stack *host, uint32_t position, const struct tuple *tuple)
{
    if (stack_prior(host, position, tuple) != NULL) {
        end_time_wait_aside(host, position, WH_ON_REOPENED, WH_WHY_TIME_WAIT_REUSED);
    }
}

bool stack_time_wait_ended(struct wh_stack *host, uint32_t position)
{
    bool over = stack_time_wait_over(host, time_wait_at(&host->time_waits, position));
    if (over) {
        end_time_wait_aside(host, position, WH_ON_TWO_MSL_OVER, WH_WHY_TWO_MSL);
    }
    return over;
}

void stack_restore_prior(struct wh_stack *host, uint32_t position, const struct tuple *tuple)
{
    struct time_wait *entry = stack_prior(host, position, tuple);
    if (entry == NULL) {
        return;
    }
    entry->flags &= (uint8_t)~TIME_WAIT_REOPENED;
    host->tcp.count[WH_WHY_TIME_WAIT_RESTORED]++;
    stack_trace_state(host, &entry->tuple, WH_LISTEN, WH_TIME_WAIT, WH_ON_NOTHING,
                      WH_WHY_TIME_WAIT_RESTORED);
    if (!demux_insert(&host->demux, demux_hash(&host->demux, &entry->tuple),
                      (struct demux_entry){ RECORD_TIME_WAIT, position })) {
        time_wait_remove(&host->time_waits, position);
    }
}

/* A connection's wait goes on in a compact entry; what the application holds is only its handle. */
static void enter_time_wait(struct wh_stack *host, struct wh_conn *conn)
{
    struct demux_entry from = { RECORD_CONNECTION, conn->index };
    uint32_t hash = demux_hash(&host->demux, &conn->tuple);
    uint32_t position;
    if (host->time_waits.used >= host->config.max_time_wait) {
        uint32_t oldest;
        if (time_wait_first(&host->time_waits, &oldest) != NULL) {
            end_time_wait_aside(host, oldest, WH_ON_GAVE_UP, WH_WHY_TIME_WAIT_RECYCLED);
        }
    }
    struct time_wait *entry = time_wait_append(&host->time_waits, &position);
    if (entry == NULL) {
        /* Nobody is left to wait: it is over, and the segment in progress tells so. */
        demux_remove(&host->demux, hash, from);
        conn_step(conn, WH_ON_GAVE_UP, WH_WHY_MEMORY_CAP);
    } else {
        time_wait_begin(entry, conn);
        entry->expires = tcp_milliseconds_after(&host->tcp, 2 * host->config.msl);
        demux_replace(&host->demux, hash, from, (struct demux_entry){ RECORD_TIME_WAIT, position });
        if (conn->ack_now) {
            time_wait_answer(&host->tcp, entry, WH_WHY_NONE,
                             ecn_flags(conn, &(struct segment){ .flags = WH_ACK }));
        }
    }
    conn->demuxed = false;
    conn->ack_now = false;
    conn->dup_acks_owed = 0;
    for (unsigned i = 0; i < DEADLINES; i++) {
        conn_deadline(conn, i, WH_NEVER);
    }
    link_remove(&conn->ready_link);
}

/* 2MSL restarted meanwhile: to the end of the queue. */
static void append_again(struct wh_stack *host, struct time_wait *entry, uint32_t position)
{
    struct time_wait copy = *entry;
    uint32_t new;
    struct time_wait *again = time_wait_append(&host->time_waits, &new);
    if (again == NULL) {
        stack_end_time_wait(host, position, WH_ON_GAVE_UP, WH_WHY_MEMORY_CAP);
        return;
    }
    *again = copy;
    demux_replace(&host->demux, demux_hash(&host->demux, &copy.tuple),
                  (struct demux_entry){ RECORD_TIME_WAIT, position },
                  (struct demux_entry){ RECORD_TIME_WAIT, new });
    time_wait_remove(&host->time_waits, position);
}

void stack_expire_time_wait(struct wh_stack *host)
{
    uint32_t position;
    struct time_wait *entry;
    if (host->time_waits.head == host->time_waits.tail) {
        return; /* asked at every output */
    }
    uint32_t now = tcp_milliseconds(&host->tcp);
    while ((entry = time_wait_first(&host->time_waits, &position)) != NULL) {
        if (entry->flags & TIME_WAIT_RESTARTED) {
            entry->flags &= (uint8_t)~TIME_WAIT_RESTARTED;
            append_again(host, entry, position);
            continue;
        }
        if (seq_lt(now, entry->expires)) {
            return;
        }
        stack_end_time_wait(host, position, WH_ON_TWO_MSL_OVER, WH_WHY_TWO_MSL);
    }
}

wh_time stack_time_wait_wake(const struct wh_stack *host)
{
    uint32_t position = host->time_waits.head;
    const struct time_wait *entry = time_wait_walk(&host->time_waits, &position);
    if (entry == NULL) {
        return WH_NEVER;
    }
    uint32_t left = entry->expires - tcp_milliseconds(&host->tcp);
    wh_time begin = host->tcp.now / WH_MILLISECOND * WH_MILLISECOND;
    return (int32_t)left <= 0 ? begin : begin + left * WH_MILLISECOND;
}

/* ---------------------------------------------------------- connections -- */

void stack_settle(struct wh_stack *host, struct wh_conn *conn)
{
    if (conn_unconfirmed(conn) && (conn_over(conn) || !conn_syn_outstanding(conn))) {
        fast_open_settle(conn);
    }
    if (conn->prior != 0 && conn_state(conn) != WH_SYN_RECEIVED) {
        uint32_t prior = conn->prior;
        conn->prior = 0;
        if (!conn_over(conn)) {
            stack_forget_prior(host, prior, &conn->tuple);
        } else {
            demux_remove(&host->demux, demux_hash(&host->demux, &conn->tuple),
                         (struct demux_entry){ RECORD_CONNECTION, conn->index });
            conn->demuxed = false;
            stack_restore_prior(host, prior, &conn->tuple);
        }
    }
    if (conn_state(conn) == WH_TIME_WAIT && conn->demuxed) {
        enter_time_wait(host, conn);
    } else if (conn_over(conn) && conn->demuxed) {
        demux_remove(&host->demux, demux_hash(&host->demux, &conn->tuple),
                     (struct demux_entry){ RECORD_CONNECTION, conn->index });
        conn->demuxed = false;
    }
    if (!conn->demuxed && !conn->handle) {
        stack_free_connection(host, conn);
    }
}

/* SPDX-License-Identifier: MIT */
#include "tcp/connection.h"

#include <string.h>

#include "base/bytes.h"
#include "tcp/accecn.h"
#include "tcp/tune.h"

static void trace_state(struct tcp *tcp, const struct wh_conn *conn, wh_state before)
{
    wh_trace_record *record = trace_next(&tcp->trace);
    record->time = tcp->now;
    record->kind = WH_TRACE_STATE;
    record->state_before = (uint8_t)before;
    record->state_after = conn->record.state;
    record->arc = (uint8_t)tcp->arc;
    record->reason = conn->end_reason;
    record->local = (wh_endpoint){ conn->tuple.local, conn->tuple.local_port };
    record->remote = (wh_endpoint){ conn->tuple.remote, conn->tuple.remote_port };
    record->seq = conn->snd_nxt;
    record->ack = conn->rcv_nxt;
}

void step(struct tcp *tcp, struct record *record, wh_arc_event event, wh_reason reason)
{
    if (!arc_exists((wh_state)record->state, event)) {
        tcp->strays++; /* a bug of ours, which wh_check tells: better to stay than to be nowhere */
        return;
    }
    tcp->taken[record->state][event]++;
    record->state = (uint8_t)arc_target((wh_state)record->state, event);
    tcp->arc = event;
    tcp->after = (wh_state)record->state;
    if (reason != WH_WHY_BY_SEGMENT) {
        because(tcp, reason);
    }
}

void conn_limit_fin_wait_2(struct wh_conn *conn)
{
    wh_time limit = (wh_time)conn_option(conn, WH_OPT_FIN_WAIT_2_TIMEOUT);
    /* In place of a linger time: all that was sent has arrived. */
    conn_deadline(conn, DEADLINE_END, limit > 0 ? conn->tcp->now + limit : WH_NEVER);
}

/* What entering a state means for the connection itself; the stack settles the rest. */
static void enter(struct wh_conn *conn, wh_reason reason)
{
    switch (conn_state(conn)) {
    case WH_FIN_WAIT_2:
        /* Only an orphan is limited: after shutdown(WRITE) somebody still reads (lifecycle C19, C28). */
        if (!conn->handle) {
            conn_limit_fin_wait_2(conn);
        }
        break;
    case WH_CLOSED:
    case WH_LISTEN:
        conn_flush(conn, true);
        for (unsigned i = 0; i < DEADLINES; i++) {
            conn_deadline(conn, i, WH_NEVER);
        }
        link_remove(&conn->ready_link);
        break;
    default: break;
    }
    conn->end_reason = (uint8_t)reason;
    conn_notify(conn);
}

void conn_step(struct wh_conn *conn, wh_arc_event event, wh_reason reason)
{
    struct tcp *tcp = conn->tcp;
    wh_state before = conn_state(conn);
    step(tcp, &conn->record, event, reason);
    enter(conn, reason);
    if (reason != WH_WHY_BY_SEGMENT && trace_on(&tcp->trace) && !tcp->in_segment) {
        trace_state(tcp, conn, before);
    }
}

void conn_init(struct wh_conn *conn, struct tcp *tcp, const struct tuple *tuple,
               struct profile *profile)
{
    conn->tcp = tcp;
    conn->tuple = *tuple;
    conn->profile = profile_share(profile);
    conn->watch = (uint16_t)WH_WATCH_DEFAULT;
    conn->min_rtt = UINT32_MAX;
    conn->rto = (uint32_t)((wh_time)profile->value[WH_OPT_RTO_INITIAL] / WH_MICROSECOND);
    conn->ssthresh = UINT32_MAX;
    conn->heard = tcp_milliseconds_after(tcp, 0);
    for (unsigned i = 0; i < DEADLINES; i++) {
        conn->deadline[i] = WH_NEVER;
    }
}

void conn_unreserve(struct wh_conn *conn)
{
    struct reservation *place = &conn->tcp->reservation;
    if (place->conn != conn) {
        return;
    }
    if (place->chunk != NULL) {
        chunk_drop(&conn->tcp->chunks, place->chunk);
    }
    *place = (struct reservation){ NULL, NULL };
}

void conn_flush(struct wh_conn *conn, bool keep_received)
{
    struct chunk_store *store = &conn->tcp->chunks;
    chunk_queue_clear(&conn->send, store);
    conn_unreserve(conn);
    flight_free(&conn->flight, store);
    reassembly_free(&conn->reassembly, store);
    if (!keep_received) {
        chunk_queue_clear(&conn->receive, store);
    }
}

void conn_release(struct wh_conn *conn)
{
    conn_flush(conn, false);
    if (timer_armed(&conn->timer)) {
        wheel_disarm(&conn->tcp->wheel, &conn->timer);
    }
    accecn_free(conn);
    link_remove(&conn->ready_link);
    link_remove(&conn->event_link);
    link_remove(&conn->backlog_link);
    profile_drop(&conn->tcp->memory, conn->profile);
    conn->profile = NULL;
}

size_t conn_send_room(const struct wh_conn *conn)
{
    uint32_t limit = tune_send_limit(conn);
    return conn->send.length >= limit ? 0 : limit - conn->send.length;
}

/* The send queue would take more, enough to be worth waking somebody for. */
static bool writable(const struct wh_conn *conn)
{
    uint64_t low_water = (uint64_t)conn_option(conn, WH_OPT_SEND_LOW_WATER);
    size_t room = conn_send_room(conn);
    return !conn->write_shut && room > 0 && room >= MIN(low_water, tune_send_limit(conn) / 2);
}

uint32_t conn_ready(const struct wh_conn *conn, uint32_t wanted)
{
    uint32_t ready = conn->pending;
    bool over = conn_over(conn);
    if (conn->receive.length > 0 &&
        (over || conn->fin_received ||
         conn->receive.length >= (uint64_t)conn_option(conn, WH_OPT_RECEIVE_LOW_WATER))) {
        ready |= WH_READABLE;
    }
    if (conn->fin_received) {
        ready |= WH_EOF;
    }
    if (over) {
        ready |= WH_DEAD;
    } else if (conn_state(conn) != WH_TIME_WAIT &&
               (conn_state(conn) >= WH_ESTABLISHED || conn_unconfirmed(conn))) {
        if ((wanted & WH_WRITABLE) && writable(conn)) {
            ready |= WH_WRITABLE;
        }
        if (conn->send.length == 0 && conn->snd_una == conn->snd_end + conn->write_shut) {
            ready |= WH_ACKED;
        }
    }
    return ready & wanted;
}

void conn_notify(struct wh_conn *conn)
{
    if (conn->handle && conn->accepted && !link_listed(&conn->event_link) &&
        conn_ready(conn, conn->watch) != 0) {
        list_append(&conn->tcp->eventful, &conn->event_link);
    }
}

wh_time conn_earliest(const struct wh_conn *conn)
{
    wh_time earliest = conn->flight != NULL ? conn->flight->pace_deadline : WH_NEVER;
    for (unsigned i = 0; i < DEADLINES; i++) {
        earliest = MIN(earliest, conn->deadline[i]);
    }
    return earliest;
}

void conn_arm(struct wh_conn *conn)
{
    struct wheel *wheel = &conn->tcp->wheel;
    wh_time earliest = conn_earliest(conn);
    if (earliest == WH_NEVER) {
        if (timer_armed(&conn->timer)) {
            wheel_disarm(wheel, &conn->timer);
        }
    } else if (!timer_armed(&conn->timer) || earliest < conn->timer.deadline) {
        /* A node that stands too early is left: it fires, finds nothing due and moves. */
        wheel_arm(wheel, &conn->timer, earliest);
    }
}

void conn_deadline(struct wh_conn *conn, enum deadline which, wh_time when)
{
    if (conn->deadline[which] == when) {
        return;
    }
    conn->deadline[which] = when;
    if (when != WH_NEVER && timer_armed(&conn->timer) && conn->timer.deadline <= when) {
        return; /* the node stands at something sooner, or fires, finds nothing due and moves */
    }
    conn_arm(conn);
}

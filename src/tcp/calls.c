/* SPDX-License-Identifier: MIT */
/*
 * The user calls of RFC 9293 3.10: OPEN, SEND, RECEIVE, CLOSE, ABORT, STATUS, on one
 * connection. Calls that may end a connection (close, abort, shutdown) have their
 * public half in the stack, which settles what the new state means.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/chunk_sum.h"
#include "tcp/cc/cc.h"
#include "tcp/ecn.h"
#include "tcp/fast_open.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"
#include "tcp/tune.h"
#include "wire/ip.h"

/* ------------------------------------------------------------------ OPEN -- */

static void number_from(struct wh_conn *conn, uint32_t iss)
{
    conn->iss = iss;
    conn->snd_una = iss;
    conn->snd_nxt = iss + 1;
    conn->snd_max = iss;
    conn->snd_end = iss + 1;
    conn->ts_offset = tcp_timestamp_offset(conn->tcp, &conn->tuple);
}

void tcp_open_active(struct wh_conn *conn)
{
    tcp_offer(conn);
    ecn_ask(conn);
    number_from(conn, tcp_choose_iss(conn->tcp, &conn->tuple));
    conn_step(conn, WH_ON_ACTIVE_OPEN, WH_WHY_BY_APPLICATION);
    conn->syn_due = true;
    conn->progress = conn->tcp->now;
    conn_want_output(conn);
}

void tcp_open_passive(struct wh_conn *conn, const struct segment *syn, uint32_t iss)
{
    tcp_offer(conn);
    number_from(conn, iss);
    conn->passive = true;
    conn->irs = syn->seq;
    conn->rcv_nxt = syn->seq + 1;
    conn->rcv_edge = conn->rcv_nxt + MIN(conn_receive_space(conn), UINT16_MAX);
    conn->last_ack_sent = conn->rcv_nxt;
    conn->progress = conn->tcp->now;
    tcp_first_window(conn, syn);
    tcp_agree(conn, &syn->options);
    ecn_enter(conn, ecn_asked(syn->flags, conn_option(conn, WH_OPT_ECN)),
              syn->traffic_class & ECN_MASK);
}

/* ------------------------------------------------------------------ SEND -- */

static int check_send(const struct wh_conn *conn)
{
    if (conn_over(conn) && conn->error != 0) {
        return conn->error;
    }
    if (conn->write_shut) {
        return WH_E_PIPE; /* so it stays when the connection has come to its orderly end */
    }
    return conn_over(conn) ? WH_E_NOTCONN : WH_OK;
}

/* Chunks appended behind `last` learn the sequence number of their first byte. */
static void number_chunks(struct wh_conn *conn, struct chunk *last, uint32_t next)
{
    struct chunk *chunk = last == NULL ? conn->send.head : last->next;
    if (last != NULL) {
        next = last->seq + last->end;
    }
    for (; chunk != NULL; chunk = chunk->next) {
        chunk->seq = next - chunk->begin;
        next += chunk_length(chunk);
    }
}

static void queued(struct wh_conn *conn, size_t length, unsigned flags)
{
    conn->snd_end += (uint32_t)length;
    conn->more = (flags & WH_SEND_MORE) != 0;
    if (flags & WH_SEND_URGENT) {
        conn->snd_up = conn->snd_end;
        conn->urgent_out = true;
    }
    conn_want_output(conn);
}

/*
 * What is queued will leave in full segments from SND.NXT on, unless something happens: so the
 * checksum's part that is data is computed for these, while it is copied. Not where the link does.
 */
static struct summing summing_of(const struct wh_conn *conn)
{
    struct summing summing = { .checksum = conn->tcp->checksum };
    if ((conn->tcp->features & WH_TX_CHECKSUM) == 0) {
        summing.block = conn_mss(conn);
        summing.first = summing.block - (conn->snd_end - conn->snd_nxt) % summing.block;
    }
    return summing;
}

/* Copies to the end of the send queue. A small piece is summed with what it will leave with. */
static size_t append(struct wh_conn *conn, const void *data, size_t length)
{
    struct chunk_store *store = &conn->tcp->chunks;
    const struct chunk *tail = conn->send.tail;
    if (length < CHUNK_SUM_LEAST && (tail == NULL || tail->block == 0)) {
        return chunk_queue_append(&conn->send, store, data, length, MEMORY_ORDINARY);
    }
    struct summing summing = summing_of(conn);
    return chunk_queue_append_summed(&conn->send, store, data, length, MEMORY_ORDINARY, &summing);
}

int64_t wh_send(wh_conn *conn, const void *data, size_t length, unsigned flags)
{
    int result = check_send(conn);
    if (result != WH_OK) {
        return result;
    }
    size_t room = MIN(length, conn_send_room(conn));
    conn->starved = room < length;
    if (room == 0) {
        return length == 0 ? WH_E_INVAL : WH_E_AGAIN;
    }
    struct chunk *last = conn->send.tail;
    uint32_t next = conn->snd_end;
    size_t taken = append(conn, data, room);
    number_chunks(conn, last, next);
    if (taken == 0) {
        conn->tcp->count[WH_WHY_MEMORY_CAP]++;
        return WH_E_NOMEM;
    }
    queued(conn, taken, taken == length ? flags : flags & ~(unsigned)WH_SEND_URGENT);
    return (int64_t)taken;
}

/* A chunk to write to, for this connection alone, at least so large; NULL without memory. */
static struct chunk *reserve(struct wh_conn *conn, uint32_t want)
{
    struct reservation *place = &conn->tcp->reservation;
    /* What another has left may be far too large: a small piece must not cost a large chunk. */
    if (place->chunk != NULL && (place->conn != conn || place->chunk->size < want)) {
        chunk_drop(&conn->tcp->chunks, place->chunk);
        place->chunk = NULL;
    }
    if (place->chunk == NULL) {
        place->chunk = chunk_take(&conn->tcp->chunks, want, MEMORY_ORDINARY);
    }
    place->conn = conn;
    return place->chunk;
}

int wh_reserve(wh_conn *conn, size_t want, wh_slice *slices, size_t cap)
{
    int result = check_send(conn);
    if (result != WH_OK) {
        return result;
    }
    want = MIN(want, conn_send_room(conn));
    if (want == 0 || cap == 0) {
        return WH_E_AGAIN;
    }
    int n = 0;
    struct chunk *tail = conn->send.tail;
    if (tail != NULL && chunk_room(tail) > 0) {
        size_t room = MIN(want, chunk_room(tail));
        slices[n++] = (wh_slice){ tail->data + tail->end, room };
        want -= room;
    }
    if (want > 0 && (size_t)n < cap) {
        want = MIN(want, chunk_max());
        struct chunk *reserved = reserve(conn, (uint32_t)want);
        if (reserved != NULL) {
            slices[n++] = (wh_slice){ reserved->data, want };
        } else if (n == 0) {
            conn->tcp->count[WH_WHY_MEMORY_CAP]++;
            return WH_E_NOMEM;
        }
    }
    return n;
}

int64_t wh_commit(wh_conn *conn, size_t length, unsigned flags)
{
    int result = check_send(conn);
    if (result != WH_OK) {
        return result;
    }
    struct chunk *tail = conn->send.tail;
    size_t in_tail = tail != NULL ? MIN(length, chunk_room(tail)) : 0;
    size_t rest = length - in_tail;
    struct reservation *place = &conn->tcp->reservation;
    struct chunk *reserved = place->conn == conn ? place->chunk : NULL;
    /* What was reserved may be filled, even if memory has become short since. */
    if (rest > (reserved != NULL ? reserved->size : 0)) {
        return WH_E_INVAL;
    }
    if (in_tail > 0) {
        tail->end += (uint32_t)in_tail;
        chunk_sum_forget(tail);
        conn->send.length += (uint32_t)in_tail;
    }
    if (rest > 0) {
        reserved->end = (uint32_t)rest;
        reserved->seq = conn->snd_end + (uint32_t)in_tail;
        chunk_queue_push(&conn->send, reserved);
        place->chunk = NULL;
    }
    conn_unreserve(conn);
    if (length > 0) {
        queued(conn, length, flags);
    }
    return (int64_t)length;
}

int64_t wh_flush(wh_conn *conn)
{
    if (conn_over(conn)) {
        return conn->error != 0 ? conn->error : WH_E_NOTCONN;
    }
    conn_unreserve(conn);
    /* SND.MAX: a byte probed beyond the window may have been taken, so its number is used up. */
    uint32_t kept = seq_max(conn->snd_nxt, conn->snd_max);
    uint32_t dropped = seq_gt(conn->snd_end, kept) ? conn->snd_end - kept : 0;
    if (dropped == 0) {
        return 0;
    }
    chunk_queue_cut(&conn->send, &conn->tcp->chunks, dropped);
    conn->snd_end = kept;
    conn->more = false;
    if (conn->urgent_out) {
        conn->snd_up = seq_min(conn->snd_up, kept);
        conn->urgent_out = seq_gt(conn->snd_up, conn->snd_una);
    }
    if (conn->probing && kept == conn->snd_nxt) {
        rtt_restart_timer(conn); /* nothing waits for the window any more */
        recovery_arm(conn);
    }
    conn_want_output(conn);
    conn_notify(conn);
    return dropped;
}

/* --------------------------------------------------------------- RECEIVE -- */

/* What a read says when nothing waits. */
static int nothing_waits(const struct wh_conn *conn)
{
    if (conn->fin_received || conn->read_shut) {
        return 0;
    }
    if (conn_over(conn)) {
        return conn->error != 0 ? conn->error : WH_E_NOTCONN;
    }
    return WH_E_AGAIN;
}

int64_t wh_recv(wh_conn *conn, void *data, size_t length)
{
    if (conn->receive.length == 0) {
        return nothing_waits(conn);
    }
    size_t n = MIN(length, (size_t)conn->receive.length);
    chunk_queue_copy(&conn->receive, 0, data, n);
    (void)wh_consume(conn, n);
    return (int64_t)n;
}

int wh_peek(wh_conn *conn, wh_slice *slices, size_t cap)
{
    if (conn->receive.length == 0) {
        return nothing_waits(conn);
    }
    size_t n = 0;
    for (const struct chunk *chunk = conn->receive.head; chunk != NULL && n < cap;
         chunk = chunk->next) {
        if (chunk_length(chunk) > 0) {
            slices[n++] = (wh_slice){ chunk->data + chunk->begin, chunk_length(chunk) };
        }
    }
    return (int)n;
}

int wh_consume(wh_conn *conn, size_t length)
{
    if (length > conn->receive.length) {
        return WH_E_INVAL;
    }
    chunk_queue_consume(&conn->receive, &conn->tcp->chunks, length);
    uint32_t next_read = conn->rcv_nxt - conn->fin_received - (uint32_t)conn->receive.length;
    if (conn->urgent_in && seq_geq(next_read, conn->rcv_up)) {
        conn->urgent_in = false;
    }
    tune_read(conn);
    tcp_window_opened(conn);
    return WH_OK;
}

/* ----------------------------------------------------- CLOSE, ABORT, end -- */

void tcp_die(struct wh_conn *conn, wh_arc_event event, wh_reason reason, wh_error error)
{
    if (event == WH_ON_GAVE_UP && conn_state(conn) == WH_SYN_SENT) {
        fast_open_unanswered(conn);
    }
    conn->error = (int8_t)error;
    conn_step(conn, event, reason);
}

/* The RST of RFC 9293 3.10.5: SEQ is the highest number sent, and there is no ACK. */
static void send_reset(struct wh_conn *conn, wh_reason reason)
{
    struct reply *reply = reply_add(conn->tcp, &conn->tuple, WH_CLOSED, reason);
    if (reply != NULL) {
        /* Not rewound by an RTO, and not counting a byte probed beyond the window. */
        reply->seq = conn->snd_nxt;
        reply->flags = WH_RST;
        reply->hops = (uint8_t)conn_option(conn, WH_OPT_TTL);
    }
}

void tcp_abort(struct wh_conn *conn, wh_reason reason)
{
    switch (conn_state(conn)) {
    case WH_SYN_RECEIVED:
    case WH_ESTABLISHED:
    case WH_FIN_WAIT_1:
    case WH_FIN_WAIT_2:
    case WH_CLOSE_WAIT: send_reset(conn, reason); break;
    case WH_CLOSING:
    case WH_LAST_ACK:
        /*
         * RFC 9293 3.10.5 sends nothing here, since 3.10.4 enters these states with the FIN. They
         * bear the name already while data holds the FIN back: that peer must be told. And after a
         * close over unread data what we sent may still be in flight: its receiver must not wait for
         * it in vain (SHLD-3).
         */
        if (!conn->fin_sent || reason == WH_WHY_UNREAD_AT_CLOSE) {
            send_reset(conn, reason);
        }
        break;
    default: break;
    }
    if (!conn_over(conn)) {
        bool timeout = reason == WH_WHY_TIMEOUT_KEEPALIVE;
        tcp_die(conn, timeout ? WH_ON_GAVE_UP : WH_ON_ABORT, reason,
                timeout ? WH_E_TIMEDOUT : WH_E_CONNABORTED);
    }
}

/* Our side is finished: a FIN follows what is queued. */
static void finish_sending(struct wh_conn *conn)
{
    if (conn->write_shut) {
        return;
    }
    conn->write_shut = true;
    conn->more = false;
    conn_unreserve(conn);
    if (arc_exists(conn_state(conn), WH_ON_CLOSE)) {
        conn_step(conn, WH_ON_CLOSE, WH_WHY_BY_APPLICATION);
    }
    if (!conn_over(conn)) {
        conn_want_output(conn);
    }
}

void tcp_shutdown(struct wh_conn *conn, unsigned sides)
{
    if (sides & WH_READ) {
        conn->read_shut = true;
        (void)wh_consume(conn, (size_t)conn->receive.length);
        reassembly_free(&conn->reassembly, &conn->tcp->chunks);
    }
    if (sides & WH_WRITE) {
        finish_sending(conn);
    }
}

/* What somebody who closed still waits for is limited (FIN-WAIT-2, linger). */
static void limit_orphan(struct wh_conn *conn)
{
    int64_t linger = conn_option(conn, WH_OPT_LINGER);
    if (conn_state(conn) == WH_FIN_WAIT_2) {
        conn_limit_fin_wait_2(conn);
    } else if (linger > 0) {
        conn_deadline(conn, DEADLINE_END, conn->tcp->now + (wh_time)linger);
    }
}

void tcp_close(struct wh_conn *conn)
{
    conn->handle = false;
    link_remove(&conn->event_link);
    if (conn_over(conn)) {
        return;
    }
    bool unread = conn->receive.length > 0 && !conn->read_shut;
    bool open = conn_synchronized(conn) || conn_unconfirmed(conn);
    if (unread && open) {
        tcp_abort(conn, WH_WHY_UNREAD_AT_CLOSE); /* RFC 9293 3.6.1, SHLD-3; lifecycle A04 */
        return;
    }
    if (conn_option(conn, WH_OPT_LINGER) == 0 && open) {
        tcp_abort(conn, WH_WHY_LINGER_ZERO);
        return;
    }
    reassembly_free(&conn->reassembly, &conn->tcp->chunks);
    finish_sending(conn);
    if (!conn_over(conn)) {
        limit_orphan(conn);
    }
}

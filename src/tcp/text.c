/* SPDX-License-Identifier: MIT */
/* RFC 9293 3.10.7.4, sixth to eighth: URG, segment text, FIN. */
#include "base/bytes.h"
#include "tcp/protocol.h"
#include "tcp/tune.h"

/* A segment's data, trimmed to the window. */
struct text {
    uint32_t seq;
    const uint8_t *data;
    uint32_t length;
    bool fin; /* the FIN follows the data, and lies inside the window */
};

/* Memory that so many bytes of text may cost; beyond it, pieces are copied together or refused. */
static size_t memory_budget(uint32_t bytes) { return 2 * (size_t)bytes + 65536; }

static void check_urgent(struct wh_conn *conn, const struct segment *segment)
{
    /* RFC 6093 and MUST-62: the pointer names the byte after the last urgent one. */
    uint32_t up = segment->seq + segment->urgent;
    if (segment->urgent == 0 || !seq_gt(up, conn->rcv_nxt - (uint32_t)conn->receive.length)) {
        return;
    }
    if (!conn->urgent_in || seq_gt(up, conn->rcv_up)) {
        conn->urgent_in = true;
        conn->rcv_up = up;
        conn->pending |= WH_URGENT;
        conn_notify(conn);
    }
}

void tcp_arrived_twice(struct wh_conn *conn, uint32_t left, uint32_t right)
{
    if (conn->sack && seq_lt(left, right)) {
        conn->dsack_left = left;
        conn->dsack_length = (uint16_t)MIN(right - left, UINT16_MAX);
    }
}

static struct text trim(struct wh_conn *conn, const struct segment *segment)
{
    struct text text = { segment->seq + ((segment->flags & WH_SYN) != 0), segment->data,
                         segment->length, (segment->flags & WH_FIN) != 0 };
    uint32_t edge = seq_max(conn->rcv_edge, conn->rcv_nxt);
    if (seq_lt(text.seq, conn->rcv_nxt)) {
        uint32_t old = MIN(conn->rcv_nxt - text.seq, text.length);
        tcp_arrived_twice(conn, text.seq, text.seq + old);
        text.seq += old;
        text.data += old;
        text.length -= old;
    }
    if (seq_gt(text.seq + text.length, edge)) {
        uint32_t fits = seq_gt(edge, text.seq) ? edge - text.seq : 0;
        conn->tcp->count[WH_WHY_BEYOND_WINDOW]++;
        text.length = MIN(fits, text.length);
        text.fin = false;
    }
    return text;
}

/*
 * True if the buffer of a large piece may join the queue as it is. Small pieces between large
 * ones would each begin a chunk of their own: where the queue costs too much, all is copied.
 */
static bool worth_keeping(const struct wh_conn *conn, const struct chunk *buffer, uint32_t length)
{
    return buffer != NULL && buffer->references == 1 && length >= buffer->size / 2 &&
           conn->receive.cost + chunk_cost(buffer) <= memory_budget(conn->receive.length + length);
}

/* In-order bytes join the receive queue; a large piece in a buffer of our own stays where it is. */
static uint32_t deliver_piece(struct wh_conn *conn, struct chunk *buffer, const uint8_t *data,
                              uint32_t length)
{
    if (worth_keeping(conn, buffer, length)) {
        buffer->begin = (uint32_t)(data - buffer->data);
        buffer->end = buffer->begin + length;
        chunk_hold(buffer);
        chunk_queue_push(&conn->receive, buffer);
        return length;
    }
    return (uint32_t)chunk_queue_append(&conn->receive, &conn->tcp->chunks, data, length,
                                        MEMORY_ORDINARY);
}

static uint32_t deliver(struct wh_conn *conn, const struct segment *segment,
                        const struct text *text)
{
    if (conn->read_shut) {
        return text->length;
    }
    if (segment->piece == NULL) {
        return deliver_piece(conn, segment->buffer, text->data, text->length);
    }
    uint32_t taken = 0; /* a run is never trimmed (tcp_takes_run) */
    for (uint32_t i = 0; i < segment->pieces; i++) {
        const struct piece *piece = &segment->piece[i];
        uint32_t n = deliver_piece(conn, piece->buffer, piece->data, piece->length);
        taken += n;
        if (n < piece->length) {
            break;
        }
    }
    return taken;
}

/* One decision for a batch: every second full segment at once, the rest a little later (RFC 9293 3.8.6.3). */
static void owe_ack(struct wh_conn *conn, const struct segment *segment)
{
    uint32_t size = segment->segment_size != 0 ? segment->segment_size : segment->length;
    conn->rcv_mss = (uint16_t)MIN(MAX(conn->rcv_mss, size), UINT16_MAX);
    wh_time delay = (wh_time)conn_option(conn, WH_OPT_ACK_DELAY);
    uint32_t owed = conn->rcv_nxt - conn->last_ack_sent;
    uint32_t full =
        MIN(conn->rcv_mss, tcp_announced_mss(conn->tcp, conn->profile, &conn->tuple.remote));
    if (delay == 0 || owed >= 2 * full) {
        conn->ack_now = true;
        conn_want_output(conn);
    } else if (conn->deadline[DEADLINE_ACK] == WH_NEVER) {
        conn_deadline(conn, DEADLINE_ACK, conn->tcp->now + delay);
    }
}

static void take_in_order(struct wh_conn *conn, const struct segment *segment,
                          const struct text *text)
{
    struct tcp *tcp = conn->tcp;
    uint32_t taken = deliver(conn, segment, text);
    if (taken < text->length && conn->reassembly != NULL) {
        /*
         * What was SACKed may be thrown away (RFC 2018 8), or all memory could end up behind
         * holes that nothing is left to fill. A connection's own pays for what it is waiting for.
         */
        tcp->count[WH_WHY_REASSEMBLY_DISCARDED]++;
        reassembly_free(&conn->reassembly, &tcp->chunks);
        const struct text rest = { text->seq + taken, text->data + taken, text->length - taken,
                                   text->fin };
        taken += deliver(conn, segment, &rest);
    }
    bool filled_hole = conn->reassembly != NULL;
    conn->rcv_nxt += taken;
    uint32_t end = segment->seq + segment->length;
    if (filled_hole) { /* which somebody still reads: shutdown(READ) leaves nothing held */
        reassembly_take(&conn->reassembly, &tcp->chunks, &conn->rcv_nxt, &conn->receive);
    }
    conn->pushed = (segment->flags & WH_PSH) && conn->rcv_nxt == end;
    if (taken < text->length) {
        because(tcp, WH_WHY_MEMORY_CAP); /* not acknowledged; the peer will send it again */
    }
    tune_round_trip(conn, segment);
    owe_ack(conn, segment);
    if (filled_hole) {
        conn->ack_now = true; /* RFC 5681 4.2: at once when a gap is filled, in part or whole */
        conn_want_output(conn);
    }
}

static void take_out_of_order(struct wh_conn *conn, const struct text *text)
{
    struct tcp *tcp = conn->tcp;
    if (text->length > 0 && !conn->read_shut) {
        uint32_t left;
        uint32_t right;
        if (reassembly_holds(conn->reassembly, text->seq, text->length, &left, &right)) {
            tcp_arrived_twice(conn, left, right);
        }
        /*
         * Twice that: where every other segment is missing each one that is here has a chunk to
         * itself, up to four times its size. What is promised must then fit all the same, or
         * retransmissions are refused for lack of room and nothing but a timeout helps.
         */
        size_t budget = 2 * memory_budget(MAX(tune_receive_limit(conn), tcp_window_promised(conn)));
        wh_reason reason = reassembly_add(&conn->reassembly, &tcp->chunks, text->seq, text->data,
                                          text->length, budget);
        because(tcp, reason == WH_WHY_NONE ? WH_WHY_OUT_OF_ORDER : reason);
    } else {
        because(tcp, WH_WHY_OUT_OF_ORDER);
    }
    /* RFC 5681 4.2: each one is acknowledged by itself, because the peer may be counting. */
    if (conn->dup_acks_owed < UINT16_MAX) {
        conn->dup_acks_owed++;
    }
    conn_want_output(conn);
}

/* Bytes that nobody can read any more: say so with a RST (RFC 9293 3.6.1, SHLD-3). */
static bool unreadable(struct wh_conn *conn, const struct text *text)
{
    if (conn->handle || text->length == 0) {
        return false;
    }
    tcp_abort(conn, WH_WHY_DATA_AFTER_CLOSE);
    return true;
}

/* Eighth: everything up to the peer's FIN is here. */
static void take_fin(struct wh_conn *conn)
{
    conn->rcv_nxt = conn->peer_fin + 1;
    conn->rcv_edge = seq_max(conn->rcv_edge, conn->rcv_nxt);
    conn->fin_received = true;
    conn->ack_now = true;
    conn_want_output(conn);
    if (arc_exists(conn_state(conn), WH_ON_GOT_FIN)) {
        conn_step(conn, WH_ON_GOT_FIN, WH_WHY_BY_SEGMENT);
    }
}

/* The peer's FIN is known, though perhaps not yet reached. What is held beyond it cannot be true. */
static void learn_fin(struct wh_conn *conn, uint32_t seq)
{
    const struct reassembly *held = conn->reassembly;
    conn->fin_known = true;
    conn->peer_fin = seq;
    if (held != NULL && seq_gt(held->block[held->count - 1].right, seq)) {
        conn->tcp->count[WH_WHY_TEXT_AFTER_FIN]++;
        reassembly_free(&conn->reassembly, &conn->tcp->chunks);
    }
}

static void process_text(struct wh_conn *conn, const struct segment *segment)
{
    struct text text = trim(conn, segment);
    if (unreadable(conn, &text)) {
        return;
    }
    if (text.fin && !conn->fin_known) {
        learn_fin(conn, text.seq + text.length);
    }
    if (conn->fin_known && seq_gt(text.seq + text.length, conn->peer_fin)) {
        because(conn->tcp, WH_WHY_TEXT_AFTER_FIN);
        text.length = seq_gt(conn->peer_fin, text.seq) ? conn->peer_fin - text.seq : 0;
    }
    uint32_t before = conn->rcv_nxt;
    if (text.seq == conn->rcv_nxt && text.length > 0) {
        take_in_order(conn, segment, &text);
    } else if (seq_gt(text.seq, conn->rcv_nxt) && (text.length > 0 || text.fin)) {
        take_out_of_order(conn, &text);
    } else {
        /* Nothing new, but something to say: the window is shut, or it is old. */
        conn->ack_now = true;
        conn_want_output(conn);
    }
    conn_count_received(conn, before);
    if (conn->fin_known && conn->rcv_nxt == conn->peer_fin && !conn->fin_received) {
        take_fin(conn);
    }
    if (conn->rcv_nxt != before) {
        conn_notify(conn);
    }
}

void tcp_text_predicted(struct wh_conn *conn, const struct segment *segment)
{
    const struct text text = { segment->seq, segment->data, segment->length, false };
    uint32_t before = conn->rcv_nxt;
    take_in_order(conn, segment, &text);
    conn_count_received(conn, before);
    conn_notify(conn);
}

void tcp_text(struct wh_conn *conn, const struct segment *segment)
{
    if (conn->fin_received) {
        /* CLOSE-WAIT, CLOSING, LAST-ACK: "this should not occur". A repeated FIN came by the first step. */
        if (segment_length(segment) > 0) {
            because(conn->tcp, WH_WHY_TEXT_AFTER_FIN);
            conn->ack_now = true;
            conn_want_output(conn);
        }
        return;
    }
    if (segment->flags & WH_URG) {
        check_urgent(conn, segment);
    }
    if (segment->length > 0 || (segment->flags & WH_FIN)) {
        process_text(conn, segment);
    }
}

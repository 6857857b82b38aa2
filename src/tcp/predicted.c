/* SPDX-License-Identifier: MIT */
/*
 * Header prediction (Jacobson, 1990): on an undisturbed connection nearly every segment is the
 * one that was to be expected. It brings the next bytes, or acknowledges some, or both, and
 * says nothing else. Then all but a few of the questions of RFC 9293 3.10.7.4 have been answered
 * beforehand, and the few steps that remain are taken here in the RFC's order. Whatever is only a
 * little different goes the long way: this file decides nothing that arrival.c would decide
 * otherwise (tests/sim/prediction compares them).
 */
#include "base/bytes.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"

/* Nothing about the connection asks for a closer look. */
static bool undisturbed(const struct wh_conn *conn)
{
    const struct flight *flight = conn->flight;
    return conn_state(conn) == WH_ESTABLISHED && conn->recovery == RECOVERY_NONE &&
           !(conn->ecn || conn->probing || conn->urgent_in || conn->urgent_out || conn->read_shut ||
             conn->fin_known || !conn->handle) &&
           conn->accecn == NULL && conn->reassembly == NULL &&
           (flight == NULL || !(flight->disturbed || flight->undo || flight->probing));
}

/* It comes next, in order and in time, and bears nothing but an ACK and perhaps text. */
static bool expected(const struct wh_conn *conn, const struct segment *segment)
{
    return segment->seq == conn->rcv_nxt && (segment->flags & ~WH_PSH) == WH_ACK &&
           segment->length <= tcp_window_promised(conn) &&
           segment->options.has == (conn->timestamps ? WH_HAS_TIMESTAMPS : 0) &&
           (!conn->timestamps || seq_geq(segment->options.tsval, conn->ts_recent));
}

bool tcp_predicted(struct wh_conn *conn, const struct segment *segment)
{
    uint32_t acked = segment->ack - conn->snd_una;
    if (conn->tcp->unpredicted || !undisturbed(conn) || !expected(conn, segment) ||
        acked > conn->snd_nxt - conn->snd_una || (acked == 0 && segment->length == 0) ||
        (acked > 0 && flight_empty(conn->flight))) {
        return false;
    }
    tcp_heard(conn);
    if (conn->timestamps && seq_leq(segment->seq, conn->last_ack_sent)) {
        conn->ts_recent = segment->options.tsval; /* RFC 7323 4.3 */
        conn->ts_recent_age = (uint32_t)(conn->tcp->now / WH_SECOND);
    }
    conn->traffic_class = segment->traffic_class;
    if (acked > 0) {
        tcp_acknowledgement_predicted(conn, segment);
    } else {
        tcp_take_window(conn, segment);
    }
    if (segment->length > 0) {
        tcp_text_predicted(conn, segment);
    }
    return true;
}

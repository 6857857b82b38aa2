/* SPDX-License-Identifier: MIT */
/*
 * Proportional rate reduction (RFC 9937): in recovery what may be sent follows what
 * arrives, so that cwnd comes down to ssthresh over one round trip, neither in a silence nor in
 * a burst, whatever is lost or held back on the way.
 */
#include "base/bytes.h"
#include "tcp/recovery.h"

void prr_begin(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    uint32_t newly = what != NULL ? what->sacked : 0;
    uint32_t acked = what != NULL ? what->acked : 0;
    flight->prr_delivered = 0;
    flight->prr_out = 0;
    /* RecoverFS: what was outstanding before this acknowledgement, and had not been told before. */
    uint32_t told = flight->sacked - MIN(newly, flight->sacked);
    flight->prr_base = MAX(conn->snd_nxt - conn->snd_una + acked - told, 1);
}

void prr_acknowledged(struct wh_conn *conn, uint32_t delivered, uint32_t lost, bool forward)
{
    struct flight *flight = conn->flight;
    uint32_t mss = conn_mss(conn);
    uint32_t pipe = conn_pipe(conn);
    flight->prr_delivered += delivered;
    uint64_t send;
    if (pipe > conn->ssthresh) {
        uint64_t target =
            ((uint64_t)flight->prr_delivered * conn->ssthresh + flight->prr_base - 1) /
            flight->prr_base;
        send = target > flight->prr_out ? target - flight->prr_out : 0;
    } else {
        uint32_t spare =
            flight->prr_delivered > flight->prr_out ? flight->prr_delivered - flight->prr_out : 0;
        send = MAX(spare, delivered);
        if (forward && lost == 0) {
            send += mss; /* SafeACK: the window may grow as in slow start */
        }
        send = MIN(send, conn->ssthresh - pipe);
    }
    if (flight->prr_out == 0 && send < mss) {
        send = mss; /* the first retransmission is sent in any case */
    }
    conn->cwnd = pipe + (uint32_t)send;
}

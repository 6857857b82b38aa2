/* SPDX-License-Identifier: MIT */
/*
 * Tail loss probes (RFC 8985 7). When the last segments of a burst are lost nothing comes
 * that could tell. So after two round trips of silence one segment more is sent, new data
 * or the last once again: its acknowledgement brings the news, long before a timeout would.
 */
#include "base/bytes.h"
#include "tcp/recovery.h"

/* RFC 8985 7.2: how long a peer may hold back the acknowledgement of a single segment. */
#define MAX_ACK_DELAY (200 * WH_MILLISECOND)

wh_time tail_probe_due(const struct wh_conn *conn)
{
    const struct flight *flight = conn->flight;
    if (!conn->sack || conn->recovery != RECOVERY_NONE || flight->sacked > 0 || flight->lost > 0 ||
        flight->probing || conn->srtt == 0) {
        return WH_NEVER;
    }
    wh_time timeout = 2 * conn->srtt * WH_MICROSECOND;
    if (conn->snd_nxt - conn->snd_una <= conn_mss(conn)) {
        timeout += MAX_ACK_DELAY;
    }
    return MIN(conn->tcp->now + timeout, flight->rto_at);
}

void tail_probe_timeout(struct wh_conn *conn)
{
    conn->flight->probe_due = true;
    conn_want_output(conn);
}

void tail_probe_sent(struct wh_conn *conn, bool again)
{
    struct flight *flight = conn->flight;
    flight->probe_due = false;
    flight->probing = true;
    flight->probe_again = again;
    flight->probe_end = conn->snd_nxt;
    conn->tail_probes = (uint16_t)MIN(conn->tail_probes + 1U, UINT16_MAX);
    conn->tcp->count[WH_WHY_RETRANSMIT_TAIL_PROBE]++;
}

bool tail_probe_acknowledged(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    if (!flight->probing || seq_lt(conn->snd_una, flight->probe_end)) {
        return false;
    }
    if (!flight->probe_again) {
        flight->probing = false;
        return false;
    }
    if (what->dsack && what->dsack_right == flight->probe_end) {
        flight->probing = false; /* it arrived twice: nothing was lost */
        return false;
    }
    if (seq_gt(conn->snd_una, flight->probe_end)) {
        flight->probing = false;
        return true; /* no word of a second copy: the probe was the only one to arrive */
    }
    if (!what->forward && what->sacked == 0) {
        flight->probing = false; /* a second acknowledgement of the same: both have arrived */
    }
    return false;
}

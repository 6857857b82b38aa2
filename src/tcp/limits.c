/* SPDX-License-Identifier: MIT */
/*
 * What sending waited for, and how long: the sums that wh_info tells. The current wait stands
 * in the flight, so a connection at rest waits for nothing.
 */
#include "base/bytes.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"

static enum limit limit_of(const struct wh_conn *conn)
{
    if (conn->snd_una == conn->snd_nxt && conn->snd_nxt == conn->snd_end + conn->fin_sent) {
        return LIMIT_NONE;
    }
    bool unsent = conn->snd_nxt != conn->snd_end + conn->fin_sent;
    if (unsent && seq_leq(conn->snd_una + conn->snd_wnd, conn->snd_nxt)) {
        return LIMIT_WINDOW;
    }
    return !unsent && conn->starved ? LIMIT_BUFFER : LIMIT_PATH;
}

static void account(struct wh_conn *conn, enum limit next)
{
    struct flight *flight = conn->flight;
    uint32_t now = tcp_milliseconds(conn->tcp);
    if (flight->limit < LIMITS) {
        conn->limited[flight->limit] += now - flight->limit_since;
    }
    flight->limit = (uint8_t)next;
    flight->limit_since = now;
}

void limits_note(struct wh_conn *conn)
{
    if (conn->flight == NULL) {
        return;
    }
    enum limit limit = limit_of(conn);
    if (limit != conn->flight->limit) {
        account(conn, limit);
    }
}

void limits_rest(struct wh_conn *conn)
{
    if (conn->flight != NULL) {
        account(conn, LIMIT_NONE);
    }
}

uint32_t limits_total(const struct wh_conn *conn, enum limit limit)
{
    const struct flight *flight = conn->flight;
    bool now = flight != NULL && flight->limit == limit;
    return conn->limited[limit] + (now ? tcp_milliseconds(conn->tcp) - flight->limit_since : 0);
}

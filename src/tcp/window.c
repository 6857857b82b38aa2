/* SPDX-License-Identifier: MIT */
/*
 * The window that we offer: how far its right edge goes, what of that a segment can say,
 * and when reading is worth an update of its own. How large the buffer is, tune.c knows.
 */
#include "base/bytes.h"
#include "tcp/protocol.h"
#include "tcp/tune.h"

uint32_t conn_receive_space(const struct wh_conn *conn)
{
    uint32_t limit = tune_receive_limit(conn);
    uint32_t space = limit > conn->receive.length ? limit - conn->receive.length : 0;
    return tune_affordable(conn, space);
}

/*
 * The right edge moves by steps worth telling (RFC 9293 3.8.6.2.2), that scaling can express.
 * Asked for every segment: the dearer question comes last.
 */
static bool worth_telling(const struct wh_conn *conn, uint32_t gain)
{
    return gain >= UINT32_C(1) << conn->rcv_scale &&
           gain >= MIN(tune_receive_limit(conn) / 2,
                       tcp_announced_mss(conn->tcp, conn->profile, &conn->tuple.remote));
}

uint32_t tcp_window_promised(const struct wh_conn *conn)
{
    return seq_gt(conn->rcv_edge, conn->rcv_nxt) ? conn->rcv_edge - conn->rcv_nxt : 0;
}

/*
 * The right edge moves forward only by a worthwhile step and not back (SHLD-14). Where
 * scaling cannot express it, the field is rounded up as long as the buffer has the room;
 * beyond that, rounding up at each segment would let the edge creep for ever, so it is
 * rounded down (RFC 7323 2.4), and what was promised before is still taken.
 */
uint16_t tcp_window_advertise(struct wh_conn *conn)
{
    uint32_t space = conn_receive_space(conn);
    uint32_t window = tcp_window_promised(conn);
    if (space > window && worth_telling(conn, space - window)) {
        window = MIN(space, (uint32_t)UINT16_MAX << conn->rcv_scale);
    }
    uint32_t field = window >> conn->rcv_scale;
    uint32_t above = (field + 1) << conn->rcv_scale;
    if (window > field << conn->rcv_scale && above <= space && field < UINT16_MAX) {
        field++;
    }
    conn->rcv_edge = conn->rcv_nxt + MAX(tcp_window_promised(conn), field << conn->rcv_scale);
    return (uint16_t)field;
}

void tcp_window_opened(struct wh_conn *conn)
{
    if (conn_state(conn) < WH_ESTABLISHED || conn_over(conn) || conn->fin_received) {
        return;
    }
    uint32_t offered = tcp_window_promised(conn);
    uint32_t space = MIN(conn_receive_space(conn), (uint32_t)UINT16_MAX << conn->rcv_scale);
    uint32_t gain = space > offered ? space - offered : 0;
    /* Often enough that the peer never waits, seldom enough to cost nothing. */
    if ((gain >= offered || gain >= tune_receive_limit(conn) / 4) && worth_telling(conn, gain)) {
        conn->ack_now = true;
        conn->ack_reason = WH_WHY_WINDOW_UPDATE;
        conn_want_output(conn);
    }
}

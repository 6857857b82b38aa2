/* SPDX-License-Identifier: MIT */
/*
 * The deadlines of a connection: retransmission and persist (RFC 6298, RFC 9293
 * 3.8.6.1), delayed acknowledgement, override, keep-alive (3.8.4), and the end of
 * what nobody waits for. One wheel node serves them all; when it fires, whatever
 * is due is run and the node moves to the next.
 */
#include "base/bytes.h"
#include "tcp/path_mtu.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"

/* R2 for data or a SYN; 0: never. */
static wh_time give_up_after(const struct wh_conn *conn)
{
    bool opening = conn_state(conn) < WH_ESTABLISHED;
    return (wh_time)conn_option(conn, opening ? WH_OPT_CONNECT_TIMEOUT : WH_OPT_USER_TIMEOUT);
}

/* How an unanswered connection ends: the soft error seen on the way explains it better than a timeout. */
static void give_up(struct wh_conn *conn, wh_reason reason)
{
    wh_error error = WH_E_TIMEDOUT;
    if (conn->soft_error != 0 && conn_state(conn) < WH_ESTABLISHED) {
        error = (wh_error)conn->soft_error;
    }
    tcp_die(conn, WH_ON_GAVE_UP, reason, error);
}

/* SHLD-9: between R1 and R2 the application hears of the trouble, once. */
static void check_r1(struct wh_conn *conn)
{
    if (conn->retries >= conn_option(conn, WH_OPT_R1_RETRIES) && !conn->r1_told) {
        conn->r1_told = true;
        conn->soft_reason = WH_WHY_RETRANSMIT_TIMEOUT;
        conn->pending |= WH_TROUBLE;
        conn_notify(conn);
    }
}

static void syn_timeout(struct wh_conn *conn)
{
    struct tcp *tcp = conn->tcp;
    wh_time limit = give_up_after(conn);
    if (limit != 0 && tcp->now - conn->progress >= limit) {
        bool opening = conn_state(conn) == WH_SYN_SENT;
        give_up(conn, opening ? WH_WHY_TIMEOUT_SYN : WH_WHY_TIMEOUT_SYN_ACK);
        return;
    }
    tcp->count[WH_WHY_RETRANSMIT_TIMEOUT]++;
    conn->syn_due = true;
    conn->rtx_reason = WH_WHY_RETRANSMIT_TIMEOUT;
    if (conn->syn_retries < UINT8_MAX) {
        conn->syn_retries++;
        conn->retries++;
    }
    check_r1(conn);
    rtt_back_off(conn);
    conn_deadline(conn, DEADLINE_RETRANSMIT, tcp->now + conn_rto(conn));
    conn_want_output(conn);
}

/* Gives the flight back, and with it pacing's deadline: there is nothing in it. */
static void rest(struct wh_conn *conn)
{
    limits_rest(conn);
    flight_free(&conn->flight, &conn->tcp->chunks);
}

/* DEADLINE_RETRANSMIT stood for something sooner, or less, than a timeout. */
static void sooner_timeout(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (flight == NULL) {
        return; /* these timers stand only while there is one */
    }
    switch (conn->timer_kind) {
    case TIMER_REORDER:
        (void)rack_detect(conn);
        if (flight->lost > 0 && path_mtu_congestion(conn)) {
            recovery_enter_fast(conn, NULL);
            if (conn->recovery == RECOVERY_FAST && !conn->profile->congestion->model) {
                prr_acknowledged(conn, 0, flight->lost, false);
            }
        }
        recovery_arm(conn);
        break;
    case TIMER_TAIL: tail_probe_timeout(conn); break;
    default: rest(conn); break;
    }
    conn_want_output(conn);
}

static void retransmission_timeout(struct wh_conn *conn)
{
    struct tcp *tcp = conn->tcp;
    wh_time limit = give_up_after(conn);
    /* SHLD-17: with the window shut, a peer that answers is alive, whatever it does not acknowledge. */
    wh_time since = conn->snd_wnd == 0 ? MAX(conn->progress, conn_heard(conn)) : conn->progress;
    if (limit != 0 && tcp->now - since >= limit) {
        give_up(conn, WH_WHY_TIMEOUT_DATA);
        return;
    }
    tcp->count[WH_WHY_RETRANSMIT_TIMEOUT]++;
    bool black_hole = path_mtu_timeout(conn);
    recovery_timeout(conn);
    conn->rtx_reason = black_hole ? WH_WHY_MTU_BLACK_HOLE : WH_WHY_RETRANSMIT_TIMEOUT;
    if (conn->retries < UINT8_MAX) {
        conn->retries++;
    }
    check_r1(conn);
    rtt_back_off(conn);
    rtt_restart_timer(conn);
    recovery_arm(conn);
    conn_want_output(conn);
}

/* The window has been shut for an RTO, and then twice as long each time (SHLD-29, SHLD-30). */
static void persist_timeout(struct wh_conn *conn)
{
    struct tcp *tcp = conn->tcp;
    wh_time limit = give_up_after(conn);
    if (limit != 0 && conn_heard(conn) + limit <= tcp->now) {
        give_up(conn,
                WH_WHY_TIMEOUT_DATA); /* MUST-37 protects peers that answer; this one does not */
        return;
    }
    conn->probe_due = true;
    if (flight_empty(conn->flight)) {
        /* Who waits for a window rests, perhaps for hours, beside thousands like it. */
        rest(conn);
    }
    if (conn->retries < UINT8_MAX) {
        conn->retries++;
    }
    uint64_t interval = conn_rto(conn) << MIN(conn->retries, 20U);
    uint64_t most = (uint64_t)conn_option(conn, WH_OPT_RTO_MAX);
    conn_deadline(conn, DEADLINE_RETRANSMIT, tcp->now + MIN(interval, most));
    conn_want_output(conn);
}

static void keepalive_timeout(struct wh_conn *conn)
{
    struct tcp *tcp = conn->tcp;
    /* MUST-26: only on an idle connection; MUST-29: one lost probe means nothing. */
    if (conn->keepalives >= conn_option(conn, WH_OPT_KEEPALIVE_PROBES)) {
        tcp_abort(conn, WH_WHY_TIMEOUT_KEEPALIVE);
        return;
    }
    if (conn->snd_una == conn->snd_nxt && conn->send.length == 0) {
        conn->keepalives++;
        conn->keepalive_due = true;
        conn_want_output(conn);
    }
    conn_deadline(conn, DEADLINE_KEEPALIVE,
                  tcp->now + (wh_time)conn_option(conn, WH_OPT_KEEPALIVE_INTERVAL));
}

void tcp_keepalive_restart(struct wh_conn *conn)
{
    bool wanted = conn_option(conn, WH_OPT_KEEPALIVE) != 0 && conn_synchronized(conn) &&
                  conn_state(conn) != WH_TIME_WAIT;
    wh_time idle = (wh_time)conn_option(conn, WH_OPT_KEEPALIVE_IDLE);
    conn_deadline(conn, DEADLINE_KEEPALIVE, wanted ? conn_heard(conn) + idle : WH_NEVER);
}

static void end_timeout(struct wh_conn *conn)
{
    if (conn_state(conn) == WH_FIN_WAIT_2) {
        tcp_die(conn, WH_ON_GAVE_UP, WH_WHY_TIMEOUT_FIN_WAIT_2, WH_E_TIMEDOUT);
    } else {
        tcp_abort(conn, WH_WHY_TIMEOUT_LINGER);
    }
}

static void run(struct wh_conn *conn, enum deadline which)
{
    switch (which) {
    case DEADLINE_RETRANSMIT:
        if (conn_syn_outstanding(conn)) {
            syn_timeout(conn);
        } else if (conn->probing) {
            persist_timeout(conn);
        } else if (conn->timer_kind != TIMER_TIMEOUT) {
            sooner_timeout(conn);
        } else {
            retransmission_timeout(conn);
        }
        break;
    case DEADLINE_ACK:
        conn->ack_now = true;
        conn_want_output(conn);
        break;
    case DEADLINE_PUSH:
        conn->push_due = true;
        conn->cwnd = MAX(conn->cwnd, conn_mss(conn)); /* a mark had closed it (RFC 3168 6.1.2) */
        conn_want_output(conn);
        break;
    case DEADLINE_KEEPALIVE: keepalive_timeout(conn); break;
    default: end_timeout(conn); break;
    }
}

void tcp_timers(struct wh_conn *conn)
{
    struct tcp *tcp = conn->tcp;
    if (conn->flight != NULL && conn->flight->arm_due) {
        recovery_arm(conn); /* what an acknowledgement has moved is not due */
    }
    for (unsigned which = 0; which < DEADLINES && !conn_over(conn); which++) {
        if (conn->deadline[which] <= tcp->now) {
            conn->deadline[which] = WH_NEVER;
            run(conn, which);
        }
    }
    if (conn->flight != NULL && conn->flight->pace_deadline <= tcp->now) {
        conn->flight->pace_deadline = WH_NEVER;
        conn_want_output(conn);
    }
    wh_time earliest = conn_earliest(conn);
    if (earliest != WH_NEVER && (!timer_armed(&conn->timer) || conn->timer.deadline > earliest)) {
        wheel_arm(&tcp->wheel, &conn->timer, earliest);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * RFC 9293 3.10.1 to 3.10.6, the calls, as a function from facts to what may
 * follow. Results are what sockets say (POSIX): "connection already exists" is
 * ADDRINUSE, "connection closing" of a SEND is PIPE, of a RECEIVE the end of file.
 */
#include "oracle.h"

static bool unacknowledged(const struct facts *f) { return f->snd_una != f->snd_nxt; }

/* The peer's FIN has been received in these. */
static bool peer_closed(wh_state state) { return state == WH_CLOSE_WAIT || state >= WH_CLOSING; }

static bool we_closed(const struct facts *f)
{
    return f->state >= WH_FIN_WAIT_1 && f->state != WH_CLOSE_WAIT;
}

static struct answer *allow(struct answers *a, const struct facts *f, const char *choice,
                            int64_t result)
{
    struct answer *at = &a->answer[a->answers++];
    *at = (struct answer){ .choice = choice, .result = result, .state = f->state };
    return at;
}

static void leaves(struct answer *at, enum reply_kind kind, const struct facts *f, uint32_t length,
                   wh_state state)
{
    at->reply =
        (struct reply){ .kind = kind, .seq = f->snd_nxt, .ack = f->rcv_nxt, .length = length };
    at->state = state;
}

/* 3.10.1 */
static void open_active(const struct facts *f, struct answers *a)
{
    if (f->state == WH_CLOSED || f->state == WH_LISTEN || f->state == WH_TIME_WAIT) {
        struct answer *at = allow(a, f, "opened", 0);
        leaves(at, REPLY_SYN, f, 0, WH_SYN_SENT);
        at->reply.seq = f->state == WH_TIME_WAIT ? f->snd_nxt : f->next_iss;
        at->reply.above = f->state == WH_TIME_WAIT; /* 3.6.1, MAY-2 (1) */
        at->reply.any_seq = f->state == WH_CLOSED && f->handle;
    }
    if (f->state != WH_CLOSED || f->listener)
        allow(a, f, "exists already", WH_E_ADDRINUSE);
}

/* 3.10.1; MUST-41, MUST-42: what exists is not disturbed, and does not hinder. */
static void open_passive(const struct facts *f, struct answers *a)
{
    if (f->listener)
        allow(a, f, "exists already", WH_E_ADDRINUSE);
    else
        allow(a, f, "listens", 0);
}

/* 3.10.2 */
static void call_send(const struct facts *f, struct answers *a)
{
    switch (f->state) {
    case WH_CLOSED:
        allow(a, f, "over", f->error != 0 ? f->error : WH_E_PIPE); /* its sending side was closed */
        break;
    case WH_SYN_SENT:
    case WH_SYN_RECEIVED: allow(a, f, "queued", CALL_BYTES); break;
    case WH_ESTABLISHED:
    case WH_CLOSE_WAIT: {
        struct answer *at = allow(a, f, "sent", CALL_BYTES);
        if (!unacknowledged(f)) /* else Nagle's algorithm holds it back (3.7.4, SHLD-7) */
            leaves(at, REPLY_DATA, f, CALL_BYTES, f->state);
        break;
    }
    default: allow(a, f, "closing", WH_E_PIPE); break;
    }
}

/* 3.10.3. Nothing leaves: so few bytes do not move the window's edge (MUST-39). */
static void call_receive(const struct facts *f, struct answers *a)
{
    if (f->state == WH_CLOSED && f->error != 0)
        allow(a, f, "over", f->error);
    else if (f->unread != 0)
        allow(a, f, "read", f->unread < CALL_BYTES ? f->unread : CALL_BYTES);
    else if (f->state == WH_CLOSED || peer_closed(f->state))
        allow(a, f, "end of file", 0);
    else if (f->reader == READER_DEAF)
        allow(a, f, "nothing to come", 0);
    if (a->answers == 0 || f->reader == READER_DEAF)
        allow(a, f, "nothing waits", WH_E_AGAIN);
}

/* 3.10.4, for one half: shutdown(WRITE). */
static void shut_write(const struct facts *f, struct answers *a)
{
    struct answer *at;
    switch (f->state) {
    case WH_CLOSED: /* 3.10.4: "connection does not exist" */
        allow(a, f, "over", f->error);
        allow(a, f, "not connected", WH_E_NOTCONN);
        break;
    case WH_SYN_SENT: /* sockets refuse it; 3.10.4 deletes the TCB */
        allow(a, f, "not connected", WH_E_NOTCONN);
        at = allow(a, f, "deleted", 0);
        at->state = WH_CLOSED;
        break;
    case WH_SYN_RECEIVED: /* the FIN at once, or after our SYN is acknowledged */
        leaves(allow(a, f, "FIN at once", 0), REPLY_FIN, f, 0, WH_FIN_WAIT_1);
        at = allow(a, f, "FIN later", 0);
        at->state = WH_FIN_WAIT_1;
        break;
    case WH_ESTABLISHED: leaves(allow(a, f, "FIN", 0), REPLY_FIN, f, 0, WH_FIN_WAIT_1); break;
    case WH_CLOSE_WAIT: leaves(allow(a, f, "FIN", 0), REPLY_FIN, f, 0, WH_LAST_ACK); break;
    default: allow(a, f, "no second FIN", 0); break;
    }
}

/* What waits is thrown away, which may open the window. */
static void shut_read(const struct facts *f, struct answers *a)
{
    allow(a, f, "thrown away", 0);
    if (f->state == WH_CLOSED || f->state == WH_SYN_SENT)
        allow(a, f, "not connected", WH_E_NOTCONN);
    if (f->state == WH_CLOSED && f->error != 0)
        allow(a, f, "over", f->error);
    if (f->unread != 0)
        leaves(allow(a, f, "window update", 0), REPLY_ACK, f, 0, f->state);
}

static void reset(const struct facts *f, struct answers *a, const char *choice)
{
    leaves(allow(a, f, choice, 0), REPLY_RST, f, 0, WH_CLOSED);
}

/* 3.10.4, close(): nobody can read any more (3.6.1). */
static void call_close(const struct facts *f, struct answers *a)
{
    if (f->state == WH_CLOSED) {
        allow(a, f, "handle freed", 0);
    } else if (f->state == WH_LISTEN || f->state == WH_SYN_SENT) {
        allow(a, f, "deleted", 0)->state = WH_CLOSED;
    } else if (f->state == WH_SYN_RECEIVED && !f->handle) {
        /* The listener was closed: half-open entries are forgotten (lifecycle B05). */
        allow(a, f, "forgotten", 0)->state = WH_CLOSED;
    } else if (f->unread != 0 && (f->state <= WH_CLOSE_WAIT)) { /* SHLD-3 */
        reset(f, a, "RST for unread data");
    } else if (we_closed(f)) {
        allow(a, f, "no second FIN", 0);
        /* SHLD-3 again; and what is in flight must not vanish without a word. */
        if (f->unread != 0 && f->state != WH_TIME_WAIT)
            reset(f, a, "RST for unread data");
    } else {
        shut_write(f, a);
    }
}

/* 3.10.5 */
static void call_abort(const struct facts *f, struct answers *a)
{
    switch (f->state) {
    case WH_SYN_RECEIVED:
    case WH_ESTABLISHED:
    case WH_FIN_WAIT_1:
    case WH_FIN_WAIT_2:
    case WH_CLOSE_WAIT: reset(f, a, "RST"); break;
    default: allow(a, f, "deleted", 0)->state = WH_CLOSED; break;
    }
}

void oracle_call(const struct facts *f, enum call call, struct answers *a)
{
    a->answers = 0;
    switch (call) {
    case CALL_OPEN_ACTIVE: open_active(f, a); break;
    case CALL_OPEN_PASSIVE: open_passive(f, a); break;
    case CALL_SEND: call_send(f, a); break;
    case CALL_RECEIVE: call_receive(f, a); break;
    case CALL_SHUT_READ: shut_read(f, a); break;
    case CALL_SHUT_WRITE: shut_write(f, a); break;
    case CALL_SHUT_BOTH:
        shut_write(f, a);
        if (f->unread != 0 && we_closed(f)) /* no FIN that could tell of the window */
            leaves(allow(a, f, "window update", 0), REPLY_ACK, f, 0, f->state);
        break;
    case CALL_CLOSE: call_close(f, a); break;
    case CALL_ABORT: call_abort(f, a); break;
    case CALL_STATUS: allow(a, f, "told", f->state); break; /* 3.10.6 */
    case CALLS: break;
    }
}

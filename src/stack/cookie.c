/* SPDX-License-Identifier: MIT */
/*
 * When a listener answers with SYN cookies (syn_cookie.c has the cookie itself), and what
 * becomes of the segment that brings one back. Nothing is remembered but the time until
 * which the last one is good. What a cookie cannot do: repeat its SYN,ACK, and open the
 * connection when the ACK is lost and the peer has nothing to say. And whoever sends the
 * same ACK again within the cookie's life, after the connection is over, opens another.
 */
#include "stack/stack.h"
#include "tcp/syn_cookie.h"

/*
 * A SYN that reopens a TIME-WAIT is dropped all the same: the new number must lie above
 * the old ones, a cookie cannot promise that, and nobody would remember what to restore.
 * The peer will try again.
 */
void cookie_answer(struct wh_stack *host, struct wh_listener *listener, const struct segment *syn,
                   uint32_t prior, wh_reason reason)
{
    struct tcp *tcp = &host->tcp;
    because(tcp, reason);
    if (!host->config.syn_cookies || prior != 0 || !half_open_answer_cookie(tcp, syn)) {
        return;
    }
    because(tcp, WH_WHY_COOKIE_SENT);
    listener->cookies_until = tcp->now + SYN_COOKIE_LIFE;
}

bool cookie_expected(const struct wh_stack *host, const struct wh_listener *listener,
                     const struct segment *segment)
{
    return host->tcp.now < listener->cookies_until &&
           (segment->flags & (WH_ACK | WH_SYN | WH_RST)) == WH_ACK;
}

/* What nobody remembered comes back out of the cookie, and goes on as from a half-open entry. */
static wh_state complete(struct wh_stack *host, struct wh_listener *listener,
                         struct half_open *entry, const struct segment *segment)
{
    struct tcp *tcp = &host->tcp;
    struct wh_conn *conn = listener_admit(host, listener, &entry->tuple);
    if (conn == NULL) {
        return WH_LISTEN;
    }
    if (!demux_insert(&host->demux, demux_hash(&host->demux, &entry->tuple),
                      (struct demux_entry){ RECORD_CONNECTION, conn->index })) {
        stack_free_connection(host, conn);
        because(tcp, WH_WHY_MEMORY_CAP);
        return WH_LISTEN;
    }
    because(tcp, WH_WHY_COOKIE_ACCEPTED);
    step(tcp, &entry->record, WH_ON_PASSIVE_OPEN, WH_WHY_BY_SEGMENT);
    step(tcp, &entry->record, WH_ON_GOT_SYN, WH_WHY_BY_SEGMENT);
    half_open_promote(entry, conn);
    conn->demuxed = true;
    listener_enqueue(host, listener, conn);
    struct segment unechoed = *segment;
    unechoed.options.tsecr = 0; /* its low bits were no clock: no RTT sample of it */
    tcp_arrive(conn, &unechoed);
    stack_settle(host, conn);
    return WH_SYN_RECEIVED;
}

bool cookie_take(struct wh_stack *host, struct wh_listener *listener, const struct segment *segment,
                 uint32_t half_open, wh_state *found)
{
    struct half_open entry;
    *found = WH_LISTEN;
    enum syn_cookie_verdict verdict = cookie_expected(host, listener, segment)
                                          ? syn_cookie_check(&host->tcp, segment, &entry)
                                          : SYN_COOKIE_WRONG;
    if (verdict == SYN_COOKIE_AHEAD && segment_length(segment) > 0) {
        /* Data that came before what opens the connection; it will come again, behind it. */
        because(&host->tcp, WH_WHY_OUT_OF_ORDER);
        return true;
    }
    if (verdict != SYN_COOKIE_GOOD) {
        return false;
    }
    if (half_open != 0) {
        half_open_free(host, half_open, true);
    }
    *found = complete(host, listener, &entry, segment);
    return true;
}

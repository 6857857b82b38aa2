/* SPDX-License-Identifier: MIT */
/*
 * Fast Open of a listener (RFC 7413 4.2.2): a SYN with a good cookie makes a connection at
 * once. How many of these may stand before their third ACK has come is the listener's
 * option (RFC 7413 5.1); beyond that, SYNs get the ordinary handshake. One that is reset
 * before it was confirmed keeps its place for a minute or two: whoever spoofs a victim's
 * address with a cookie of the victim's must not have it emptied by the victim's own RSTs.
 */
#include "tcp/fast_open.h"
#include "stack/stack.h"
#include "tcp/cc/cc.h"

#define RESET_PERIOD (60 * WH_SECOND)

/* Connections that count against the listener's limit now. */
static uint64_t pending(const struct wh_stack *host, struct wh_listener *listener)
{
    wh_time age = host->tcp.now - listener->resets_since;
    if (age >= RESET_PERIOD) {
        listener->resets_before = age < 2 * RESET_PERIOD ? listener->resets : 0;
        listener->resets = 0;
        listener->resets_since = host->tcp.now;
    }
    return (uint64_t)listener->unconfirmed + listener->resets + listener->resets_before;
}

static void open_early(struct wh_stack *host, struct wh_listener *listener, struct wh_conn *conn,
                       const struct segment *syn, bool renew)
{
    struct tcp *tcp = &host->tcp;
    step(tcp, &conn->record, WH_ON_PASSIVE_OPEN, WH_WHY_BY_SEGMENT);
    tcp_open_passive(conn, syn, tcp_choose_iss(tcp, &syn->tuple));
    conn->fast_open = renew ? FAST_OPEN_RENEWING : FAST_OPEN_UNCONFIRMED;
    conn->demuxed = true;
    conn->cwnd = cc_initial_window(conn);
    conn_step(conn, WH_ON_GOT_SYN, WH_WHY_BY_SEGMENT);
    conn->syn_due = true;
    conn_want_output(conn);
    listener->unconfirmed++;
    listener_enqueue(host, listener, conn);
    struct segment text = *syn;
    text.flags &=
        (uint16_t)~WH_FIN; /* not acknowledged; it comes again when there is a state for it */
    tcp_text(conn, &text);
}

bool fast_open_arrive(struct wh_stack *host, struct wh_listener *listener,
                      const struct segment *syn)
{
    struct tcp *tcp = &host->tcp;
    enum fast_open_verdict verdict = fast_open_check(tcp, syn);
    if (verdict == FAST_OPEN_NO_COOKIE || listener->waiting >= listener->backlog) {
        return false;
    }
    if (verdict == FAST_OPEN_WRONG) {
        because(tcp, WH_WHY_FAST_OPEN_COOKIE_WRONG);
        return false;
    }
    if (pending(host, listener) >= listener->fast_open) {
        because(tcp, WH_WHY_FAST_OPEN_FULL);
        return false;
    }
    struct wh_conn *conn = stack_new_connection(host, &syn->tuple);
    if (conn == NULL) {
        return false;
    }
    if (!demux_insert(&host->demux, demux_hash(&host->demux, &syn->tuple),
                      (struct demux_entry){ RECORD_CONNECTION, conn->index })) {
        stack_free_connection(host, conn);
        return false;
    }
    because(tcp, WH_WHY_FAST_OPEN_ACCEPTED);
    open_early(host, listener, conn, syn, verdict == FAST_OPEN_OLD);
    return true;
}

void fast_open_accepted(struct wh_conn *conn)
{
    if (!conn_unconfirmed(conn)) {
        conn->listener = 0;
    }
}

void fast_open_settle(struct wh_conn *conn)
{
    struct wh_listener *listener =
        conn->listener != 0 ? stack_of(conn)->listener[conn->listener] : NULL;
    bool reset = conn->end_reason == WH_WHY_REFUSED || conn->end_reason == WH_WHY_PEER_RESET;
    conn->fast_open = FAST_OPEN_TAKEN;
    if (listener == NULL) {
        return;
    }
    listener->unconfirmed--;
    if (conn_over(conn) && reset) {
        listener->resets++;
    }
    if (conn->accepted) {
        conn->listener = 0;
    }
}

/* A walk over all connections, but only while a handshake of theirs is not complete. */
void fast_open_forget(const struct wh_listener *listener)
{
    const struct pool *pool = &listener->host->connections;
    uint32_t index = 0;
    while (listener->unconfirmed > 0 && (index = pool_next(pool, index)) != 0) {
        struct wh_conn *conn = pool_at(pool, index);
        if (conn->listener == listener->number) {
            conn->listener = 0;
        }
    }
}

void wh_fast_open_key(wh_stack *host, const uint8_t key[16])
{
    struct tcp *tcp = &host->tcp;
    tcp->fast_open_key[1] = tcp->fast_open_key[0];
    tcp->fast_open_key[0] = (struct siphash_key){
        (uint64_t)get32(key) << 32 | get32(key + 4),
        (uint64_t)get32(key + 8) << 32 | get32(key + 12),
    };
}

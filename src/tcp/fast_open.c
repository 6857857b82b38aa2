/* SPDX-License-Identifier: MIT */
/*
 * A cookie is a keyed hash of both addresses. It proves that its bearer has once received
 * a segment at the address it sends from, and so may be believed a little before the
 * handshake is complete. It does not expire with time but with the key: wh_fast_open_key
 * sets a new one, and the one before it stays good, so that peers change over quietly.
 *
 * The client remembers, for a bounded number of peers, the cookie, the MSS (which must be
 * known before the SYN,ACK tells it) and bad luck. Bad luck is a SYN that got no answer
 * before its bare repeat did, an ICMP error, and data that was not acknowledged although
 * no newer cookie explains it (RFC 7413 4.1.3.1). Then Fast Open rests, for a minute
 * first, for an hour in the end.
 *
 * Only the first SYN carries option and data; repeats are bare (RFC 7413 4.2.2). The data
 * stays in the send queue and is not in flight: SND.NXT stands right behind the SYN until
 * the SYN,ACK says how far it has got, and the rest goes out as if for the first time.
 */
#include "tcp/fast_open.h"

#include <string.h>

#include "base/bytes.h"
#include "tcp/protocol.h"

#define AVOID_FIRST (60 * WH_SECOND)
#define AVOID_DOUBLINGS 6

/* -------------------------------------------------------------- the server -- */

static void make_cookie(const struct siphash_key *key, const struct tuple *tuple,
                        uint8_t cookie[FAST_OPEN_COOKIE])
{
    uint8_t text[2 * sizeof(wh_addr)];
    memcpy(text, tuple->local.bytes, sizeof(wh_addr));
    memcpy(text + sizeof(wh_addr), tuple->remote.bytes, sizeof(wh_addr));
    uint64_t hash = siphash24(key, text, sizeof text);
    put32(cookie, (uint32_t)(hash >> 32));
    put32(cookie + 4, (uint32_t)hash);
}

void fast_open_cookie(const struct tcp *tcp, const struct tuple *tuple,
                      uint8_t cookie[FAST_OPEN_COOKIE])
{
    make_cookie(&tcp->fast_open_key[0], tuple, cookie);
}

enum fast_open_verdict fast_open_check(const struct tcp *tcp, const struct segment *syn)
{
    const struct segment_options *options = &syn->options;
    if (!(options->has & WH_HAS_FAST_OPEN) || options->fast_open_length == 0) {
        return FAST_OPEN_NO_COOKIE;
    }
    for (unsigned i = 0; i < 2 && options->fast_open_length == FAST_OPEN_COOKIE; i++) {
        uint8_t cookie[FAST_OPEN_COOKIE];
        make_cookie(&tcp->fast_open_key[i], &syn->tuple, cookie);
        if (memcmp(cookie, options->fast_open, FAST_OPEN_COOKIE) == 0) {
            return i == 0 ? FAST_OPEN_GOOD : FAST_OPEN_OLD;
        }
    }
    return FAST_OPEN_WRONG;
}

/* -------------------------------------------------------------- the client -- */

static bool about(const struct fast_open_peer *peer, const struct tuple *tuple)
{
    return peer->used != 0 && wh_addr_equal(&peer->remote, &tuple->remote) &&
           wh_addr_equal(&peer->local, &tuple->local);
}

struct fast_open_peer *fast_open_recall(struct tcp *tcp, const struct tuple *tuple)
{
    for (unsigned i = 0; tcp->fast_open_peers != NULL && i < FAST_OPEN_PEERS; i++) {
        struct fast_open_peer *peer = &tcp->fast_open_peers[i];
        if (about(peer, tuple)) {
            peer->used = tcp->now + 1;
            return peer;
        }
    }
    return NULL;
}

/* The peer's place, perhaps that of another who was not spoken to for longest; NULL without memory. */
static struct fast_open_peer *place_of(struct tcp *tcp, const struct tuple *tuple)
{
    struct fast_open_peer *peer = fast_open_recall(tcp, tuple);
    if (peer != NULL || tcp->fast_open_peers == NULL) {
        return peer;
    }
    peer = &tcp->fast_open_peers[0];
    for (unsigned i = 1; i < FAST_OPEN_PEERS; i++) {
        if (tcp->fast_open_peers[i].used < peer->used) {
            peer = &tcp->fast_open_peers[i];
        }
    }
    *peer = (struct fast_open_peer){ .local = tuple->local,
                                     .remote = tuple->remote,
                                     .used = tcp->now + 1 };
    return peer;
}

void fast_open_learn(struct tcp *tcp, const struct tuple *tuple, const uint8_t *cookie,
                     uint8_t length, uint16_t mss)
{
    struct fast_open_peer *peer = place_of(tcp, tuple);
    if (peer != NULL) {
        memcpy(peer->cookie, cookie, length);
        peer->length = length;
        peer->mss = mss;
        peer->failures = 0;
        peer->avoid_until = 0;
    }
}

void fast_open_avoid(struct tcp *tcp, const struct tuple *tuple)
{
    struct fast_open_peer *peer = place_of(tcp, tuple);
    if (peer != NULL) {
        peer->avoid_until = tcp->now + (AVOID_FIRST << peer->failures);
        peer->failures = (uint8_t)MIN(peer->failures + 1, AVOID_DOUBLINGS);
    }
}

void fast_open_free(struct tcp *tcp)
{
    memory_give(&tcp->memory, tcp->fast_open_peers, FAST_OPEN_PEERS * sizeof *tcp->fast_open_peers);
    tcp->fast_open_peers = NULL;
}

/* --------------------------------------------------------- on a connection -- */

void fast_open_want(struct wh_conn *conn)
{
    struct tcp *tcp = conn->tcp;
    size_t size = FAST_OPEN_PEERS * sizeof *tcp->fast_open_peers;
    if (tcp->fast_open_peers == NULL) {
        tcp->fast_open_peers = memory_take(&tcp->memory, size, MEMORY_ORDINARY);
        if (tcp->fast_open_peers == NULL) {
            return; /* an ordinary handshake then */
        }
        memset(tcp->fast_open_peers, 0, size);
    }
    conn->fast_open = FAST_OPEN_WANTED;
}

static void fill_syn(const struct wh_conn *conn, struct segment *segment, uint8_t *cookie)
{
    struct segment_options *options = &segment->options;
    const struct fast_open_peer *peer = fast_open_recall(conn->tcp, &conn->tuple);
    if (peer != NULL && conn->tcp->now < peer->avoid_until) {
        return;
    }
    options->fast_open_length = peer != NULL ? peer->length : 0;
    if (options->fast_open_length == 0) {
        options->has |= WH_HAS_FAST_OPEN; /* a request */
        return;
    }
    if (conn->send.length == 0) {
        options->fast_open_length = 0; /* nothing to say early */
        return;
    }
    memcpy(cookie, peer->cookie, peer->length);
    options->has |= WH_HAS_FAST_OPEN;
    uint32_t mss = MIN(conn->snd_mss, peer->mss);
    uint32_t room = (uint32_t)segment_options_length(options);
    room = mss > room ? mss - room : 0;
    uint32_t data = (uint32_t)MIN(conn->send.length, room);
    segment->length = emit_reach(conn->send.head, conn->iss + 1, data);
    segment->flags |= segment->length == conn->send.length ? WH_PSH : 0;
}

void fast_open_fill(const struct wh_conn *conn, struct segment *segment,
                    uint8_t cookie[FAST_OPEN_MOST])
{
    segment->options.fast_open = cookie;
    if (conn->fast_open == FAST_OPEN_WANTED && conn_state(conn) == WH_SYN_SENT) {
        fill_syn(conn, segment, cookie);
    } else if (conn->fast_open == FAST_OPEN_RENEWING) {
        fast_open_cookie(conn->tcp, &conn->tuple, cookie);
        segment->options.has |= WH_HAS_FAST_OPEN;
        segment->options.fast_open_length = FAST_OPEN_COOKIE;
    }
}

void fast_open_sent(struct wh_conn *conn, const struct segment *syn)
{
    if (conn->fast_open != FAST_OPEN_WANTED) {
        return;
    }
    bool option = (syn->options.has & WH_HAS_FAST_OPEN) != 0;
    conn->fast_open = syn->length > 0 ? FAST_OPEN_SENT : option ? FAST_OPEN_ASKED : FAST_OPEN_OFF;
}

void fast_open_answered(struct wh_conn *conn, const struct segment *syn_ack)
{
    struct tcp *tcp = conn->tcp;
    const struct segment_options *options = &syn_ack->options;
    bool sent = conn->fast_open == FAST_OPEN_SENT;
    if (!sent && conn->fast_open != FAST_OPEN_ASKED) {
        return;
    }
    if (!(syn_ack->flags & WH_ACK)) { /* a crossing SYN: simultaneous open */
        conn->fast_open = sent ? FAST_OPEN_LEFT : FAST_OPEN_OFF;
        return;
    }
    uint32_t taken = syn_ack->ack - (conn->iss + 1);
    struct fast_open_peer *peer = fast_open_recall(tcp, &conn->tuple);
    if ((options->has & WH_HAS_FAST_OPEN) && options->fast_open_length > 0) {
        fast_open_learn(tcp, &conn->tuple, options->fast_open, options->fast_open_length,
                        tcp_told_mss(options, &conn->tuple.remote));
    } else if (taken > 0 && peer != NULL) {
        peer->failures = 0;
        peer->mss = tcp_told_mss(options, &conn->tuple.remote);
    } else if (sent || conn->syn_retries > 0) {
        fast_open_avoid(tcp, &conn->tuple);
    }
    conn->fast_open = seq_lt(syn_ack->ack, conn->snd_max) ? FAST_OPEN_LEFT
                      : taken > 0                         ? FAST_OPEN_TAKEN
                                                          : FAST_OPEN_OFF;
}

void fast_open_unanswered(struct wh_conn *conn)
{
    if (conn->fast_open == FAST_OPEN_SENT || conn->fast_open == FAST_OPEN_ASKED) {
        fast_open_avoid(conn->tcp, &conn->tuple);
        conn->fast_open = FAST_OPEN_OFF;
    }
}

wh_reason fast_open_again(struct wh_conn *conn, uint32_t length)
{
    if (conn->fast_open != FAST_OPEN_LEFT) {
        return WH_WHY_NONE;
    }
    conn->fast_open = conn->snd_una != conn->iss + 1 ? FAST_OPEN_TAKEN : FAST_OPEN_OFF;
    conn->tcp->count[WH_WHY_SYN_DATA_AGAIN]++;
    conn->retransmissions++;
    conn->bytes_retransmitted += length;
    return WH_WHY_SYN_DATA_AGAIN;
}

/* SPDX-License-Identifier: MIT */
/*
 * Where the capture was taken. The capturing host's own packets show it: they are
 * marked as outgoing, or their checksums are unfinished. Otherwise the handshake
 * does: at the client the SYN,ACK comes a round trip after the SYN and is answered
 * at once; at the server it is the other way round; in the middle both take time.
 */
#include "explain/facts.h"

/* One of the two ways is so much longer than the other when the capture is at an end. */
#define LOPSIDED 8
/* Less than this is no way at all: both ends are on this host, or next to it. */
#define NO_WAY (50 * WH_MICROSECOND)

/* From the first of one to the first of the other, or the last to the last: repeats are not answers. */
static wh_time shorter(wh_time first, wh_time last, wh_time first_answer, wh_time last_answer)
{
    wh_time one = first_answer >= first ? first_answer - first : WH_NEVER;
    wh_time other = last_answer >= last ? last_answer - last : WH_NEVER;
    return one < other ? one : other;
}

static enum vantage by_handshake(const struct dossier *conn, wh_time answered)
{
    const struct dossier_end *client = &conn->end[CLIENT], *server = &conn->end[SERVER];
    if (!ref_set(&client->syn) || server->syn_acks == 0 || server->syns > 0) {
        return VANTAGE_UNKNOWN;
    }
    wh_time there =
        shorter(client->syn.when, client->last_syn.when, server->syn.when, server->last_syn.when);
    wh_time back = answered > server->last_syn.when ? answered - server->last_syn.when : 0;
    if (there == WH_NEVER) {
        return VANTAGE_UNKNOWN;
    }
    if (there < NO_WAY && back < NO_WAY) {
        return VANTAGE_UNKNOWN;
    }
    if (there / LOPSIDED >= back) {
        return VANTAGE_CLIENT;
    }
    return back / LOPSIDED >= there ? VANTAGE_SERVER : VANTAGE_MIDDLE;
}

static enum vantage by_direction(const struct dossier *conn)
{
    enum { CLIENT_BIT = 1 << CLIENT, SERVER_BIT = 1 << SERVER };
    unsigned local = conn->local, remote = conn->remote;
    if ((local & remote) != 0) {
        return VANTAGE_MIDDLE; /* a router's packets come in and go out */
    }
    if (local == CLIENT_BIT || remote == SERVER_BIT) {
        return VANTAGE_CLIENT;
    }
    if (local == SERVER_BIT || remote == CLIENT_BIT) {
        return VANTAGE_SERVER;
    }
    return VANTAGE_UNKNOWN;
}

void facts_place(struct dossier *conn, const struct passing *passing)
{
    const struct seen *seen = passing->seen;
    if (conn->twins.matched) {
        conn->vantage = VANTAGE_BOTH;
        return;
    }
    uint8_t bit = (uint8_t)(1U << passing->from);
    bool told = seen->outgoing || seen->incoming || seen->sum == SUM_UNFINISHED;
    if (told) {
        conn->local |= seen->outgoing || seen->sum == SUM_UNFINISHED ? bit : 0;
        conn->remote |= seen->incoming ? bit : 0;
        conn->vantage = by_direction(conn);
    } else if (conn->established.number == seen->number && conn->vantage == VANTAGE_UNKNOWN &&
               conn->local == 0 && conn->remote == 0) {
        conn->vantage = by_handshake(conn, seen->when);
    }
    if (conn->traffic != NULL) {
        traffic_place(conn->traffic, conn->vantage);
    }
}

void facts_hops(struct dossier_end *end, uint32_t point, uint8_t hops)
{
    struct usual_hops *usual = &end->usual[point & 1];
    usual->vary = usual->vary || (usual->hops != 0 && usual->hops != hops);
    usual->hops = hops;
    usual->seen = (uint8_t)(usual->seen + (usual->seen < UINT8_MAX));
}

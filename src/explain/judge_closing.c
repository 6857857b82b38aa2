/* SPDX-License-Identifier: MIT */
/* Applications that stay silent, and closes: in order, half, late, or never. */
#include "base/seq.h"
#include "explain/judge.h"

#define LEAK_LEAST (5 * WH_SECOND)
#define SILENCE_LEAST (3 * WH_SECOND)
/* A FIN sooner than this after another is a copy made by the network. */
#define REPEAT_LEAST (100 * WH_MILLISECOND)

static wh_time later(const struct ref *a, const struct ref *b)
{
    return a->when > b->when ? a->when : b->when;
}

bool judge_close_wait(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side],
                                 *peer = &hearing->conn->end[1 - side];
        if (!ref_set(&peer->fin_acked) || end->fins > 0 || end->rsts + peer->rsts > 0) {
            continue;
        }
        wh_time since = later(&peer->fin_acked, &end->last_data);
        wh_time age = hearing->now > since ? hearing->now - since : 0;
        if (age < LEAK_LEAST) {
            continue;
        }
        bool doubt = hearing->conn->capture_loss;
        decide(hearing, VERDICT_CLOSE_WAIT_LEAK, doubt ? LIKELY_VERDICT : CERTAIN_VERDICT,
               doubt ? DOUBT_CAPTURE_LOSS : DOUBT_NONE);
        say(hearing,
            "%s acknowledged the FIN (%@) in %@ and has not closed for %t since: its program has "
            "not called close(), and it stays in CLOSE-WAIT.",
            The(side), &peer->fin, &peer->fin_acked, age);
        return true;
    }
    return false;
}

/* When the wait for an application's words ended. */
static wh_time end_of_wait(const struct hearing *hearing)
{
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    wh_time until = hearing->now;
    until = ref_set(&client->fin) && client->fin.when < until ? client->fin.when : until;
    return ref_set(&server->fin) && server->fin.when < until ? server->fin.when : until;
}

bool judge_silent(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (!conn->roles_known || !ref_set(&conn->established) || client->rsts + server->rsts > 0 ||
        (client->bytes > 0 && server->bytes > 0)) {
        return false;
    }
    bool nobody = client->bytes + server->bytes == 0;
    unsigned silent = client->bytes > 0 || nobody ? SERVER : CLIENT;
    const struct dossier_end *speaker = &conn->end[1 - silent];
    wh_time since = later(&conn->established, &speaker->last_data), until = end_of_wait(hearing);
    /* Data that nobody acknowledges are another story. */
    bool heard =
        nobody || (conn->end[silent].acked_known &&
                   seq_geq(conn->end[silent].acked, speaker->end - (speaker->fins > 0 ? 1 : 0)));
    if (until < since + SILENCE_LEAST || !heard) {
        return false;
    }
    decide(hearing, VERDICT_SILENT, conn->capture_loss ? LIKELY_VERDICT : CERTAIN_VERDICT,
           conn->capture_loss ? DOUBT_CAPTURE_LOSS : DOUBT_NONE);
    if (nobody) {
        say(hearing, "Connected (%@), and then neither end's program said anything for %t",
            &conn->established, until - since);
    } else {
        say(hearing,
            "%s's host acknowledged what it was sent (%@), and its program said nothing for %t",
            The(silent), &speaker->last_data, until - since);
    }
    if (ref_set(&client->fin) || ref_set(&server->fin)) {
        const struct dossier_end *closer =
            !ref_set(&server->fin) || (ref_set(&client->fin) && client->fin.when < server->fin.when)
                ? client
                : server;
        say(hearing, ", until %s closed (%@).", the(closer == client ? CLIENT : SERVER),
            &closer->fin);
    } else {
        say(hearing, ", until the capture ended.");
    }
    return true;
}

bool judge_fin_repeated(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side];
        bool lost = end->lost_fins > 0;
        if (end->fins < 2 || (end->last_fin.when - end->fin.when < REPEAT_LEAST && !lost)) {
            continue;
        }
        decide(hearing, VERDICT_FIN_REPEATED, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The FIN of %s (%@) had to be sent again (%@): ", the(side), &end->fin,
            &end->last_fin);
        say(hearing, lost ? "it was lost on the path" : "it or its acknowledgement was lost");
        say(hearing, ref_set(&end->fin_acked) ? "; then it was acknowledged (%@)." : ".",
            &end->fin_acked);
        return true;
    }
    return false;
}

/* --------------------------------------------------------------- in order -- */

/* What was special about an opening of a connection that closed as it should. */
static bool special_opening(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    const struct former *former = &conn->former;
    if (former->exists && !former->reset && former->waiter >= 0) {
        decide(hearing, VERDICT_TIME_WAIT_ACCEPTED, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The SYN (%@) met TIME-WAIT and was accepted as a new connection (%@).",
            &hearing->client->syn, &hearing->server->syn);
        return true;
    }
    if (former->exists && !former->over) {
        decide(hearing, VERDICT_PORT_REUSED, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "The SYN (%@) took the ports of a connection that was not closed, and was accepted.",
            &hearing->client->syn);
        return true;
    }
    if (hearing->client->syns > 0 && hearing->server->syns > 0) {
        decide(hearing, VERDICT_OPENED_SIMULTANEOUSLY, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "Both ends sent a SYN (%@, %@) before they had the other's, and became one "
            "connection.",
            &hearing->client->syn, &hearing->server->syn);
        return true;
    }
    return false;
}

bool judge_closed(struct hearing *hearing)
{
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (!ref_set(&client->fin_acked) || !ref_set(&server->fin_acked)) {
        return false;
    }
    if (special_opening(hearing)) {
        return true;
    }
    enum confidence sure = hearing->conn->roles_known ? CERTAIN_VERDICT : LIKELY_VERDICT;
    enum doubt doubt = hearing->conn->roles_known ? DOUBT_NONE : DOUBT_MID_CONNECTION;
    if (!client->fin_answers && !server->fin_answers) {
        decide(hearing, VERDICT_CLOSED_SIMULTANEOUSLY, sure, doubt);
        say(hearing,
            "Both ends closed at once: their FINs (%@, %@) crossed, and each was "
            "acknowledged.",
            &client->fin, &server->fin);
        return true;
    }
    unsigned first = client->fin_answers ? SERVER : CLIENT;
    const struct dossier_end *end = &hearing->conn->end[first],
                             *peer = &hearing->conn->end[1 - first];
    if (peer->bytes_after_fin > 0) {
        decide(hearing, VERDICT_HALF_CLOSE_RESPECTED, sure, doubt);
        say(hearing,
            "%s closed its half (%@); %s went on to send %b (from %@) and closed in its turn "
            "(%@).",
            The(first), &end->fin, the(1 - first), peer->bytes_after_fin, &peer->after_fin,
            &peer->fin);
    } else if (end->fin_acked_alone) {
        decide(hearing, VERDICT_CLOSED_FOUR_WAY, sure, doubt);
        say(hearing,
            "%s closed first (%@), was acknowledged (%@), and %s followed (%@, acknowledged in %@)",
            The(first), &end->fin, &end->fin_acked, the(1 - first), &peer->fin, &peer->fin_acked);
        wh_time waited = peer->fin.when > end->fin.when ? peer->fin.when - end->fin.when : 0;
        if (waited >= WH_SECOND) {
            say(hearing, ", %t later", waited);
        }
        say(hearing, ".");
    } else {
        decide(hearing, VERDICT_CLOSED_THREE_SEGMENTS, sure, doubt);
        say(hearing,
            "%s closed first (%@); %s acknowledged that with its own FIN (%@), which was "
            "acknowledged (%@).",
            The(first), &end->fin, the(1 - first), &peer->fin, &peer->fin_acked);
    }
    return true;
}

bool judge_open(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (conn->evicted) {
        decide(hearing, VERDICT_CANNOT_TELL, NO_VERDICT, DOUBT_MEMORY_LIMIT);
        say(hearing,
            "The memory for connections ran out; this one was open and had been quiet for the "
            "longest time. More memory (--memory) follows it to its end.");
        return true;
    }
    if (client->fins + server->fins > 0) {
        unsigned first = client->fins > 0 ? CLIENT : SERVER;
        decide(hearing, VERDICT_STILL_CLOSING, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "%s has closed (%@); the capture ended before the close was complete.",
            The(first), &conn->end[first].fin);
        return true;
    }
    if (!hearing->opened || client->segments + server->segments < 2) {
        return false;
    }
    char text[2][OBSERVER_TEXT];
    bool both = client->segments > 0 && server->segments > 0;
    decide(hearing, VERDICT_STILL_OPEN, conn->roles_known ? CERTAIN_VERDICT : LIKELY_VERDICT,
           conn->roles_known && both ? DOUBT_NONE : DOUBT_MID_CONNECTION);
    say(hearing,
        "Open when the capture ended (last heard: client %@, server %@); client %s, server %s.",
        &client->last, &server->last, states_text(client->observer.states, text[0]),
        states_text(server->observer.states, text[1]));
    return true;
}

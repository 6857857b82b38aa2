/* SPDX-License-Identifier: MIT */
/*
 * Resets: whose, in which state, after what, and whether it was the alleged
 * sender's at all. A RST that answers a segment of a connection its sender does not
 * know takes its number from that segment and carries no ACK (RFC 9293 3.10.7.1);
 * one that a program asked for stands at the sender's own next number (3.10.5).
 */
#include "base/seq.h"
#include "explain/judge.h"

/* An end that says nothing for so long and then knows nothing has begun anew. */
#define FORGETTING_LEAST (5 * WH_SECOND)
/* A host answers a segment that it does not know at once; seen from the other end, after a round trip. */
#define ANSWER_MOST (1 * WH_SECOND)
/* An orphan is let go after a time-out, never at once. */
#define ORPHAN_LEAST (1 * WH_SECOND)

static const struct reset *first_reset(const struct hearing *hearing, unsigned *side)
{
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (client->rsts == 0 && server->rsts == 0) {
        return NULL;
    }
    bool servers =
        client->rsts == 0 || (server->rsts > 0 && server->reset.ref.when < client->reset.ref.when);
    *side = servers ? SERVER : CLIENT;
    return &hearing->conn->end[*side].reset;
}

bool judge_injected(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side];
        const struct reset *reset = &end->reset;
        if (end->rsts == 0 || (!reset->wrong_hops && !reset->went_on)) {
            continue;
        }
        bool both = reset->wrong_hops && reset->went_on;
        decide(hearing, VERDICT_RESET_INJECTED, both ? CERTAIN_VERDICT : LIKELY_VERDICT,
               DOUBT_NONE);
        say(hearing, "The RST in the name of %s (%@) is not its own: ", the(side), &reset->ref);
        if (reset->wrong_hops) {
            say(hearing, "it came with TTL %u where %s's segments have %u", (unsigned)reset->hops,
                the(side), (unsigned)reset->usual_hops);
        }
        if (reset->went_on) {
            say(hearing, both ? ", and %s went on afterwards (%@)" : "%s went on afterwards (%@)",
                the(side), &reset->went_on_by);
        }
        say(hearing,
            reset->exact ? "." : "; its number is not the one that the receiver waits for.");
        return true;
    }
    return false;
}

/* The SYN that took these ports shows that its sender had forgotten this connection. */
static bool replaced(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    if (!ref_set(&conn->replaced) || dossier_over(conn) || !hearing->opened) {
        return false;
    }
    if (conn->replaced_challenged) {
        decide(hearing, VERDICT_HALF_OPEN_PEER, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "The client had forgotten this connection, as after a reboot: it sent a new SYN "
            "from the same port (%@), which the server, still connected, challenged.",
            &conn->replaced);
        return true;
    }
    if (conn->replaced_accepted) {
        decide(hearing, VERDICT_PORT_REUSED, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "A new SYN (%@) took the ports of this connection, which was not closed: the "
            "server had forgotten it, or something between the two maps ports anew.",
            &conn->replaced);
        return true;
    }
    return false;
}

bool judge_half_open(struct hearing *hearing)
{
    if (replaced(hearing)) {
        return true;
    }
    unsigned side;
    const struct reset *reset = first_reset(hearing, &side);
    if (reset == NULL || !hearing->opened || (reset->flags & WH_ACK) || !reset->answers) {
        return false;
    }
    const struct dossier_end *end = &hearing->conn->end[side];
    bool prompt = reset->ref.when - reset->answered.when <= ANSWER_MOST;
    bool forgot = prompt && end->fins == 0 && hearing->conn->end[1 - side].fins == 0;
    bool missed = reset->peer_repeats > 0 || reset->silence >= FORGETTING_LEAST;
    bool probed = !reset->answered_fresh && reset->answered_length <= 1 && reset->peer_repeats == 0;
    if (!forgot || !missed || (probed && reset->silence < FORGETTING_LEAST)) {
        return false;
    }
    decide(hearing, VERDICT_HALF_OPEN_PEER, LIKELY_VERDICT, DOUBT_NONE);
    say(hearing,
        "%s answered %@ with a RST (%@) that carries no ACK and takes its number from that "
        "segment: it no longer knew of the connection, as after a reboot",
        The(side), &reset->answered, &reset->ref);
    if (reset->silence != WH_NEVER) {
        say(hearing, "; it had been silent for %t", reset->silence);
    }
    say(hearing, ".");
    return true;
}

bool judge_assassinated(struct hearing *hearing)
{
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (!ref_set(&client->fin_acked) || !ref_set(&server->fin_acked)) {
        return false;
    }
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side],
                                 *peer = &hearing->conn->end[1 - side];
        const struct reset *reset = &end->reset;
        bool waits = (reset->receiver & STATE_BIT(WH_TIME_WAIT)) != 0 && peer->acked_known &&
                     reset->seq == peer->acked;
        if (end->rsts == 0 || !waits || !reset->answers) {
            continue;
        }
        decide(hearing, VERDICT_TIME_WAIT_ASSASSINATED,
               peer->rsts > 0 ? CERTAIN_VERDICT : LIKELY_VERDICT, DOUBT_NONE);
        say(hearing,
            "A stray segment met TIME-WAIT at %s, whose answer (%@) drew a RST from %s (%@); "
            "unless it ignores RSTs there (RFC 1337), TIME-WAIT ended early.",
            the(1 - side), &reset->answered, the(side), &reset->ref);
        return true;
    }
    return false;
}

/* ------------------------------------------------------- by its own hand -- */

/* Its own FIN was out, and more came. */
static bool after_close(struct hearing *hearing, unsigned side, const struct reset *reset)
{
    const struct dossier_end *end = &hearing->conn->end[side],
                             *peer = &hearing->conn->end[1 - side];
    if (end->fins == 0 || end->fin.when > reset->ref.when) {
        return false;
    }
    bool bare_fin =
        reset->answers && (reset->answered_flags & WH_FIN) && reset->answered_length == 0;
    wh_time waited = reset->ref.when - end->fin.when;
    if (bare_fin && ref_set(&end->fin_acked) && waited >= ORPHAN_LEAST) {
        decide(hearing, VERDICT_FIN_WAIT_2_ORPHAN, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "%s closed (%@) and waited in FIN-WAIT-2 for the other FIN; when it came (%@), %t "
            "later, %s had given up and answered with a RST (%@).",
            The(side), &end->fin, &reset->answered, waited, the(side), &reset->ref);
        return true;
    }
    if (ref_set(&end->late) && end->late.when <= reset->ref.when && peer->bytes > 0) {
        decide(hearing, VERDICT_RESET_AFTER_CLOSE, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "%s had closed (%@) and nobody was left to read what came then (%@): it answered "
            "with a RST (%@).",
            The(side), &end->fin, &end->late, &reset->ref);
        return true;
    }
    /* Seen where the data left, they were under way when it closed. */
    uint32_t sent = peer->end - (peer->fins > 0);
    if (peer->bytes > 0 && end->acked_known && seq_gt(sent, end->acked)) {
        decide(hearing, VERDICT_RESET_AFTER_CLOSE, LIKELY_VERDICT, DOUBT_NONE);
        say(hearing,
            "%s had closed (%@) without having had all that was sent to it (%@), and answered that "
            "with "
            "a RST (%@).",
            The(side), &end->fin, &peer->last_data, &reset->ref);
        return true;
    }
    return false;
}

/*
 * Unread data keep the window from moving on: the right edge that the closer
 * offers stands still although the data were acknowledged (RFC 9293 3.8.6).
 */
static bool unread(const struct hearing *hearing, unsigned side, const struct reset *reset)
{
    const struct dossier_end *end = &hearing->conn->end[side],
                             *peer = &hearing->conn->end[1 - side];
    bool last_word = ref_set(&peer->last_data) &&
                     (!ref_set(&end->last_data) || peer->last_data.when > end->last_data.when) &&
                     peer->last_data.when < reset->ref.when;
    return last_word && end->edge_held;
}

static bool half_close_cut(struct hearing *hearing, unsigned side, const struct reset *reset)
{
    const struct dossier_end *end = &hearing->conn->end[side],
                             *peer = &hearing->conn->end[1 - side];
    bool half = (reset->sender & STATE_BIT(WH_CLOSE_WAIT)) != 0 && peer->fins > 0 && end->fins == 0;
    if (!half) {
        return false;
    }
    decide(hearing, VERDICT_HALF_CLOSE_CUT,
           reset->sender == STATE_BIT(WH_CLOSE_WAIT) ? CERTAIN_VERDICT : LIKELY_VERDICT,
           DOUBT_NONE);
    say(hearing,
        "%s had closed its half (%@) and could still read; %s reset the connection instead of "
        "finishing its own half (%@).",
        The(1 - side), &peer->fin, the(side), &reset->ref);
    return true;
}

bool judge_reset(struct hearing *hearing)
{
    unsigned side;
    const struct reset *reset = first_reset(hearing, &side);
    if (reset == NULL) {
        return false;
    }
    const struct dossier_end *end = &hearing->conn->end[side],
                             *peer = &hearing->conn->end[1 - side];
    if (ref_set(&end->fin_acked) && ref_set(&peer->fin_acked)) {
        return false; /* closed in order before */
    }
    if (after_close(hearing, side, reset)) {
        return true;
    }
    if (unread(hearing, side, reset)) {
        decide(hearing, VERDICT_RESET_UNREAD, LIKELY_VERDICT, DOUBT_NONE);
        say(hearing,
            "%s closed with received data unread (%@: its window did not move on), which "
            "sends a RST instead of a FIN (%@).",
            The(side), &peer->last_data, &reset->ref);
        return true;
    }
    if (half_close_cut(hearing, side, reset)) {
        return true;
    }
    char states[OBSERVER_TEXT];
    decide(hearing, VERDICT_RESET, CERTAIN_VERDICT, DOUBT_NONE);
    say(hearing, "%s reset the connection in %s (%@)", The(side),
        states_text(reset->sender, states), &reset->ref);
    if (reset->silence != WH_NEVER && reset->silence >= WH_SECOND) {
        say(hearing, " after %t of silence", reset->silence);
    }
    if (ref_set(&peer->last_data)) {
        say(hearing, "; the last data it had been sent is in %@", &peer->last_data);
    }
    say(hearing, reset->exact
                     ? "; the sequence number is exact."
                     : "; the sequence number is not the one that its receiver waits for.");
    return true;
}

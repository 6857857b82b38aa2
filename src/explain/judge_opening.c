/* SPDX-License-Identifier: MIT */
/* Openings: what kept a connection from opening, and what made it late. */
#include "base/seq.h"
#include "explain/judge.h"

/* No answer within this is an answer: senders wait one second before they repeat (RFC 6298 2.1). */
#define PATIENCE (3 * WH_SECOND)
/* A SYN that is lost once comes again after a second; one that is ignored, several times. */
#define IGNORED_LEAST (2 * WH_SECOND)
/* A SYN,ACK sooner than this after another is a copy made by the network, not a repetition. */
#define REPEAT_LEAST (200 * WH_MILLISECOND)
/* So many answers in a row are rather not taken than lost. */
#define VAIN_LEAST 3

bool judge_refused(struct hearing *hearing)
{
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (hearing->opened) {
        return false;
    }
    bool right = server->reset.ack == client->first + 1 || !(server->reset.flags & WH_ACK);
    if (server->rsts > 0 && server->syn_acks == 0 && client->syns > 0 && right) {
        decide(hearing, VERDICT_REFUSED, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The server answered the SYN (%@) with a RST (%@): nobody listens on port %u",
            &client->last_syn, &server->reset.ref, (unsigned)hearing->conn->tuple.remote_port);
        say(hearing,
            client->syns > 1 ? ", or a firewall says so; the SYN had been sent %u times."
                             : ", or a firewall says so.",
            client->syns);
        return true;
    }
    if (server->rsts > 0 && server->syn_acks > 0 && client->rsts == 0) {
        decide(hearing, VERDICT_RESET, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The server reset the connection (%@) before its SYN,ACK (%@) was answered.",
            &server->reset.ref, &server->syn);
        return true;
    }
    bool ours = client->reset.seq == client->first + 1 || server->syn_acks == 0;
    if (client->rsts > 0 && client->syns > 0 && ours && !ref_set(&hearing->conn->challenge)) {
        decide(hearing, VERDICT_HANDSHAKE_CANCELLED, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The client sent a RST (%@) instead of the ACK that ends the handshake",
            &client->reset.ref);
        if (ref_set(&server->syn)) {
            say(hearing, ", although the server had answered (%@)", &server->syn);
        }
        say(hearing, ": a port scan, a program that gave up, or a host that did not ask.");
        return true;
    }
    return false;
}

bool judge_unreachable(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    bool error = ref_set(&conn->icmp) && conn->icmp_facts.kind != ICMP_TOO_BIG &&
                 conn->icmp_facts.kind != ICMP_SOURCE_QUENCH;
    if (hearing->opened || !error || hearing->server->syn_acks > 0) {
        return false;
    }
    decide(hearing, VERDICT_UNREACHABLE, CERTAIN_VERDICT, DOUBT_NONE);
    say(hearing, "An ICMP error answered the SYN (%@): %s (%@)", &hearing->client->syn,
        packet_icmp_words(conn->icmp_facts.kind), &conn->icmp);
    say(hearing, hearing->client->syns > 1 ? "; the SYN was sent %u times in all." : ".",
        hearing->client->syns);
    return true;
}

/* Nothing answered a SYN for longer than one loss explains, while the server was in TIME-WAIT. */
static bool ignored(struct hearing *hearing, int waiter)
{
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    wh_time until = server->syn_acks > 0 ? server->syn.when : hearing->now;
    wh_time least = client->syns > 1 ? IGNORED_LEAST : PATIENCE;
    bool silent = client->syns > 0 && server->rsts == 0 && until >= client->syn.when + least &&
                  (server->syn_acks == 0 || client->syns > 1);
    if (!silent) {
        return false;
    }
    decide(hearing, VERDICT_TIME_WAIT_IGNORED, LIKELY_VERDICT, DOUBT_AMBIGUOUS);
    say(hearing, "The SYN (%@) came while %s was in TIME-WAIT, and nothing answered it",
        &client->syn, waiter == SERVER ? the(SERVER) : "each end");
    if (server->syn_acks > 0) {
        say(hearing, " until it was accepted (%@), %t later", &server->syn,
            until - client->syn.when);
    }
    say(hearing, ".");
    return true;
}

static void challenged(struct hearing *hearing)
{
    decide(hearing, VERDICT_TIME_WAIT_CHALLENGED, CERTAIN_VERDICT, DOUBT_NONE);
    say(hearing, "The SYN (%@) met TIME-WAIT and was answered by an ACK of the old connection (%@)",
        &hearing->client->syn, &hearing->conn->challenge);
    if (hearing->server->syn_acks > 0) {
        say(hearing, "; it was accepted when it came again (%@)", &hearing->server->syn);
    }
    say(hearing, ".");
}

static void still_known(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    decide(hearing, VERDICT_HALF_OPEN_PEER, CERTAIN_VERDICT, DOUBT_NONE);
    say(hearing,
        "The server still knew an older connection of these ports, and answered the SYN (%@)",
        &hearing->client->syn);
    say(hearing, " with an ACK of that one (%@)", &conn->challenge);
    if (ref_set(&conn->challenge_reset)) {
        say(hearing, ", which the client reset (%@)", &conn->challenge_reset);
    }
    say(hearing, conn->former.reset ? "; the RST that had ended it was lost." : ".");
}

/* A SYN that met what was left of a connection of the same ports. */
bool judge_former(struct hearing *hearing)
{
    const struct former *former = &hearing->conn->former;
    bool challenge = ref_set(&hearing->conn->challenge);
    bool waits = former->exists && !former->reset &&
                 (former->waiter == SERVER || former->waiter == BOTH_WAIT);
    if (waits && !challenge) {
        return ignored(hearing, former->waiter);
    }
    if (waits) {
        challenged(hearing);
        return true;
    }
    if (challenge && former->exists && (!former->over || former->reset)) {
        still_known(hearing);
        return true;
    }
    return false;
}

static bool cannot_tell_yet(struct hearing *hearing, const char *what, const struct ref *ref)
{
    decide(hearing, VERDICT_CANNOT_TELL, NO_VERDICT, DOUBT_CAPTURE_ENDED);
    say(hearing, "The capture ends %t after %s (%@), too early to call it unanswered.",
        hearing->now - ref->when, what, ref);
    return true;
}

bool judge_no_answer(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (hearing->opened || client->syns == 0 || server->segments + server->rsts > 0) {
        return false;
    }
    if (client->syns == 1 && hearing->now - client->syn.when < PATIENCE) {
        return cannot_tell_yet(hearing, "the SYN", &client->syn);
    }
    if (conn->capture_loss && client->syns < 3) {
        decide(hearing, VERDICT_CANNOT_TELL, NO_VERDICT, DOUBT_CAPTURE_LOSS);
        say(hearing, "No answer to the SYN (%@) was captured, but the capture lost packets.",
            &client->syn);
        return true;
    }
    decide(hearing, VERDICT_NO_ANSWER, CERTAIN_VERDICT, DOUBT_NONE);
    if (client->syns == 1) {
        say(hearing, "Nothing answered the SYN (%@) in %t, and it was not repeated", &client->syn,
            hearing->now - client->syn.when);
    } else {
        say(hearing, "Nothing answered the SYN, sent %u times from %@ to %@ in %t", client->syns,
            &client->syn, &client->last_syn, client->last_syn.when - client->syn.when);
    }
    say(hearing, ": the host is down, or a filter drops it.");
    return true;
}

bool judge_unfinished(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (hearing->opened || server->syn_acks == 0 || client->rsts + server->rsts > 0) {
        return false;
    }
    if (conn->syns_after_syn_ack > 0) {
        decide(hearing, VERDICT_SYN_ACK_LOST, LIKELY_VERDICT, DOUBT_NONE);
        say(hearing,
            "The server answered (%@), but its SYN,ACK did not reach the client, which "
            "went on sending its SYN (%@).",
            &server->syn, &client->last_syn);
        return true;
    }
    if (server->syn_acks == 1 && hearing->now - server->syn.when < PATIENCE) {
        return cannot_tell_yet(hearing, "the SYN,ACK", &server->syn);
    }
    decide(hearing, VERDICT_HANDSHAKE_UNFINISHED, CERTAIN_VERDICT, DOUBT_NONE);
    say(hearing,
        "The server's SYN,ACK (%@), sent %u time%s, was never answered: the client is gone, "
        "its address is forged, or one direction is filtered.",
        &server->syn, server->syn_acks, server->syn_acks == 1 ? "" : "s");
    return true;
}

/* --------------------------------------------------- opened, with trouble -- */

static bool stripped(struct hearing *hearing, unsigned side, uint8_t option, enum verdict_kind kind,
                     const char *name)
{
    const struct dossier_end *end = &hearing->conn->end[side];
    if (end->stripped & option) {
        decide(hearing, kind, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The SYN of %s left with the %s option (%@) and arrived without it (%@).",
            the(side), name, &end->syn, &end->stripped_at);
        return true;
    }
    return false;
}

bool judge_stripped(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        if (stripped(hearing, side, WH_HAS_WINDOW_SCALE, VERDICT_WINDOW_SCALE_STRIPPED,
                     "window scale") ||
            stripped(hearing, side, WH_HAS_SACK_PERMITTED, VERDICT_SACK_STRIPPED, "SACK")) {
            return true;
        }
        const struct dossier_end *end = &hearing->conn->end[side];
        bool known = end->offer.has & (WH_HAS_WINDOW_SCALE | WH_HAS_SACK_PERMITTED);
        if (end->offer.blanked && end->offer.has != 0 && !(end->offer.has & WH_HAS_WINDOW_SCALE)) {
            decide(hearing, VERDICT_WINDOW_SCALE_STRIPPED, LIKELY_VERDICT, DOUBT_NONE);
            say(hearing,
                "NOPs stand in the SYN of %s (%@) where its window scale option ought to be.",
                the(side), &end->syn);
            return true;
        }
        if (end->offer.blanked && known && !(end->offer.has & WH_HAS_SACK_PERMITTED)) {
            decide(hearing, VERDICT_SACK_STRIPPED, LIKELY_VERDICT, DOUBT_NONE);
            say(hearing, "NOPs stand in the SYN of %s (%@) where its SACK option ought to be.",
                the(side), &end->syn);
            return true;
        }
    }
    return false;
}

bool judge_lost_opening(struct hearing *hearing)
{
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    bool simultaneous = client->syns > 0 && server->syns > 0;
    /* A packet may be missing in one capture because that lost it: what was lost is sent again. */
    if (!hearing->opened || simultaneous) {
        return false;
    }
    if (client->lost_syns > 0 && client->syns > 1) {
        decide(hearing, VERDICT_SYN_LOST, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The SYN (%@) was lost on the path; the connection opened %t late.",
            &client->lost_syn, hearing->conn->established.when - client->syn.when);
        return true;
    }
    if (server->lost_syns > 0 && (server->syn_acks > 1 || client->syns > 1)) {
        decide(hearing, VERDICT_SYN_ACK_LOST, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "The SYN,ACK (%@) was lost on the path; it was sent again (%@).",
            &server->lost_syn, &server->last_syn);
        return true;
    }
    if (client->lost_acks > 0 && server->syn_acks > 1) {
        decide(hearing, VERDICT_FINAL_ACK_LOST, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "The ACK that ends the handshake (%@) was lost on the path; the server sent its "
            "SYN,ACK again (%@).",
            &client->lost_ack, &server->last_syn);
        return true;
    }
    return false;
}

/* The client answered the SYN,ACK, as far as can be seen from here, and it came again. */
static bool answered_in_vain(const struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    return conn->syn_acks_after_ack > 0 &&
           conn->syn_ack_after_ack.when - hearing->server->syn.when >= REPEAT_LEAST;
}

bool judge_accept_queue(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    /* As two captures show, what seems to be answered in vain was not answered, or not answered yet. */
    bool lost = (server->lost_syns > 0 && conn->syn_acks_after_ack < 2) ||
                client->lost_acks >= conn->syn_acks_after_ack;
    if (!answered_in_vain(hearing) || lost) {
        return false;
    }
    bool arrived = conn->vantage == VANTAGE_SERVER || conn->vantage == VANTAGE_BOTH;
    /* Data carry the same acknowledgement: two losses in a row are less likely than a full queue. */
    bool data = ref_set(&client->data) && client->data.when < conn->syn_ack_after_ack.when;
    /* ... all the more if nothing else ever came of it. */
    unsigned least = server->bytes == 0 && server->fins == 0 ? VAIN_LEAST - 1 : VAIN_LEAST;
    if (!arrived && conn->syn_acks_after_ack < least && !data) {
        return false;
    }
    decide(hearing, VERDICT_ACCEPT_QUEUE_FULL, arrived ? CERTAIN_VERDICT : LIKELY_VERDICT,
           arrived ? DOUBT_NONE : DOUBT_MIDDLE_POINT);
    say(hearing,
        "The client had answered the SYN,ACK (%@), and the server sent it again (%@), %u time%s: "
        "its "
        "queue of connections to accept is full",
        &conn->established, &conn->syn_ack_after_ack, conn->syn_acks_after_ack,
        conn->syn_acks_after_ack == 1 ? "" : "s");
    say(hearing, ref_set(&server->data) ? "; later it had room." : ".");
    return true;
}

static bool final_ack_lost(struct hearing *hearing)
{
    if (!answered_in_vain(hearing)) {
        return false;
    }
    decide(hearing, VERDICT_FINAL_ACK_LOST, LIKELY_VERDICT, DOUBT_AMBIGUOUS);
    say(hearing,
        "The ACK that ends the handshake (%@) did not reach the server, which sent its SYN,ACK "
        "again "
        "(%@).",
        &hearing->conn->established, &hearing->conn->syn_ack_after_ack);
    return true;
}

bool judge_opening_trouble(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    const struct dossier_end *client = hearing->client, *server = hearing->server;
    if (!conn->roles_known) {
        return false;
    }
    if (final_ack_lost(hearing)) {
        return true;
    }
    bool simultaneous = client->syns > 0 && server->syns > 0;
    if (simultaneous) {
        return false;
    }
    if (conn->syns_after_syn_ack > 0) {
        decide(hearing, VERDICT_SYN_ACK_LOST,
               conn->vantage == VANTAGE_SERVER ? CERTAIN_VERDICT : LIKELY_VERDICT, DOUBT_NONE);
        say(hearing,
            "The SYN,ACK (%@) was lost on its way to the client, which sent its SYN again "
            "(%@).",
            &server->syn, &conn->syn_after_syn_ack);
        return true;
    }
    if (conn->syn_acks_without_ack > 0 && conn->vantage != VANTAGE_CLIENT &&
        server->last_syn.when - server->syn.when >= REPEAT_LEAST) {
        decide(hearing, VERDICT_FINAL_ACK_LOST, LIKELY_VERDICT, DOUBT_NONE);
        say(hearing,
            "The server sent its SYN,ACK again (%@), and the client, which did not repeat its "
            "SYN, had it: the ACK that ends the handshake was lost.",
            &server->last_syn);
        return true;
    }
    if (client->syns > 1 && client->last_syn.when - client->syn.when >= REPEAT_LEAST) {
        if (conn->vantage == VANTAGE_SERVER) {
            decide(hearing, VERDICT_ACCEPT_QUEUE_FULL, LIKELY_VERDICT, DOUBT_NONE);
            say(hearing,
                "The SYN (%@) arrived and was not answered until it came again (%@): the "
                "server's queue was full.",
                &client->syn, &client->last_syn);
            return true;
        }
        decide(hearing, VERDICT_SYN_REPEATED, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "The SYN (%@) had to be sent again (%@), %t later: it or its answer was lost, or "
            "the server did not take it at first.",
            &client->syn, &client->last_syn, client->last_syn.when - client->syn.when);
        return true;
    }
    return false;
}

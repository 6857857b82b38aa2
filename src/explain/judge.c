/* SPDX-License-Identifier: MIT */
/*
 * How a verdict is found. What kept a connection from opening comes first, then
 * what killed it, then where it is stuck, then what went wrong and was mended, and
 * last how it closed. A judge gives a verdict only on facts that nothing else
 * explains; what the capture lacks is said instead of guessed.
 */
#include "explain/judge.h"

#include <string.h>

/* One end's packets alone show that there was another, and not what it said. */
static bool judge_one_direction(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side];
        const struct dossier_end *peer = &hearing->conn->end[1 - side];
        bool answered = end->acked_known || end->rsts > 0;
        if (peer->segments + peer->rsts > 0 || end->segments < 2 || !answered ||
            (side == SERVER && end->syn_acks == end->segments)) {
            continue;
        }
        decide(hearing, VERDICT_CANNOT_TELL, NO_VERDICT, DOUBT_ONE_DIRECTION);
        say(hearing, "Only what %s sent was captured, from %@ to %@.", the(side),
            ref_set(&end->syn) ? &end->syn : &end->last, &end->last);
        return true;
    }
    return false;
}

static judge_of *const judges[] = {
    judge_one_direction,
    /* never opened */
    judge_refused,
    judge_unreachable,
    judge_former,
    judge_no_answer,
    judge_unfinished,
    judge_accept_queue,
    /* killed */
    judge_injected,
    judge_half_open,
    judge_paws,
    judge_black_hole,
    judge_keep_alive,
    judge_retransmission,
    judge_assassinated,
    judge_reset,
    /* stuck */
    judge_close_wait,
    judge_zero_window,
    judge_silent,
    /* mended */
    judge_stripped,
    judge_lost_opening,
    judge_opening_trouble,
    judge_fin_repeated,
    /* closed or open */
    judge_closed,
    judge_open,
};

/* Verdicts that rest on something not having come, which a capture may simply have missed. */
static bool rests_on_absence(enum verdict_kind kind)
{
    switch (kind) {
    case VERDICT_NO_ANSWER:
    case VERDICT_HANDSHAKE_UNFINISHED:
    case VERDICT_SILENT:
    case VERDICT_CLOSE_WAIT_LEAK:
    case VERDICT_KEEP_ALIVE_DEATH:
    case VERDICT_RETRANSMISSION_DEATH:
    case VERDICT_MTU_BLACK_HOLE:
    case VERDICT_TIME_WAIT_IGNORED:
    case VERDICT_STILL_CLOSING: return true;
    default: return false;
    }
}

/* ... and on how long something took. */
static bool rests_on_time(enum verdict_kind kind)
{
    switch (kind) {
    case VERDICT_SILENT:
    case VERDICT_CLOSE_WAIT_LEAK:
    case VERDICT_FIN_WAIT_2_ORPHAN:
    case VERDICT_HALF_OPEN_PEER:
    case VERDICT_ZERO_WINDOW_STALL: return true;
    default: return false;
    }
}

/* What the capture lacks makes a verdict less sure, if it may rest on just that. */
static void temper(const struct dossier *conn, struct verdict *verdict)
{
    enum doubt doubt = DOUBT_NONE;
    if (conn->capture_loss && rests_on_absence(verdict->kind)) {
        doubt = DOUBT_CAPTURE_LOSS;
    } else if (conn->clock_jumped && rests_on_time(verdict->kind)) {
        doubt = DOUBT_CLOCK_JUMP;
    } else if (conn->super_segments && verdict->kind == VERDICT_MTU_BLACK_HOLE) {
        doubt = DOUBT_SUPER_SEGMENTS;
    } else if (conn->cut_packets &&
               (verdict->kind == VERDICT_WINDOW_SCALE_STRIPPED ||
                verdict->kind == VERDICT_SACK_STRIPPED || verdict->kind == VERDICT_PAWS_DROP)) {
        doubt = DOUBT_SNAP_LENGTH;
    } else if (conn->contradiction && verdict->kind != VERDICT_RESET_INJECTED) {
        /* A forged segment contradicts its alleged sender: that is what tells it. */
        doubt = conn->capture_loss ? DOUBT_CAPTURE_LOSS : DOUBT_CONTRADICTORY;
    }
    if (doubt != DOUBT_NONE && verdict->confidence == CERTAIN_VERDICT) {
        verdict->confidence = LIKELY_VERDICT;
        verdict->doubt = doubt;
    }
}

void judge(const struct dossier *conn, wh_time now, struct verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    const struct dossier_end *client = &conn->end[CLIENT], *server = &conn->end[SERVER];
    struct hearing hearing = { .conn = conn,
                               .client = client,
                               .server = server,
                               .now = now,
                               .opened = ref_set(&conn->established) || !conn->roles_known ||
                                         ref_set(&server->data) || client->fins + server->fins > 0,
                               .verdict = verdict };
    for (size_t i = 0; i < sizeof judges / sizeof judges[0]; i++) {
        if (judges[i](&hearing)) {
            temper(conn, verdict);
            return;
        }
    }
    decide(&hearing, VERDICT_CANNOT_TELL, NO_VERDICT,
           conn->roles_known ? DOUBT_CAPTURE_ENDED : DOUBT_MID_CONNECTION);
    say(&hearing, "Too little of this connection was captured to say anything.");
}

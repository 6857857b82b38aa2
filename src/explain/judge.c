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
            return;
        }
    }
    decide(&hearing, VERDICT_CANNOT_TELL, NO_VERDICT,
           conn->roles_known ? DOUBT_CAPTURE_ENDED : DOUBT_MID_CONNECTION);
    say(&hearing, "Too little of this connection was captured to say anything.");
}

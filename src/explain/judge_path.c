/* SPDX-License-Identifier: MIT */
/* What the path, the far host or a full receiver swallowed. */
#include "base/seq.h"
#include "explain/judge.h"

#define STALL_LEAST (1 * WH_SECOND)
#define REPEATS_LEAST 3
#define PROBES_LEAST 2

bool judge_paws(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side];
        if (end->old_timestamps < 2 || !ref_set(&hearing->conn->paws_ack)) {
            continue;
        }
        decide(hearing, VERDICT_PAWS_DROP, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing,
            "Segments of %s carry timestamps older than the last ones (from %@, %u times); the "
            "other end takes them for old duplicates and only acknowledges what it had (%@).",
            the(side), &end->old_timestamp, end->old_timestamps, &hearing->conn->paws_ack);
        return true;
    }
    return false;
}

bool judge_black_hole(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side],
                                 *peer = &hearing->conn->end[1 - side];
        bool told = hearing->conn->icmp_facts.too_big > 0;
        /* An answer to each shows that they arrive, and are refused there. */
        bool refused = end->big_answers > 1 && end->big_answers * 2 >= end->big_repeats;
        bool alive = !refused && ref_set(&peer->last) && peer->last.when > end->big_first.when;
        bool stuck = end->big_repeats >= REPEATS_LEAST && end->acked_known && !end->large_passed &&
                     !(peer->acked_known && seq_geq(peer->acked, end->big_end));
        bool mended = end->big_repeats >= 1 && end->cut_acked && !end->large_passed;
        if (told || !(mended || (stuck && alive))) {
            continue;
        }
        decide(hearing, VERDICT_MTU_BLACK_HOLE, mended ? CERTAIN_VERDICT : LIKELY_VERDICT,
               DOUBT_NONE);
        say(hearing,
            "Packets of %u bytes from %s vanish (%@, sent again %u times, last %@) while smaller "
            "ones pass",
            end->big, the(side), &end->big_first, end->big_repeats, &end->big_last);
        if (mended) {
            say(hearing, "; cut smaller, the same bytes arrived (%@)", &end->cut);
        }
        say(hearing, ": a link on the path is too small, and no ICMP error says so.");
        return true;
    }
    return false;
}

bool judge_keep_alive(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    for (unsigned side = 0; side < 2 && conn->traffic != NULL; side++) {
        const struct dossier_end *end = &conn->end[side];
        unsigned probes = end->rsts > 0 ? end->reset.probes : traffic_probes(conn->traffic, side);
        unsigned least = end->rsts > 0 ? PROBES_LEAST : REPEATS_LEAST;
        if (probes < least) {
            continue;
        }
        decide(hearing, VERDICT_KEEP_ALIVE_DEATH, CERTAIN_VERDICT, DOUBT_NONE);
        say(hearing, "%u keep-alive probes of %s went unanswered (last %@)", probes, the(side),
            &end->last);
        if (end->rsts > 0) {
            say(hearing, ", and it gave the connection up (%@)", &end->reset.ref);
        }
        say(hearing, ": the other end, or the path to it, was gone.");
        return true;
    }
    return false;
}

bool judge_retransmission(struct hearing *hearing)
{
    const struct dossier *conn = hearing->conn;
    for (unsigned side = 0; side < 2 && conn->traffic != NULL && hearing->opened; side++) {
        const struct dossier_end *end = &conn->end[side], *peer = &conn->end[1 - side];
        wh_time first = 0;
        unsigned repeats = traffic_repeats(conn->traffic, side, &first);
        bool fin = end->fins > REPEATS_LEAST && !ref_set(&end->fin_acked);
        if (end->rsts > 0 && end->reset.repeats >= REPEATS_LEAST) {
            repeats = end->reset.repeats;
        }
        if (fin && end->fins - 1 > repeats) {
            repeats = end->fins - 1;
            first = end->fin.when;
        }
        /* Whoever is reset did not give up. */
        if (repeats < REPEATS_LEAST || peer->rsts > 0) {
            continue;
        }
        decide(hearing, VERDICT_RETRANSMISSION_DEATH,
               end->rsts > 0 || repeats >= 5 ? CERTAIN_VERDICT : LIKELY_VERDICT, DOUBT_NONE);
        say(hearing, "%s sent %s %u times again (last %@) and got no answer", The(side),
            fin ? "its FIN" : "the same data", repeats, &end->last);
        if (ref_set(&peer->last)) {
            say(hearing, "; the other end was last heard in %@", &peer->last);
        }
        if (end->rsts > 0) {
            say(hearing, "; then it gave up (%@)", &end->reset.ref);
        }
        say(hearing, ".");
        return true;
    }
    return false;
}

bool judge_zero_window(struct hearing *hearing)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &hearing->conn->end[side];
        wh_time longest = (wh_time)end->closed_longest_ms * WH_MILLISECOND;
        wh_time still = ref_set(&end->closing_window) ? hearing->now - end->closing_window.when : 0;
        if (longest < STALL_LEAST && still < STALL_LEAST) {
            continue;
        }
        decide(hearing, VERDICT_ZERO_WINDOW_STALL, CERTAIN_VERDICT, DOUBT_NONE);
        if (still > longest) {
            say(hearing,
                "%s closed its window (%@) and had not opened it when the capture ended, %t "
                "later: its program does not read.",
                The(side), &end->closing_window, still);
        } else {
            say(hearing,
                "The window of %s was closed for %t (from %@ to %@): its program did not read.",
                the(side), longest, &end->closed_window, &end->opened_window);
        }
        return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* What a RST tells, and what was the case when it came. */
#include "base/seq.h"
#include "explain/facts.h"

/* Its sender's segments go on: had it really reset, it would answer with RSTs only (RFC 9293 3.10.7.1). */
static void note_going_on(struct dossier *conn, const struct passing *passing)
{
    struct reset *reset = &conn->end[passing->from].reset;
    /* What left before the RST may come after it when the network reorders. */
    bool later = passing->fresh || seq_gt(passing->segment->ack, reset->ack);
    if (later && passing->mark != MARK_REORDERED && passing->ref.when > reset->ref.when &&
        !(passing->segment->flags & WH_SYN)) {
        reset->went_on = true;
        if (!ref_set(&reset->went_on_by)) {
            reset->went_on_by = passing->ref;
        }
    }
}

/* Its TTL is not that of its alleged sender's other segments, seen at the same place. */
static bool has_wrong_hops(const struct dossier_end *end, const struct passing *passing)
{
    const struct usual_hops *usual = &end->usual[passing->ref.point & 1];
    return usual->seen > 1 && !usual->vary && usual->hops != passing->segment->hops;
}

static void take_first(struct dossier *conn, const struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    const struct segment *segment = passing->segment;
    struct reset *reset = &end->reset;
    wh_time first;
    *reset = (struct reset){
        .ref = passing->ref,
        .seq = segment->seq,
        .ack = segment->ack,
        .flags = segment->flags,
        .window = segment->window,
        .ip_id = passing->seen->ip_id,
        .has = segment->options.has,
        .hops = segment->hops,
        .usual_hops = end->usual[passing->ref.point & 1].hops,
        .sender = end->observer.states,
        .receiver = peer->observer.states,
        .exact = (peer->acked_known && segment->seq == peer->acked) ||
                 (end->end_known && segment->seq == end->end),
        .answers = end->answerable && segment->seq == end->answer,
        .wrong_hops = has_wrong_hops(end, passing),
        .answered = peer->last,
        .answered_flags = peer->last_flags,
        .answered_length = peer->last_length,
        .answered_fresh = peer->last_fresh,
        .silence = ref_set(&end->last) ? passing->ref.when - end->last.when : WH_NEVER,
    };
    if (conn->traffic != NULL) {
        reset->repeats = traffic_repeats(conn->traffic, passing->from, &first);
        reset->probes = traffic_probes(conn->traffic, passing->from);
        reset->peer_repeats = traffic_repeats(conn->traffic, passing->to, &first);
        reset->outstanding = traffic_outstanding(conn->traffic, passing->from);
    }
}

void facts_reset(struct dossier *conn, struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from];
    if (!(passing->segment->flags & WH_RST)) {
        if (end->rsts > 0) {
            note_going_on(conn, passing);
        }
        return;
    }
    /* A RST that answers a segment of an older connection says nothing of this one. */
    if (ref_set(&conn->challenge) && !ref_set(&conn->established) &&
        passing->segment->seq == conn->challenge_ack) {
        conn->challenge_reset = passing->ref;
        return;
    }
    if (end->rsts == 0) {
        take_first(conn, passing);
    }
    end->rsts++;
}

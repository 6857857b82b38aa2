/* SPDX-License-Identifier: MIT */
/* What SYN segments and the first acknowledgements tell. */
#include "base/seq.h"
#include "explain/facts.h"

/*
 * Middleboxes take an option away by writing NOPs over it. Aligning never needs more
 * than two in a row, so a longer run stands where an option was.
 */
#define NOPS_USUAL 2

static void learn_first(struct dossier_end *end, uint32_t number)
{
    if (!end->first_known) {
        end->first = number;
        end->first_known = true;
    }
}

static void take_syn(struct dossier *conn, const struct passing *passing)
{
    const struct segment *segment = passing->segment;
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    bool answers = (segment->flags & WH_ACK) != 0;
    if (end->syns + end->syn_acks == 0) {
        end->offer = (struct offer){ .has = segment->options.has,
                                     .window_scale = segment->options.window_scale,
                                     .mss = segment->options.mss,
                                     .blanked = passing->seen->nops > NOPS_USUAL };
        end->syn = passing->ref;
    } else if (!answers && peer->syn_acks > 0) {
        conn->syns_after_syn_ack++;
        conn->syn_after_syn_ack =
            conn->syns_after_syn_ack == 1 ? passing->ref : conn->syn_after_syn_ack;
    } else if (answers && end->syn_acks > 0) {
        if (conn->acks_of_syn > 0) {
            conn->syn_ack_after_ack =
                conn->syn_acks_after_ack == 0 ? passing->ref : conn->syn_ack_after_ack;
            conn->syn_acks_after_ack++;
        } else {
            conn->syn_acks_without_ack++;
        }
    }
    end->syns += !answers;
    end->syn_acks += answers;
    end->last_syn = passing->ref;
    learn_first(end, segment->seq);
    if (answers && !peer->first_known) {
        learn_first(peer, segment->ack - 1);
    }
}

/* An ACK without the numbers of this opening answers a SYN: its sender knows another connection. */
static bool challenges(const struct dossier *conn, const struct passing *passing)
{
    const struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    return (passing->segment->flags & (WH_ACK | WH_RST | WH_SYN)) == WH_ACK && peer->syns > 0 &&
           end->syns + end->syn_acks == 0 && passing->segment->length == 0 &&
           passing->segment->ack != peer->first + 1 && !ref_set(&conn->established);
}

void facts_opening(struct dossier *conn, struct passing *passing)
{
    const struct segment *segment = passing->segment;
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    if (segment->flags & WH_SYN) {
        take_syn(conn, passing);
        return;
    }
    if (challenges(conn, passing)) {
        if (!ref_set(&conn->challenge)) {
            conn->challenge = passing->ref;
        }
        conn->challenge_ack = segment->ack;
        passing->notable = true;
        return;
    }
    if (!(segment->flags & WH_ACK) || (segment->flags & WH_RST)) {
        return;
    }
    learn_first(end, segment->seq - 1);
    learn_first(peer, segment->ack - 1);
    if (passing->from == CLIENT && peer->syn_acks > 0 && segment->ack == peer->first + 1) {
        conn->acks_of_syn++;
    }
    bool completes = !ref_set(&conn->established) && peer->syns + peer->syn_acks > 0 &&
                     seq_gt(segment->ack, peer->first) && end->syns + end->syn_acks > 0;
    if (completes) {
        conn->established = passing->ref;
    }
}

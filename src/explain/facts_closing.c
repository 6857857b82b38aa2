/* SPDX-License-Identifier: MIT */
/* What FINs, their acknowledgements and what comes after them tell. */
#include "base/seq.h"
#include "explain/facts.h"

static void take_fin(struct dossier *conn, struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    const struct segment *segment = passing->segment;
    if (end->fins == 0) {
        end->fin = passing->ref;
        end->fin_number = segment->seq + segment->length;
        end->fin_answers = peer->fins > 0 && seq_gt(segment->ack, peer->fin_number);
        passing->fresh = true;
    }
    end->fins++;
    end->last_fin = passing->ref;
}

void facts_closing(struct dossier *conn, struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    const struct segment *segment = passing->segment;
    if (segment->flags & WH_RST) {
        return;
    }
    if (segment->flags & WH_FIN) {
        take_fin(conn, passing);
    }
    if (!(segment->flags & WH_ACK) || peer->fins == 0 || !seq_gt(segment->ack, peer->fin_number)) {
        return;
    }
    if (!ref_set(&peer->fin_acked)) {
        peer->fin_acked = passing->ref;
        peer->fin_acked_alone = end->fins == 0;
        passing->notable = true;
    }
}

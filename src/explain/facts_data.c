/* SPDX-License-Identifier: MIT */
/* What data and windows tell that a verdict may need. */
#include "base/seq.h"
#include "explain/facts.h"

/* Any path carries this much (RFC 8200 5); what vanishes above it may be too large for the path. */
#define SAFE_PACKET 1280

/* Segments above the least MTU that are sent again and again while smaller ones pass. */
static void take_size(struct dossier_end *end, const struct passing *passing)
{
    const struct segment *segment = passing->segment;
    bool again = passing->mark == MARK_TIMEOUT || passing->mark == MARK_RETRANSMISSION ||
                 passing->mark == MARK_FAST_RETRANSMIT || passing->mark == MARK_TAIL_PROBE;
    uint32_t size = passing->seen->ip_length;
    if (!again) {
        return;
    }
    bool same = end->big_repeats > 0 && segment->seq == end->big_seq;
    if (size > SAFE_PACKET || (same && passing->end == end->big_end)) {
        if (!same) {
            end->big_repeats = 0;
            end->big_answers = 0;
            end->big_seq = segment->seq;
            end->big_end = passing->end;
            end->big = size;
            end->big_first = passing->ref;
        }
        end->big_repeats++;
        end->big_unanswered = true;
        end->big_last = passing->ref;
    } else if (same && seq_lt(passing->end, end->big_end) && !ref_set(&end->cut)) {
        end->cut = passing->ref;
    }
}

static void take_fresh(struct dossier *conn, struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    const struct segment *segment = passing->segment;
    uint32_t bytes = end->end_known && seq_lt(segment->seq, end->end) ? passing->end - end->end
                                                                      : segment->length;
    passing->fresh = true;
    if (passing->seen->ip_length > SAFE_PACKET) {
        end->large_sent = true;
        end->large_end = passing->end;
    }
    end->bytes += bytes;
    if (!ref_set(&end->data)) {
        end->data = passing->ref;
        passing->notable = true;
    }
    end->last_data = passing->ref;
    if (peer->fins == 0) {
        return;
    }
    if ((segment->flags & WH_ACK) && seq_gt(segment->ack, peer->fin_number)) {
        end->after_fin = end->bytes_after_fin == 0 ? passing->ref : end->after_fin;
        end->bytes_after_fin += bytes;
    }
    peer->late = ref_set(&peer->late) ? peer->late : passing->ref;
}

/* A packet's size was no hindrance if it was acknowledged without having been sent again. */
static void take_size_acknowledged(struct dossier_end *peer, const struct passing *passing,
                                   uint32_t ack)
{
    if (peer->big_repeats > 0 && seq_geq(ack, peer->big_end) && ref_set(&peer->cut)) {
        peer->cut_acked = true;
    }
    bool large = peer->large_sent && seq_geq(ack, peer->large_end);
    if (large && !ref_set(&peer->cut)) {
        peer->large_passed = true;
    }
    peer->large_sent = peer->large_sent && !large;
    if (!peer->large_sent && ref_set(&peer->data) && !ref_set(&peer->small_acked)) {
        peer->small_acked = passing->ref;
    }
}

static void take_acknowledgement(struct dossier *conn, const struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    uint32_t ack = passing->segment->ack;
    if (end->acked_known && !seq_gt(ack, end->acked)) {
        peer->big_answers += peer->big_unanswered;
        peer->big_unanswered = false;
        return;
    }
    take_size_acknowledged(peer, passing, ack);
    end->acked = ack;
    end->acked_known = true;
}

/*
 * An acknowledgement of data that leaves the right edge about where it was: nobody
 * has read them. Scaled windows are rounded down, so little data show nothing.
 */
static void take_edge(struct dossier *conn, const struct passing *passing, uint32_t advance)
{
    struct dossier_end *end = &conn->end[passing->from];
    int64_t window = traffic_window(conn->traffic, passing->from);
    if (window < 0 || !(passing->segment->flags & WH_ACK)) {
        return;
    }
    uint32_t edge = passing->segment->ack + (uint32_t)window;
    uint32_t step = UINT32_C(1) << (end->offer.window_scale > 14 ? 14 : end->offer.window_scale);
    uint32_t moved = end->window >= 0 && seq_gt(edge, end->edge) ? edge - end->edge : 0;
    if (advance > 0) {
        /* A receiver moves the edge on by no less than a segment (RFC 9293 3.8.6.2.2). */
        uint32_t least = 2 * (end->offer.mss > step ? end->offer.mss : step);
        end->edge_held = end->window >= 0 && advance > least && moved < advance / 2;
    } else if (moved > step) {
        end->edge_held = false;
    }
    end->window = window;
    end->edge = edge;
}

static void take_window(struct dossier *conn, struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from];
    wh_time since = traffic_closed_since(conn->traffic, passing->from);
    if (since != 0 && !ref_set(&end->closing_window)) {
        end->closing_window = passing->ref;
    } else if (since == 0 && ref_set(&end->closing_window)) {
        wh_time lasted = passing->ref.when - end->closing_window.when;
        if (lasted / WH_MILLISECOND >= end->closed_longest_ms) {
            wh_time most = UINT32_MAX;
            end->closed_longest_ms =
                (uint32_t)(lasted / WH_MILLISECOND < most ? lasted / WH_MILLISECOND : most);
            end->closed_window = end->closing_window;
            end->opened_window = passing->ref;
        }
        end->closing_window = (struct ref){ 0 };
    }
}

/* A refused old time stamp is answered by an ACK that does not move (RFC 7323 5.3, R1). */
static void take_timestamps(struct dossier *conn, const struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    if (passing->mark == MARK_OLD_TIMESTAMP && passing->segment->length > 0) {
        end->old_timestamps++;
        end->old_timestamp = end->old_timestamps == 1 ? passing->ref : end->old_timestamp;
    } else if (peer->old_timestamps > 0 && !ref_set(&conn->paws_ack) &&
               passing->segment->length == 0 && end->acked_known &&
               passing->segment->ack == end->acked) {
        conn->paws_ack = passing->ref;
    }
}

void facts_data(struct dossier *conn, struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from];
    const struct segment *segment = passing->segment;
    if (segment->flags & WH_RST) {
        return;
    }
    take_timestamps(conn, passing);
    bool text = segment->length > 0 && !(segment->flags & WH_SYN);
    if (text && (!end->end_known || seq_gt(passing->end, end->end)) &&
        seq_gt(segment->seq + segment->length, end->end_known ? end->end : segment->seq)) {
        take_fresh(conn, passing);
    } else if (text) {
        take_size(end, passing);
    }
    if (!end->end_known || seq_gt(passing->end, end->end)) {
        end->end = passing->end;
        end->end_known = true;
    }
    bool advances =
        (segment->flags & WH_ACK) && end->acked_known && seq_gt(segment->ack, end->acked);
    uint32_t advance = advances ? segment->ack - end->acked : 0;
    if (segment->flags & WH_ACK) {
        take_acknowledgement(conn, passing);
    }
    if (conn->traffic != NULL) {
        take_edge(conn, passing, advance);
        take_window(conn, passing);
    }
}

/* SPDX-License-Identifier: MIT */
/* What a segment tells a bystander: numbers, first acknowledgements, windows, repeats. */
#include "base/seq.h"
#include "view/ladder_parts.h"

struct observed observed_of(const wh_trace_record *record)
{
    return (struct observed){
        .time = record->time,
        .flags = record->flags,
        .seq = record->seq,
        .ack = record->ack,
        .length = record->length,
    };
}

bool reason_matters(wh_reason reason)
{
    return !words_reason_quiet(reason) && reason != WH_WHY_OUT_OF_ORDER &&
           reason != WH_WHY_DUPLICATE_ACK && reason != WH_WHY_ECN_MARK;
}

/* Numbers of the sender's own stream. */
static void follow_stream(struct end *sender, const wh_trace_record *record,
                          struct passing *passing)
{
    uint32_t end = record->seq + record->length;
    if (record->flags & WH_SYN) {
        sender->base = record->seq;
        sender->base_known = true;
        end++;
    } else if (!sender->base_known) {
        sender->base = record->seq - 1; /* joined in mid-connection: its first byte is 1 */
        sender->base_known = true;
        sender->next = record->seq;
    }
    if (record->flags & WH_FIN) {
        sender->fin = end;
        sender->fin_sent = true;
        end++;
    }
    if ((record->flags & WH_SYN) && sender->next != end) {
        sender->next = end;
        sender->bytes += record->length;
        return;
    }
    uint32_t numbers = end - record->seq;
    /* The first SYN,ACK of a simultaneous open has a number that was sent, and news: its ACK. */
    bool crossing = (record->flags & WH_SYN) && (record->flags & WH_ACK) && !sender->acked_syn;
    if (seq_gt(end, sender->next)) {
        uint32_t fresh = end - sender->next;
        uint32_t fin = record->flags & WH_FIN ? 1 : 0;
        sender->bytes += fresh - (fresh > 0 ? fin : 0);
        sender->next = end;
    } else if (numbers > 0 && !crossing &&
               (record->kind == WH_TRACE_OUT || reason_matters((wh_reason)record->reason))) {
        /* Of a far end's segments only the receiver can tell: late ones look the same. */
        passing->repeated = true;
        sender->repeats++;
    }
}

static void follow_ack(struct ladder_conn *conn, struct passing *passing)
{
    const wh_trace_record *record = passing->record;
    struct end *sender = &conn->end[passing->from];
    struct end *peer = &conn->end[other_side(passing->from)];
    if (!(record->flags & WH_ACK)) {
        return;
    }
    if (!peer->base_known) {
        peer->base = record->ack - 1;
        peer->base_known = true;
        peer->next = record->ack;
    }
    if (!sender->acked_syn && seq_gt(record->ack, peer->base)) {
        sender->acked_syn = true;
        passing->syn_acked = true;
    }
    if (peer->fin_sent && seq_gt(record->ack, peer->fin)) {
        /* Behind a FIN there is nothing more to acknowledge: a later bare ACK answers its repetition. */
        bool bare = record->length == 0 && !(record->flags & (WH_SYN | WH_FIN));
        passing->fin_acked = !sender->acked_fin || bare;
        sender->acked_fin = true;
    }
}

struct passing follow_segment(struct ladder_conn *conn, enum ladder_side from,
                              const wh_trace_record *record)
{
    struct passing passing = { .record = record, .from = from };
    struct end *sender = &conn->end[from];
    if (record->flags & WH_RST) {
        if (conn->reset_by < 0) {
            conn->reset_by = (int)from;
        }
        return passing; /* takes its numbers from what it answers */
    }
    follow_stream(sender, record, &passing);
    follow_ack(conn, &passing);
    conn->opened = conn->opened || (sender->acked_syn && conn->end[other_side(from)].acked_syn);
    if (!(record->flags & WH_SYN)) {
        bool zero = record->window == 0;
        passing.window_closed = zero && !sender->window_zero;
        passing.window_opened = !zero && sender->window_zero;
        sender->window_zero = zero;
    }
    return passing;
}

bool passing_matters(const struct passing *passing)
{
    return (passing->record->flags & (WH_SYN | WH_FIN | WH_RST | WH_URG)) || passing->syn_acked ||
           passing->fin_acked || passing->window_closed || passing->window_opened;
}

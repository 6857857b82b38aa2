/* SPDX-License-Identifier: MIT */
/* A trace record becomes a line, waits as a departure, or is added to a fold. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/ladder_parts.h"

/* Turns of a conversation that get a line each before the rest is folded into one. */
#define TURNS_DRAWN 6

/* ---------------------------------------------------------------- folds -- */

static void fold_in(struct ladder *ladder, struct ladder_conn *conn, const struct passing *passing,
                    const struct waiting *waiting)
{
    const wh_trace_record *record = passing->record;
    struct fold *fold = &conn->fold;
    struct folded *way = &fold->way[passing->from];
    if (record->length > 0) {
        bool turn = fold->open && fold->way[other_side(passing->from)].bytes > 0 && way->bytes == 0;
        if (turn && conn->exchanges < TURNS_DRAWN) {
            conn->exchanges++;
            show_fold(ladder, conn);
        }
        if (!fold->open) {
            *fold = (struct fold){ .open = true, .from = passing->from, .first = record->time };
            become_due(ladder, record->time + FOLD_PATIENCE);
        }
        uint32_t size = record->segment_size > 0 ? record->segment_size : record->length;
        way->bytes += record->length;
        way->segments += (record->length + size - 1) / size;
        fold->last = record->time;
    }
    if (fold->open) {
        way->out_of_order += record->reason == WH_WHY_OUT_OF_ORDER;
        way->duplicate_acks += record->reason == WH_WHY_DUPLICATE_ACK;
        way->lost += waiting->lost;
    }
}

/* -------------------------------------------------------------- records -- */

/* One end's records: the segment left our (right) end, or arrived there. */
static void take_with_observer(struct ladder *ladder, struct ladder_conn *conn,
                               const struct waiting *waiting)
{
    const wh_trace_record *record = &waiting->record;
    bool out = record->kind == WH_TRACE_OUT;
    struct end *ours = &conn->end[waiting->end], *theirs = &conn->end[other_side(waiting->end)];
    struct passing passing =
        follow_segment(conn, out ? waiting->end : other_side(waiting->end), record);
    bool matters = passing_matters(&passing) || reason_matters((wh_reason)record->reason) ||
                   record->state_before != record->state_after ||
                   waiting->fate == WH_WHY_FAULT_HOLD;
    matters = matters || (waiting->lost && record->length == 0);
    if (matters) {
        show_fold(ladder, conn);
    }
    struct observed observed = observed_of(record);
    if (out && !waiting->lost) {
        observer_received(&theirs->observer, &observed, true);
    } else if (!out) {
        observer_sent(&theirs->observer, &observed);
    }
    ours->state = (wh_state)record->state_after;
    if (!matters) {
        fold_in(ladder, conn, &passing, waiting);
        return;
    }
    char note[2 * WORDS];
    segment_note(&passing, (wh_reason)waiting->fate, note);
    if (!out && theirs->observer.contradiction && note[0] == '\0') {
        snprintf(note, sizeof note, "does not fit what was seen before");
    }
    if (out) {
        absorb_step(&ours->silent, record, note);
    }
    enum rung_shape shape = waiting->lost ? RUNG_LOST : RUNG_SEGMENT;
    show_segment(ladder, conn, &(struct shown_segment){ &passing, shape, NULL, note });
}

static void depart(struct ladder *ladder, struct ladder_conn *conn, const struct waiting *waiting)
{
    struct end *end = &conn->end[waiting->end];
    end->state = (wh_state)waiting->record.state_after;
    struct passing passing = follow_segment(conn, waiting->end, &waiting->record);
    bool matters = passing_matters(&passing) || reason_matters((wh_reason)waiting->record.reason) ||
                   (waiting->lost && waiting->record.length == 0) ||
                   waiting->fate == WH_WHY_FAULT_HOLD;
    if (!matters) {
        fold_in(ladder, conn, &passing, waiting);
        return;
    }
    if (conn->departures == DEPARTURES) {
        draw_departures(ladder, conn, 1);
    }
    char note[2 * WORDS];
    segment_note(&passing, (wh_reason)waiting->fate, note);
    absorb_step(&end->silent, &waiting->record, note);
    struct departure *departure = malloc(sizeof *departure);
    if (conn->fold.open || departure == NULL) {
        draw_departures(ladder, conn, conn->departures); /* they left before it */
        show_fold(ladder, conn);
    }
    if (departure == NULL) {
        enum rung_shape shape = waiting->lost ? RUNG_LOST : RUNG_LEAVES;
        show_segment(ladder, conn, &(struct shown_segment){ &passing, shape, NULL, note });
        return;
    }
    departure->record = waiting->record;
    departure->passing = passing;
    departure->passing.record = &departure->record;
    end_state_text(end, departure->state);
    memcpy(departure->note, note, sizeof departure->note);
    departure->lost = waiting->lost;
    conn->departure[conn->departures++] = departure;
    draw_lost(ladder, conn);
}

static bool same_segment(const wh_trace_record *a, const wh_trace_record *b)
{
    return a->seq == b->seq && a->ack == b->ack && a->flags == b->flags && a->length == b->length;
}

/* Whether the receiver has something in between that must be drawn before the arrival. */
static bool crossed(const struct ladder_conn *conn, unsigned index, enum ladder_side receiver)
{
    for (unsigned i = index + 1; i < conn->departures; i++) {
        if (conn->departure[i]->passing.from == receiver) {
            return true;
        }
    }
    return false;
}

static void arrive(struct ladder *ladder, struct ladder_conn *conn, const struct waiting *waiting)
{
    const wh_trace_record *record = &waiting->record;
    enum ladder_side from = other_side(waiting->end);
    bool matters =
        record->state_before != record->state_after || reason_matters((wh_reason)record->reason);
    unsigned i = 0;
    while (i < conn->departures &&
           !(conn->departure[i]->passing.from == from && !conn->departure[i]->lost &&
             same_segment(&conn->departure[i]->record, record))) {
        i++;
    }
    struct passing passing = { .record = record, .from = from };
    char note[2 * WORDS];
    segment_note(&passing, WH_WHY_NONE, note);
    if (i < conn->departures && !crossed(conn, i, waiting->end)) {
        draw_departures(ladder, conn, i);
        struct departure *departure = conn->departure[0];
        forget_departures(conn, 1);
        conn->end[waiting->end].state = (wh_state)record->state_after;
        if (note[0] != '\0' && departure->note[0] == '\0') {
            memcpy(departure->note, note, sizeof departure->note);
        }
        show_segment(ladder, conn,
                     &(struct shown_segment){ &departure->passing, RUNG_SEGMENT, departure->state,
                                              departure->note });
        free(departure);
        draw_lost(ladder, conn);
    } else if (i < conn->departures || matters) {
        if ((record->flags & WH_RST) && conn->reset_by < 0) {
            conn->reset_by = (int)from; /* or somebody in its name */
        }
        draw_departures(ladder, conn, conn->departures);
        show_fold(ladder, conn);
        conn->end[waiting->end].state = (wh_state)record->state_after;
        show_segment(ladder, conn, &(struct shown_segment){ &passing, RUNG_ARRIVES, NULL, note });
    } else {
        conn->end[waiting->end].state = (wh_state)record->state_after;
        if (conn->fold.open && record->reason == WH_WHY_OUT_OF_ORDER) {
            conn->fold.way[from].out_of_order++;
        }
    }
}

/* A change of state by a call or a timer: the next segment may be what shows it. */
static void take_step(struct ladder *ladder, struct ladder_conn *conn,
                      const struct waiting *waiting)
{
    const wh_trace_record *record = &waiting->record;
    struct end *end = &conn->end[waiting->end];
    if (conn->ended && !ladder->options.both_ends) {
        end->state = (wh_state)record->state_after; /* 2MSL are over: nobody waits for that news */
        return;
    }
    wh_reason reason = (wh_reason)record->reason;
    if (reason_matters(reason) && reason != WH_WHY_TWO_MSL && reason != WH_WHY_ABORTED &&
        reason != WH_WHY_LINGER_ZERO && reason != WH_WHY_UNREAD_AT_CLOSE &&
        record->state_after == WH_CLOSED) {
        conn->end_reason = reason;
    }
    draw_step(ladder, conn, waiting->end);
    end->state = (wh_state)record->state_after;
    end->silent = (struct silent_step){ true, record->time, (wh_arc_event)record->arc, reason };
    become_due(ladder, record->time + STEP_PATIENCE);
}

/* Frames that never became segments: only what may be a segment gone wrong is told. */
static void take_drop(struct ladder *ladder, const wh_trace_record *record)
{
    wh_reason reason = (wh_reason)record->reason;
    if (reason >= WH_REASON_COUNT ||
        !(reason == WH_WHY_IP_CHECKSUM || reason == WH_WHY_IP_FRAGMENT ||
          reason == WH_WHY_MEMORY_CAP ||
          (reason >= WH_WHY_TCP_HEADER && reason <= WH_WHY_TCP_OPTION_LENGTH))) {
        return;
    }
    struct dropped *dropped = &ladder->dropped[reason];
    if (dropped->told > 0 && record->time - dropped->told < WH_SECOND) {
        dropped->untold++;
        return;
    }
    char words[2 * WORDS];
    int n = snprintf(words, sizeof words, "frame dropped: %s", wh_reason_text(reason));
    if (dropped->untold > 0) {
        snprintf(words + n, sizeof words - (size_t)n, " (and %" PRIu64 " more before)",
                 dropped->untold);
    }
    *dropped = (struct dropped){ .told = record->time };
    wh_time start = ladder->options.start;
    rung_words(&ladder->text, &ladder->drawing, 0, record->time > start ? record->time - start : 0,
               STYLE_NOTE, words);
    ladder->drawn = 0;
}

void take(struct ladder *ladder, const struct waiting *waiting)
{
    const wh_trace_record *record = &waiting->record;
    if (record->kind == WH_TRACE_DROP) {
        take_drop(ladder, record);
        return;
    }
    if (record->remote.port == 0 || record->state_before >= WH_STATE_COUNT ||
        record->state_after >= WH_STATE_COUNT) {
        return; /* a listener's own changes are nobody's connection */
    }
    struct ladder_conn *conn = conn_of(ladder, waiting);
    if (conn == NULL) {
        return;
    }
    if (record->kind == WH_TRACE_STATE) {
        take_step(ladder, conn, waiting);
    } else if (!ladder->options.both_ends) {
        take_with_observer(ladder, conn, waiting);
    } else if (record->kind == WH_TRACE_OUT) {
        depart(ladder, conn, waiting);
    } else {
        arrive(ladder, conn, waiting);
    }
    consider_closing(ladder, conn);
}

/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. Trace records are kept back until the next call, because
 * word of what a fault rule did to a segment comes after the record of its
 * departure. Then each record either becomes a line, or is added to the
 * connection's fold: the one line that bulk data shares until something worth a
 * line of its own ends it.
 *
 * With one end's records a line is complete at once: the other end's rail comes
 * from the observer. With both ends' records a segment is told twice, when it
 * leaves and when it arrives. What is worth a line waits as a departure and is
 * drawn when it arrives, both rails on one line, unless the receiver did
 * something worth a line in between: then departure and arrival get a line each,
 * as in figure 7 of RFC 9293, so that each rail tells its end's story in order.
 */
#include "view/ladder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/ladder_parts.h"

static void take_waiting(struct ladder *ladder)
{
    for (size_t i = 0; i < ladder->waitings; i++) {
        take(ladder, &ladder->waiting[i]);
    }
    ladder->waitings = 0;
}

/* ---------------------------------------------------------------- output -- */

/* One write for all lines, so that nobody else's come between them. */
static void emit(struct ladder *ladder)
{
    struct text *text = &ladder->text;
    if (text->length == 0) {
        return;
    }
    static const char fresh_line[] = "\r\033[K";
    struct text whole = { 0 };
    if (ladder->options.terminal) {
        text_put(&whole, fresh_line);
        text_put(&whole, text->bytes);
        text = &whole;
    }
    if (fwrite(text->bytes, 1, text->length, ladder->options.out) != text->length ||
        fflush(ladder->options.out) != 0) {
        ladder->broken = true;
    }
    text_free(&whole);
    text_clear(&ladder->text);
}

struct ladder *ladder_new(const struct ladder_options *options)
{
    struct ladder *ladder = calloc(1, sizeof *ladder);
    if (ladder == NULL) {
        return NULL;
    }
    ladder->options = *options;
    ladder->drawing.width = options->width < 80 ? 80 : options->width;
    ladder->drawing.colour = options->colour;
    ladder->drawing.ascii = options->ascii;
    ladder->due = WH_NEVER;
    return ladder;
}

void ladder_records(struct ladder *ladder, enum ladder_side end, const wh_trace_record *records,
                    size_t n)
{
    take_waiting(ladder);
    emit(ladder);
    if (n > ladder->waiting_room) {
        struct waiting *waiting = realloc(ladder->waiting, n * sizeof *waiting);
        if (waiting == NULL) {
            return; /* nothing can be drawn without memory; what is to come may find some */
        }
        ladder->waiting = waiting;
        ladder->waiting_room = n;
    }
    ladder->waitings = 0;
    for (size_t i = 0; i < n; i++) {
        ladder->now = records[i].time;
        if (records[i].kind <= WH_TRACE_DROP) { /* what a sender thinks is no rung */
            ladder->waiting[ladder->waitings++] =
                (struct waiting){ .record = records[i], .end = end };
        }
    }
}

/* ----------------------------------------------------------------- notes -- */

static bool is_lost(wh_reason reason)
{
    return reason == WH_WHY_FAULT_LOSS || reason == WH_WHY_FAULT_DROP ||
           reason == WH_WHY_FAULT_QUEUE || reason == WH_WHY_FAULT_SILENCE ||
           reason == WH_WHY_FAULT_OVERSIZE || reason == WH_WHY_HANDOFF_FULL ||
           reason == WH_WHY_FAULT_CORRUPT;
}

static bool same_endpoint(const wh_endpoint *a, const wh_endpoint *b)
{
    return a->port == b->port && wh_addr_equal(&a->addr, &b->addr);
}

/* The note is about this departure, or about a piece of it. */
static bool concerns(const wh_path_note *note, const struct waiting *waiting)
{
    const wh_trace_record *record = &waiting->record;
    enum ladder_side from = note->direction == WH_A_TO_B ? LADDER_LEFT : LADDER_RIGHT;
    return record->kind == WH_TRACE_OUT && waiting->end == from &&
           same_endpoint(&record->local, &note->source) &&
           same_endpoint(&record->remote, &note->destination) &&
           note->seq - record->seq <= record->length &&
           note->seq - record->seq + note->length <= record->length &&
           (note->flags & (WH_SYN | WH_RST)) == (record->flags & (WH_SYN | WH_RST)) &&
           !((note->flags & WH_FIN) && !(record->flags & WH_FIN));
}

static void take_swallowed(struct ladder *ladder, const wh_path_note *note)
{
    bool right = note->direction == WH_A_TO_B;
    struct ladder_conn *conn =
        conn_table_find(&ladder->table, right ? &note->source : &note->destination,
                        right ? &note->destination : &note->source);
    if (conn == NULL) {
        /* The first sign of this connection is that its SYN is gone. */
        struct waiting waiting = { .end = LADDER_RIGHT,
                                   .record = { .kind = WH_TRACE_IN,
                                               .time = note->time,
                                               .flags = note->flags,
                                               .local = right ? note->destination : note->source,
                                               .remote =
                                                   right ? note->source : note->destination } };
        conn = conn_of(ladder, &waiting);
        if (conn == NULL) {
            return;
        }
        conn->end[LADDER_RIGHT].shown[0] = '\0';
    }
    struct end *sender = &conn->end[right ? LADDER_LEFT : LADDER_RIGHT];
    if (!sender->known) {
        struct observed observed = { .time = note->time,
                                     .flags = note->flags,
                                     .seq = note->seq,
                                     .length = note->length,
                                     .ack_hidden = true };
        observer_sent(&sender->observer, &observed);
    }
    show_fold(ladder, conn);
    show_swallowed(ladder, conn, note);
}

void ladder_notes(struct ladder *ladder, const wh_path_note *notes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const wh_path_note *note = &notes[i];
        struct waiting *waiting = NULL;
        for (size_t k = 0; k < ladder->waitings && waiting == NULL; k++) {
            struct waiting *candidate = &ladder->waiting[k];
            waiting = !candidate->lost && concerns(note, candidate) ? candidate : NULL;
        }
        if (waiting != NULL) {
            bool whole = note->length == waiting->record.length;
            waiting->lost_bytes += is_lost(note->reason) ? note->length : 0;
            waiting->fate = (uint16_t)note->reason;
            waiting->lost =
                is_lost(note->reason) && (whole || waiting->lost_bytes >= waiting->record.length);
        } else if (is_lost(note->reason) && note->source.port != 0) {
            take_waiting(ladder); /* an earlier line, if there is one, comes first */
            take_swallowed(ladder, note);
        }
    }
    emit(ladder);
}

void ladder_lost(struct ladder *ladder, uint64_t records)
{
    if (records == 0) {
        return;
    }
    take_waiting(ladder);
    char words[WORDS];
    snprintf(words, sizeof words, "%" PRIu64 " events came too fast to be drawn", records);
    rung_words(&ladder->text, &ladder->drawing, 0, WH_NEVER, STYLE_NOTE, words);
    ladder->drawn = 0;
    emit(ladder);
}

/* ------------------------------------------------------------------ time -- */

/* Draws a connection's waiting fold and steps that have waited long enough. */
static void flush_conn(struct ladder *ladder, struct ladder_conn *conn, wh_time now)
{
    if (conn->fold.open) {
        if (now >= conn->fold.last + FOLD_PATIENCE) {
            draw_departures(ladder, conn, ladder->options.both_ends ? 0 : conn->departures);
            show_fold(ladder, conn);
        } else {
            become_due(ladder, conn->fold.last + FOLD_PATIENCE);
        }
    }
    for (int s = 0; s < 2; s++) {
        struct silent_step *step = &conn->end[s].silent;
        if (step->waiting && now >= step->time + STEP_PATIENCE) {
            draw_step(ladder, conn, (enum ladder_side)s);
        } else if (step->waiting) {
            become_due(ladder, step->time + STEP_PATIENCE);
        }
    }
}

void ladder_flush(struct ladder *ladder, wh_time now)
{
    take_waiting(ladder);
    ladder->now = now;
    if (now >= ladder->due) {
        ladder->due = WH_NEVER;
        for (struct ladder_conn *conn = ladder->table.oldest; conn != NULL; conn = conn->newer) {
            flush_conn(ladder, conn, now);
        }
    }
    close_ended(ladder);
    emit(ladder);
}

wh_time ladder_wake(const struct ladder *ladder)
{
    return ladder->waitings > 0 ? ladder->now : ladder->due;
}

bool ladder_finish(struct ladder *ladder, wh_time now)
{
    take_waiting(ladder);
    ladder->now = now;
    close_ended(ladder);
    for (struct ladder_conn *conn = ladder->table.oldest; conn != NULL; conn = conn->newer) {
        conn->closing = false;
        if (!conn->ended) {
            end_conn(ladder, conn);
        } else {
            draw_departures(ladder, conn, conn->departures);
            show_fold(ladder, conn);
            show_step(ladder, conn, LADDER_LEFT);
            show_step(ladder, conn, LADDER_RIGHT);
        }
    }
    ladder->closings = 0;
    emit(ladder);
    return !ladder->broken;
}

void ladder_free(struct ladder *ladder)
{
    if (ladder == NULL) {
        return;
    }
    conn_table_clear(&ladder->table);
    text_free(&ladder->text);
    free(ladder->waiting);
    free(ladder);
}

/* SPDX-License-Identifier: MIT */
/* From what is known of a connection to the rungs that are drawn. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/seq.h"
#include "view/ladder_parts.h"

static wh_time since_start(const struct ladder *ladder, wh_time time)
{
    return time > ladder->options.start ? time - ladder->options.start : 0;
}

static void show_header(struct ladder *ladder, struct ladder_conn *conn)
{
    char side[2][WH_TEXT + 64], address[WH_TEXT];
    for (int s = 0; s < 2; s++) {
        snprintf(side[s], sizeof side[s], "%s %s", side_name(ladder, (enum ladder_side)s),
                 wh_endpoint_text(&conn->endpoint[s], address));
    }
    rung_header(&ladder->text, &ladder->drawing, conn->number, since_start(ladder, conn->first),
                side[LADDER_LEFT], side[LADDER_RIGHT]);
    conn->headed = true;
}

/* The states as they were drawn last: where a connection begins, and where its thread is taken up again. */
static void show_rails(struct ladder *ladder, const struct ladder_conn *conn)
{
    struct rung rung = { .number = conn->number, .shape = RUNG_RAILS };
    for (int s = 0; s < 2; s++) {
        snprintf(rung.rail[s].before, sizeof rung.rail[s].before, "%s", conn->end[s].shown);
        snprintf(rung.rail[s].after, sizeof rung.rail[s].after, "%s", conn->end[s].shown);
    }
    rung_draw(&ladder->text, &ladder->drawing, &rung);
}

/* Moves an end's rail to a state; the rail is left out while nothing is known of that end. */
static bool set_rail(struct end *end, struct rail *rail, const char *state)
{
    snprintf(rail->before, sizeof rail->before, "%s", end->shown[0] != '\0' ? end->shown : state);
    snprintf(rail->after, sizeof rail->after, "%s", state);
    snprintf(end->shown, sizeof end->shown, "%s", state);
    return strcmp(rail->before, rail->after) != 0;
}

/* Draws a rung whose rails go to these states; NULL: this end is not part of the event. */
static void show_rung(struct ladder *ladder, struct ladder_conn *conn, struct rung *rung,
                      const char *const state[2])
{
    bool fresh = !conn->headed;
    if (fresh) {
        show_header(ladder, conn);
    }
    bool narrow = ladder->drawing.width < RUNG_WIDE;
    bool changes = false;
    for (int s = 0; s < 2; s++) {
        const char *shown = conn->end[s].shown;
        changes = changes || (state[s] != NULL && shown[0] != '\0' && strcmp(shown, state[s]) != 0);
    }
    if (narrow && changes && (fresh || ladder->drawn != conn->number)) {
        show_rails(ladder, conn);
    }
    rung->number = conn->number;
    for (int s = 0; s < 2; s++) {
        if (state[s] == NULL) {
            rung->rail[s].elsewhere = true;
        } else {
            set_rail(&conn->end[s], &rung->rail[s], state[s]);
        }
    }
    rung_draw(&ladder->text, &ladder->drawing, rung);
    ladder->drawn = conn->number;
}

/* ------------------------------------------------------------- segments -- */

void segment_note(const struct passing *passing, wh_reason fate, char note[2 * WORDS])
{
    const wh_trace_record *record = passing->record;
    wh_reason reason = (wh_reason)record->reason;
    char words[WORDS];
    note[0] = '\0';
    if (fate != WH_WHY_NONE) {
        snprintf(note, 2 * WORDS, "%s", wh_reason_text(fate));
    }
    size_t length = strlen(note);
    const char *separator = length > 0 ? "; " : "";
    if (record->kind == WH_TRACE_OUT && passing->repeated && reason_matters(reason)) {
        snprintf(note + length, 2 * WORDS - length, "%ssent again: %s", separator,
                 wh_reason_text(reason));
    } else if (reason_matters(reason)) {
        snprintf(note + length, 2 * WORDS - length, "%s%s", separator, wh_reason_text(reason));
    } else if (passing->window_closed) {
        snprintf(note + length, 2 * WORDS - length, "%swindow closed", separator);
    } else if (passing->window_opened) {
        snprintf(note + length, 2 * WORDS - length, "%swindow open again: %s", separator,
                 words_bytes(record->window, words));
    } else if (passing->repeated) {
        snprintf(note + length, 2 * WORDS - length, "%ssent again", separator);
    }
}

/* Relative to the first number of its direction; a RST out of nowhere keeps its own. */
static uint32_t relative(const struct end *end, uint32_t number)
{
    return end->base_known ? number - end->base : number;
}

static enum style style_of(const struct passing *passing)
{
    uint16_t flags = passing->record->flags;
    if (flags & WH_RST) {
        return STYLE_RESET;
    }
    if (flags & WH_SYN) {
        return STYLE_OPEN;
    }
    if ((flags & WH_FIN) || passing->fin_acked) {
        return STYLE_CLOSE;
    }
    if (passing->syn_acked) {
        return STYLE_OPEN;
    }
    return passing->record->length > 0 ? STYLE_DATA : STYLE_PLAIN;
}

static void describe(const struct ladder_conn *conn, const struct passing *passing,
                     struct rung *rung)
{
    const wh_trace_record *record = passing->record;
    const struct end *sender = &conn->end[passing->from];
    const struct end *peer = &conn->end[other_side(passing->from)];
    char options[WORDS], bytes[WORDS];
    words_flags(record->flags, rung->head);
    if (record->length > 0 && !(record->flags & (WH_SYN | WH_FIN | WH_RST | WH_URG))) {
        snprintf(rung->head, sizeof rung->head, "DATA");
    }
    int n =
        snprintf(rung->detail, sizeof rung->detail, "seq %" PRIu32, relative(sender, record->seq));
    if (record->flags & WH_ACK) {
        snprintf(rung->detail + n, sizeof rung->detail - (size_t)n, " ack %" PRIu32,
                 relative(peer, record->ack));
    }
    options[0] = '\0';
    if (!passing->repeated && rung->shape != RUNG_ARRIVES) {
        words_options(record, peer->base, options); /* said once is enough */
    }
    snprintf(rung->extra, sizeof rung->extra, "%s%s%s",
             record->length > 0 ? words_bytes(record->length, bytes) : "",
             record->length > 0 && options[0] != '\0' ? ", " : "", options);
    rung->style = style_of(passing);
}

bool absorb_step(struct silent_step *step, const wh_trace_record *record, char note[2 * WORDS])
{
    if (!step->waiting || !(record->flags & (WH_SYN | WH_FIN | WH_RST)) ||
        record->time - step->time >= STEP_PATIENCE) {
        return false;
    }
    step->waiting = false;
    if (reason_matters(step->reason) && note[0] == '\0') {
        snprintf(note, 2 * WORDS, "%s", wh_reason_text(step->reason));
    }
    return true;
}

void show_segment(struct ladder *ladder, struct ladder_conn *conn,
                  const struct shown_segment *shown)
{
    const struct passing *passing = shown->passing;
    enum ladder_side from = passing->from, to = other_side(from);
    struct rung rung = { .shape = shown->shape, .from = from };
    snprintf(rung.note, sizeof rung.note, "%s", shown->note);
    /* What the sender did after this had left comes after it, whenever it is drawn. */
    if (shown->sender_state == NULL || conn->end[from].silent.time < passing->record->time) {
        show_step(ladder, conn, from);
    }
    if (shown->shape != RUNG_LEAVES) {
        show_step(ladder, conn, to);
    }
    describe(conn, passing, &rung);
    rung.time = since_start(ladder, passing->record->time);

    char text[2][OBSERVER_TEXT];
    const char *state[2];
    for (int s = 0; s < 2; s++) {
        end_state_text(&conn->end[s], text[s]);
        state[s] = text[s];
    }
    if (shown->sender_state != NULL) {
        state[from] = shown->sender_state;
    }
    if (shown->shape == RUNG_LEAVES) {
        state[to] = NULL;
    } else if (shown->shape == RUNG_LOST) {
        snprintf(text[to], sizeof text[to], "%s",
                 conn->end[to].shown); /* it knows nothing of all this */
    } else if (shown->shape == RUNG_ARRIVES) {
        state[from] = NULL;
    }
    show_rung(ladder, conn, &rung, state);
}

void show_swallowed(struct ladder *ladder, struct ladder_conn *conn, const wh_path_note *note)
{
    enum ladder_side from = note->direction == WH_A_TO_B ? LADDER_LEFT : LADDER_RIGHT;
    struct rung rung = { .shape = RUNG_LOST,
                         .from = from,
                         .time = since_start(ladder, note->time) };
    wh_trace_record record = { .flags = note->flags, .length = note->length };
    struct passing passing = { .record = &record, .from = from };
    rung.style = style_of(&passing);
    words_flags(note->flags, rung.head);
    if (note->length > 0 && !(note->flags & (WH_SYN | WH_FIN | WH_RST))) {
        snprintf(rung.head, sizeof rung.head, "DATA");
    }
    uint32_t base = conn->end[from].base_known ? conn->end[from].base : note->seq;
    snprintf(rung.detail, sizeof rung.detail, "seq %" PRIu32, note->seq - base);
    if (note->length > 0) {
        words_bytes(note->length, rung.extra);
    }
    snprintf(rung.note, sizeof rung.note, "%s", wh_reason_text(note->reason));
    char text[2][OBSERVER_TEXT];
    snprintf(text[other_side(from)], sizeof text[0], "%s", conn->end[other_side(from)].shown);
    end_state_text(&conn->end[from], text[from]);
    const char *const state[2] = { text[LADDER_LEFT], text[LADDER_RIGHT] };
    show_rung(ladder, conn, &rung, state);
}

void show_step(struct ladder *ladder, struct ladder_conn *conn, enum ladder_side side)
{
    struct silent_step *step = &conn->end[side].silent;
    if (!step->waiting) {
        return;
    }
    step->waiting = false;
    struct rung rung = { .shape = RUNG_STATE,
                         .from = side,
                         .style = STYLE_NOTE,
                         .time = since_start(ladder, step->time) };
    bool named = reason_matters(step->reason);
    snprintf(rung.head, sizeof rung.head, "%s",
             named ? wh_reason_text(step->reason) : wh_arc_name(step->arc));
    char text[2][OBSERVER_TEXT];
    const char *state[2];
    for (int s = 0; s < 2; s++) {
        end_state_text(&conn->end[s], text[s]);
        if (s != (int)side) {
            snprintf(text[s], sizeof text[s], "%s", conn->end[s].shown);
        }
        state[s] = text[s];
    }
    show_rung(ladder, conn, &rung, state);
}

/* ---------------------------------------------------------------- folds -- */

static void fold_note(const struct fold *fold, char *note)
{
    uint64_t counts[3] = { 0 };
    static const char *const words[] = { "arrived ahead of a hole", "duplicate ACKs",
                                         "lost on the way" };
    for (int s = 0; s < 2; s++) {
        counts[0] += fold->way[s].out_of_order;
        counts[1] += fold->way[s].duplicate_acks;
        counts[2] += fold->way[s].lost;
    }
    size_t length = 0;
    for (int i = 0; i < 3; i++) {
        if (counts[i] > 0) {
            length += (size_t)snprintf(note + length, 2 * WORDS - length, "%s%" PRIu64 " %s",
                                       length > 0 ? ", " : "", counts[i], words[i]);
        }
    }
}

void show_fold(struct ladder *ladder, struct ladder_conn *conn)
{
    struct fold fold = conn->fold;
    conn->fold = (struct fold){ 0 };
    const struct folded *there = &fold.way[fold.from], *back = &fold.way[other_side(fold.from)];
    if (!fold.open || there->bytes + back->bytes == 0) {
        return;
    }
    struct rung rung = { .shape = back->bytes > 0 ? RUNG_EXCHANGE : RUNG_DATA,
                         .from = fold.from,
                         .style = STYLE_DATA,
                         .time = since_start(ladder, fold.first) };
    uint64_t segments = there->segments + back->segments;
    char bytes[WORDS], count[WORDS], duration[WORDS];
    words_bytes(there->bytes, rung.head);
    if (back->bytes > 0) {
        snprintf(rung.detail, sizeof rung.detail, "%s back", words_bytes(back->bytes, bytes));
        snprintf(rung.extra, sizeof rung.extra, "%s, %s", words_segments(segments, count),
                 words_duration(fold.last - fold.first, duration));
    } else if (segments == 1) {
        snprintf(rung.detail, sizeof rung.detail, "1 segment");
    } else {
        snprintf(rung.detail, sizeof rung.detail, "%s, %s", words_segments(segments, count),
                 words_duration(fold.last - fold.first, duration));
    }
    fold_note(&fold, rung.note);
    char text[2][OBSERVER_TEXT];
    const char *state[2];
    for (int s = 0; s < 2; s++) {
        end_state_text(&conn->end[s], text[s]);
        /* A step that waits for its own line is not this line's to show. */
        if (conn->end[s].silent.waiting && conn->end[s].shown[0] != '\0') {
            snprintf(text[s], sizeof text[s], "%s", conn->end[s].shown);
        }
        state[s] = text[s];
    }
    show_rung(ladder, conn, &rung, state);
}

/* ------------------------------------------------------------- the end -- */

static void how_it_ended(const struct ladder *ladder, const struct ladder_conn *conn,
                         char words[2 * WORDS])
{
    state_set gone = STATE_BIT(WH_CLOSED) | STATE_BIT(WH_LISTEN) | STATE_BIT(WH_TIME_WAIT);
    const struct end *left = &conn->end[LADDER_LEFT], *right = &conn->end[LADDER_RIGHT];
    if (conn->reset_by >= 0) {
        snprintf(words, 2 * WORDS, "%s by %s", conn->opened ? "reset" : "refused",
                 side_name(ladder, (enum ladder_side)conn->reset_by));
    } else if (conn->end_reason != WH_WHY_NONE) {
        snprintf(words, 2 * WORDS, "ended: %s", wh_reason_text(conn->end_reason));
    } else if (left->acked_fin && right->acked_fin) {
        snprintf(words, 2 * WORDS, "closed in order");
    } else if (end_is_within(left, gone) && end_is_within(right, gone)) {
        snprintf(words, 2 * WORDS, "ended");
    } else {
        char text[2][OBSERVER_TEXT];
        end_state_text(left, text[0]);
        end_state_text(right, text[1]);
        if (strcmp(text[0], text[1]) == 0) {
            snprintf(words, 2 * WORDS, "left %.64s", text[0]);
        } else {
            snprintf(words, 2 * WORDS, "left in %.64s and %.64s", text[0], text[1]);
        }
    }
}

void show_end(struct ladder *ladder, struct ladder_conn *conn)
{
    char how[2 * WORDS], words[6 * WORDS], duration[WORDS], bytes[2][WORDS], again[WORDS] = "";
    how_it_ended(ladder, conn, how);
    uint64_t repeats = conn->end[LADDER_LEFT].repeats + conn->end[LADDER_RIGHT].repeats;
    if (repeats > 0) {
        snprintf(again, sizeof again, ", %" PRIu64 " resent", repeats);
    }
    snprintf(words, sizeof words, "%s after %s: %s there, %s back%s", how,
             words_duration(conn->last - conn->first, duration),
             words_bytes(conn->end[LADDER_LEFT].bytes, bytes[0]),
             words_bytes(conn->end[LADDER_RIGHT].bytes, bytes[1]), again);
    if (!conn->headed) {
        show_header(ladder, conn);
    }
    rung_words(&ladder->text, &ladder->drawing, conn->number, WH_NEVER, STYLE_BOLD, words);
    conn->ended = true;
    ladder->drawn = conn->number;
}

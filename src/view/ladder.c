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

/* Turns of a conversation that get a line each before the rest is folded into one. */
#define TURNS_DRAWN 6

static void become_due(struct ladder *ladder, wh_time when)
{
    if (when < ladder->due) {
        ladder->due = when;
    }
}

/* ---------------------------------------------------------- connections -- */

/* Forgets the connection that ended longest ago, to remember this one in its place. */
static void remember_ended(struct ladder *ladder, const struct ladder_conn *conn)
{
    struct ended *place = &ladder->ended[ladder->ended_next++ % LADDER_ENDED];
    if (place->number > 0) {
        struct ladder_conn *old = conn_table_find(&ladder->table, &place->endpoint[LADDER_LEFT],
                                                  &place->endpoint[LADDER_RIGHT]);
        if (old != NULL && old->ended && old->number == place->number) {
            conn_table_remove(&ladder->table, old);
        }
    }
    memcpy(place->endpoint, conn->endpoint, sizeof place->endpoint);
    place->number = conn->number;
}

/* The first n are drawn, or about to be. */
static void forget_departures(struct ladder_conn *conn, unsigned n)
{
    conn->departures -= n;
    for (unsigned i = 0; i < conn->departures; i++) {
        conn->departure[i] = conn->departure[i + n];
    }
}

static void draw_departures(struct ladder *ladder, struct ladder_conn *conn, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct departure *departure = conn->departure[i];
        show_segment(ladder, conn,
                     &(struct shown_segment){ &departure->passing,
                                              departure->lost ? RUNG_LOST : RUNG_LEAVES,
                                              departure->state, departure->note });
        free(departure);
    }
    forget_departures(conn, n);
}

/* Lost segments wait for no arrival, only for their turn. */
static void draw_lost(struct ladder *ladder, struct ladder_conn *conn)
{
    while (conn->departures > 0 && conn->departure[0]->lost) {
        draw_departures(ladder, conn, 1);
    }
}

/* A step that no segment has shown, after what left before it. */
static void draw_step(struct ladder *ladder, struct ladder_conn *conn, enum ladder_side side)
{
    if (conn->end[side].silent.waiting) {
        draw_departures(ladder, conn, conn->departures);
        show_fold(ladder, conn);
        show_step(ladder, conn, side);
    }
}

static void end_conn(struct ladder *ladder, struct ladder_conn *conn)
{
    conn->closing = false;
    draw_departures(ladder, conn, conn->departures);
    show_fold(ladder, conn);
    show_step(ladder, conn, LADDER_LEFT);
    show_step(ladder, conn, LADDER_RIGHT);
    show_end(ladder, conn);
    remember_ended(ladder, conn);
}

/* Both ends are through with it, as far as anybody can tell. */
static bool is_over(const struct ladder_conn *conn)
{
    const state_set gone = STATE_BIT(WH_CLOSED) | STATE_BIT(WH_LISTEN) | STATE_BIT(WH_TIME_WAIT);
    const struct end *left = &conn->end[LADDER_LEFT], *right = &conn->end[LADDER_RIGHT];
    if (conn->ended || !end_is_within(right, gone)) {
        return false;
    }
    if (left->known) {
        return end_is_within(left, gone) && conn->departures == 0;
    }
    /* When ours is closed for good, it will never learn more of the other. */
    return right->state != WH_TIME_WAIT || end_is_within(left, gone);
}

static void close_ended(struct ladder *ladder)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < ladder->closings; i++) {
        struct ladder_conn *conn = ladder->closing[i];
        bool stepping =
            conn->end[LADDER_LEFT].silent.waiting || conn->end[LADDER_RIGHT].silent.waiting;
        if (!is_over(conn)) {
            conn->closing = false;
        } else if (stepping) {
            ladder->closing[kept++] = conn; /* a RST may yet show the step */
        } else {
            end_conn(ladder, conn);
        }
    }
    ladder->closings = kept;
}

static void consider_closing(struct ladder *ladder, struct ladder_conn *conn)
{
    if (conn->closing || !is_over(conn)) {
        return;
    }
    if (ladder->closings == LADDER_CLOSING) {
        end_conn(ladder, conn);
        return;
    }
    conn->closing = true;
    ladder->closing[ladder->closings++] = conn;
}

static void make_room(struct ladder *ladder)
{
    struct ladder_conn *conn = ladder->table.oldest;
    if (conn->closing) {
        for (unsigned i = 0; i < ladder->closings; i++) {
            if (ladder->closing[i] == conn) {
                ladder->closing[i] = ladder->closing[--ladder->closings];
            }
        }
    }
    if (!conn->ended) {
        end_conn(ladder, conn);
    }
    conn_table_remove(&ladder->table, conn);
}

/* What an end was in before anything is drawn of it. */
static void set_first_state(struct ladder_conn *conn, const struct waiting *waiting)
{
    const wh_trace_record *record = &waiting->record;
    struct end *end = &conn->end[waiting->end], *other = &conn->end[other_side(waiting->end)];
    if (end->shown[0] == '\0') {
        end->state = (wh_state)record->state_before;
        snprintf(end->shown, sizeof end->shown, "%s", wh_state_name(end->state));
    }
    if (other->known || other->shown[0] != '\0') {
        return;
    }
    bool bare_syn = (record->flags & (WH_SYN | WH_ACK)) == WH_SYN;
    if (bare_syn && record->kind == WH_TRACE_IN) {
        other->observer.states = STATE_BIT(WH_CLOSED); /* the SYN is its active open */
        end_state_text(other, other->shown);
        observer_init(&other->observer);
    } else if (bare_syn && record->kind == WH_TRACE_OUT) {
        other->observer.states = STATE_BIT(WH_CLOSED) | STATE_BIT(WH_LISTEN);
        end_state_text(other, other->shown);
    }
}

static struct ladder_conn *conn_of(struct ladder *ladder, const struct waiting *waiting)
{
    const wh_trace_record *record = &waiting->record;
    bool ours_left = waiting->end == LADDER_LEFT;
    const wh_endpoint *left = ours_left ? &record->local : &record->remote;
    const wh_endpoint *right = ours_left ? &record->remote : &record->local;
    struct ladder_conn *conn = conn_table_find(&ladder->table, left, right);
    bool syn = (record->flags & (WH_SYN | WH_ACK)) == WH_SYN ||
               (record->kind == WH_TRACE_STATE && record->arc == WH_ON_ACTIVE_OPEN);
    if (conn != NULL && !(conn->ended && syn)) {
        conn_table_touch(&ladder->table, conn);
    } else {
        if (conn == NULL) {
            if (ladder->table.count >= LADDER_CONNS) {
                make_room(ladder);
            }
            conn = conn_table_add(&ladder->table, left, right);
        }
        if (conn == NULL) {
            return NULL;
        }
        draw_departures(ladder, conn, conn->departures);
        ladder_conn_restart(conn, ++ladder->number, ladder->options.both_ends);
        conn->first = record->time;
    }
    conn->last = conn->ended ? conn->last : record->time;
    set_first_state(conn, waiting);
    return conn;
}

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

static void take(struct ladder *ladder, const struct waiting *waiting)
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
    for (size_t i = 0; i < n; i++) {
        ladder->waiting[i] = (struct waiting){ .record = records[i], .end = end };
        ladder->now = records[i].time;
    }
    ladder->waitings = n;
}

/* ----------------------------------------------------------------- notes -- */

static bool is_lost(wh_reason reason)
{
    return reason == WH_WHY_FAULT_LOSS || reason == WH_WHY_FAULT_DROP ||
           reason == WH_WHY_FAULT_QUEUE || reason == WH_WHY_FAULT_SILENCE ||
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

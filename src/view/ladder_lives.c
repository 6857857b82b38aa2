/* SPDX-License-Identifier: MIT */
/* How connections enter a ladder and leave it, and what waits in them for its turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/ladder_parts.h"

void become_due(struct ladder *ladder, wh_time when)
{
    if (when < ladder->due) {
        ladder->due = when;
    }
}
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
void forget_departures(struct ladder_conn *conn, unsigned n)
{
    conn->departures -= n;
    for (unsigned i = 0; i < conn->departures; i++) {
        conn->departure[i] = conn->departure[i + n];
    }
}

void draw_departures(struct ladder *ladder, struct ladder_conn *conn, unsigned n)
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
void draw_lost(struct ladder *ladder, struct ladder_conn *conn)
{
    while (conn->departures > 0 && conn->departure[0]->lost) {
        draw_departures(ladder, conn, 1);
    }
}

/* A step that no segment has shown, after what left before it. */
void draw_step(struct ladder *ladder, struct ladder_conn *conn, enum ladder_side side)
{
    if (conn->end[side].silent.waiting) {
        draw_departures(ladder, conn, conn->departures);
        show_fold(ladder, conn);
        show_step(ladder, conn, side);
    }
}

void end_conn(struct ladder *ladder, struct ladder_conn *conn)
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
    /*
     * When ours is closed for good, it will never learn more of the other. In LISTEN the SYN may
     * still wait for the application's answer.
     */
    return right->state == WH_CLOSED || end_is_within(left, gone);
}

void close_ended(struct ladder *ladder)
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

void consider_closing(struct ladder *ladder, struct ladder_conn *conn)
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

struct ladder_conn *conn_of(struct ladder *ladder, const struct waiting *waiting)
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

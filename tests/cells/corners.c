/* SPDX-License-Identifier: MIT */
/*
 * What needs more than one segment or call: SYNs held for the application, which
 * are in LISTEN still; TIME-WAIT that is reopened, restored or recycled; and the
 * listener itself.
 */
#include <stdio.h>
#include <string.h>

#include "cells.h"

/* What wh_each tells of the state LISTEN: the listener, and held SYNs. */
static unsigned listening(const struct stage *stage)
{
    wh_cursor cursor = { 0 };
    wh_entry entry;
    unsigned n = 0;
    while (wh_each(stage->host, &cursor, &entry))
        n += entry.state == WH_LISTEN;
    return n;
}

static bool expect(struct stage *stage, bool good, const char *what)
{
    return good || stage_fail(stage, "%s", what);
}

static bool quiet(struct stage *stage)
{
    return expect(stage, stage->sents == 0, "something leaves");
}

static bool left_is(struct stage *stage, enum reply_kind kind, uint32_t seq, uint32_t ack)
{
    struct reply reply = { .kind = kind, .seq = seq, .ack = ack };
    const char *what = reply_misfit(stage, &reply, stage->now);
    stage->sents = 0;
    return what == NULL || stage_fail(stage, "%s", what);
}

/* ------------------------------------------------------------ the listener -- */

/* OPEN and CLOSE of a listener leave no trace record: wh_each tells of the arcs. */
static void listener_comes_and_goes(struct tally *tally, struct stage *stage)
{
    bool good = expect(stage, listening(stage) == 0, "LISTEN before OPEN") &&
                stage_listen(stage, 0) &&
                expect(stage, listening(stage) == 1, "no LISTEN after OPEN");
    tally->arcs[WH_CLOSED][WH_ON_PASSIVE_OPEN] += good;
    wh_listener_close(stage->listener);
    stage->listener = NULL;
    stage_pump(stage);
    good = good && expect(stage, listening(stage) == 0, "LISTEN after CLOSE") && quiet(stage);
    tally->arcs[WH_LISTEN][WH_ON_CLOSE] += good;
}

/* --------------------------------------------------------------- held SYNs -- */

static bool hold(struct stage *stage)
{
    if (!stage_listen(stage, WH_LISTEN_HOLD))
        return false;
    stage_peer(stage, WH_SYN, 0);
    return expect(stage, stage->held != NULL, "the SYN is not offered") &&
           expect(stage, listening(stage) == 2, "not held") && quiet(stage);
}

/* What ends a held SYN without a segment leaves no trace record either. */
static void held_gone(struct tally *tally, struct stage *stage, wh_arc_event event)
{
    tally->arcs[WH_LISTEN][event] += expect(stage, listening(stage) == 1, "still held");
}

static void held_refused(struct tally *tally, struct stage *stage)
{
    if (!hold(stage))
        return;
    wh_syn_refuse(stage->held, WH_REFUSE_RESET);
    stage_pump(stage);
    left_is(stage, REPLY_RST_ACK, 0, stage->is.rcv_nxt);
    held_gone(tally, stage, WH_ON_ABORT);
}

static void held_ignored(struct tally *tally, struct stage *stage)
{
    if (!hold(stage))
        return;
    wh_syn_ignore(stage->held);
    stage_pump(stage);
    quiet(stage);
    held_gone(tally, stage, WH_ON_CLOSE);
}

static void held_withdrawn(struct tally *tally, struct stage *stage)
{
    (void)tally;
    if (!hold(stage))
        return;
    struct segment reset = stage_segment(stage, WH_RST, 0);
    stage_arrives(stage, &reset);
    wh_conn *conn = NULL;
    expect(stage, wh_syn_accept(stage->held, NULL, &conn) == WH_E_CONNRESET, "not withdrawn");
    wh_syn_ignore(stage->held);
    stage_pump(stage);
    quiet(stage);
}

static void held_forgotten(struct tally *tally, struct stage *stage)
{
    wh_conn *conn = NULL;
    if (!hold(stage))
        return;
    stage_wait(stage, 300 * WH_SECOND);
    expect(stage, wh_syn_accept(stage->held, NULL, &conn) == WH_E_CONNRESET, "not withdrawn");
    held_gone(tally, stage, WH_ON_GAVE_UP);
    wh_syn_ignore(stage->held);
    quiet(stage);
}

/* --------------------------------------------------------------- TIME-WAIT -- */

static const struct scene over = { .state = WH_TIME_WAIT,
                                   .opening = OPEN_PASSIVE,
                                   .reader = READER_GONE };

/* A SYN above RCV.NXT: SYN,ACK with an ISS above all of the old connection. */
static bool reopen(struct stage *stage, uint32_t *iss)
{
    if (!scene_reach(stage, &over))
        return false;
    struct facts old = stage->is;
    struct segment syn = stage_segment(stage, WH_SYN, 0);
    syn.seq += 5000;
    stage_arrives(stage, &syn);
    stage->is = old; /* what leaves now is the new connection's */
    if (!expect(stage, stage->sents == 1, "no SYN,ACK"))
        return false;
    *iss = stage->sent[0].segment.seq;
    stage->sents = 0;
    return expect(stage, stage_state(stage, NULL) == WH_SYN_RECEIVED, "not SYN-RECEIVED");
}

static void reopened_for_good(struct tally *tally, struct stage *stage)
{
    (void)tally;
    uint32_t iss;
    if (!reopen(stage, &iss))
        return;
    struct segment ack = stage_segment(stage, WH_ACK, 0);
    ack.seq += 5001;
    ack.ack = iss + 1;
    stage_arrives(stage, &ack);
    quiet(stage);
    expect(stage, stage_state(stage, NULL) == WH_ESTABLISHED, "not ESTABLISHED");
    stage_accept(stage);
}

static void reopened_by_mistake(struct tally *tally, struct stage *stage)
{
    (void)tally;
    uint32_t iss;
    if (!reopen(stage, &iss))
        return;
    struct segment reset = stage_segment(stage, WH_RST, 0);
    reset.seq += 5001;
    stage_arrives(stage, &reset);
    quiet(stage);
    expect(stage, stage_state(stage, NULL) == WH_TIME_WAIT, "not back in TIME-WAIT");
    stage->edge_known = false; /* it was that of the new connection */
    struct segment fin = stage_segment(stage, WH_FIN | WH_ACK, 0);
    fin.seq--;
    stage_arrives(stage, &fin);
    left_is(stage, REPLY_ACK, stage->is.snd_nxt, stage->is.rcv_nxt);
}

/* The second entry takes the place of the first: there is room for one. */
static void recycled(struct tally *tally, struct stage *stage)
{
    (void)tally;
    if (!scene_reach(stage, &over))
        return;
    wh_listener_close(stage->listener);
    stage->listener = NULL;
    uint16_t port = stage->theirs.port++;
    struct facts fresh = { .iss = stage->is.next_iss, .irs = stage->is.irs };
    fresh.rcv_nxt = fresh.irs;
    fresh.next_iss = fresh.iss;
    stage->is = fresh;
    if (!scene_reach(stage, &over))
        return;
    stage->theirs.port = port;
    expect(stage, stage_state(stage, NULL) == WH_CLOSED, "the older entry is still there");
}

/* ------------------------------------------------------------------- all of it -- */

static const struct corner {
    const char *ids, *title;
    void (*run)(struct tally *tally, struct stage *stage);
    uint32_t max_time_wait;
} corner[] = {
    { "E08", "LISTEN: a listener comes and goes", listener_comes_and_goes, 0 },
    { "R01", "LISTEN, SYN held: refused", held_refused, 0 },
    { "3.9.1.1", "LISTEN, SYN held: ignored", held_ignored, 0 },
    { "D02", "LISTEN, SYN held: withdrawn by a RST", held_withdrawn, 0 },
    { "3.8.3", "LISTEN, SYN held: forgotten", held_forgotten, 0 },
    { "T07 MAY-2", "TIME-WAIT: reopened for good", reopened_for_good, 0 },
    { "T11 MAY-2", "TIME-WAIT: reopened by an old duplicate, and back", reopened_by_mistake, 0 },
    { "T14", "TIME-WAIT: recycled", recycled, 1 },
};

void corners_run(struct tally *tally)
{
    for (size_t i = 0; i < sizeof corner / sizeof corner[0]; i++) {
        for (unsigned v = 0; v < VARIANTS; v++) {
            struct stage stage;
            char words[160];
            struct variant variant = variant_of(v);
            variant.max_time_wait = corner[i].max_time_wait;
            snprintf(words, sizeof words, "IPv%u %s, %s", variant.family, variant.numbers->name,
                     corner[i].title);
            if (!tally_wants(tally, words))
                continue;
            stage_open(&stage, variant);
            stage.verbose = tally->verbose;
            tally->group_cells++;
            corner[i].run(tally, &stage);
            tally_arcs(tally, stage.host);
            stage_close(&stage);
            if (stage.why[0] != 0)
                tally_failure(tally, words, stage.why);
        }
        tally_group(tally, corner[i].ids, corner[i].title);
    }
}

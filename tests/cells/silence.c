/* SPDX-License-Identifier: MIT */
/*
 * RFC 9293 3.10.8, timeouts: in every scene the peer falls silent. And the arcs:
 * each that the table has must have been taken by some cell.
 */
#include <stdio.h>

#include "cells.h"

/* Longer than every timeout there is by default. */
#define SILENCE (900 * WH_SECOND)

struct end {
    wh_state state;
    int error;
};

static bool gives_up(const struct facts *f)
{
    return f->state == WH_SYN_SENT || f->state == WH_SYN_RECEIVED || f->snd_una != f->snd_nxt;
}

/* USER TIMEOUT, TIME-WAIT TIMEOUT, and FIN-WAIT-2 that nobody waits in (lifecycle C28). */
static struct end oracle_silence(const struct facts *f)
{
    struct end end = { f->state, f->error };
    if (f->state == WH_CLOSED || f->state == WH_LISTEN)
        return end;
    if (f->state == WH_TIME_WAIT || (f->state == WH_FIN_WAIT_2 && f->reader == READER_GONE))
        return (struct end){ WH_CLOSED, 0 };
    if (gives_up(f))
        return (struct end){ WH_CLOSED, WH_E_TIMEDOUT };
    return end;
}

static void cell_run(struct tally *tally, const struct scene *scene, struct variant variant)
{
    struct stage stage;
    char text[100], words[200];
    snprintf(words, sizeof words, "IPv%u %s, %s: silence", variant.family, variant.numbers->name,
             scene_words(scene, text));
    if (!tally_wants(tally, words))
        return;
    stage_open(&stage, variant);
    tally->group_cells++;
    stage.loose = true;
    if (scene_reach(&stage, scene)) {
        struct end end = oracle_silence(&stage.is);
        stage.verbose = tally->verbose;
        stage_wait(&stage, SILENCE);
        wh_state state = stage_state(&stage, NULL);
        if (state != (end.state == WH_LISTEN ? WH_CLOSED : end.state))
            stage_fail(&stage, "the state is %s, expected %s", wh_state_name(state),
                       wh_state_name(end.state));
        if (stage.conn != NULL && wh_conn_error(stage.conn) != end.error)
            stage_fail(&stage, "the error is %s, expected %s",
                       wh_strerror(wh_conn_error(stage.conn)), wh_strerror(end.error));
        tally_arcs(tally, stage.host);
    }
    stage_close(&stage);
    if (stage.why[0] != 0)
        tally_failure(tally, words, stage.why);
}

void silence_run(struct tally *tally)
{
    for (int state = 0; state < WH_STATE_COUNT; state++) {
        struct scene scene;
        unsigned at = 0;
        char title[60];
        while (scene_next(&at, &scene))
            for (unsigned p = 0; p < VARIANTS / 2 && scene.state == (wh_state)state; p++)
                cell_run(tally, &scene, variant_of(2 * p + p % 2));
        snprintf(title, sizeof title, "%s: silence", wh_state_name((wh_state)state));
        tally_group(tally, shown_by_silence((wh_state)state), title);
    }
}

void arcs_run(struct tally *tally)
{
    if (tally->onlys != 0)
        return; /* not everything has run */
    for (int from = 0; from < WH_STATE_COUNT; from++)
        for (int event = 1; event < WH_ARC_EVENT_COUNT; event++) {
            int to = wh_arc((wh_state)from, (wh_arc_event)event);
            if (to < 0)
                continue;
            tally->group_cells++;
            if (tally->arcs[from][event] == 0) {
                printf("# not taken: %s, %s, %s\n", wh_state_name((wh_state)from),
                       wh_arc_name((wh_arc_event)event), wh_state_name((wh_state)to));
                tally->group_failures++;
            }
        }
    tally_group(tally, "3.3.2", "every arc of the table is taken by a cell");
}

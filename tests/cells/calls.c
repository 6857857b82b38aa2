/* SPDX-License-Identifier: MIT */
/* Every scene and every call of RFC 9293 3.9.1, held against oracle_calls.c. */
#include <stdio.h>
#include <string.h>

#include "cells.h"

static const char *const call_name[CALLS] = {
    "OPEN active",    "OPEN passive",   "SEND",  "RECEIVE", "shutdown(WRITE)",
    "shutdown(READ)", "shutdown(both)", "CLOSE", "ABORT",   "STATUS",
};

/* ------------------------------------------------------------------ calling -- */

static int64_t call_open(struct stage *stage, bool active)
{
    int result;
    if (active) {
        wh_connect_options options;
        wh_conn *conn = NULL;
        wh_connect_options_init(&options);
        options.local = stage->ours;
        options.remote = stage->theirs;
        result = wh_connect(stage->host, &options, stage->now, &conn);
        if (result == 0) {
            if (stage->conn != NULL)
                wh_close(stage->conn); /* it is over: this frees it */
            stage->conn = conn;
        }
    } else {
        wh_listen_options options;
        wh_listener *listener = NULL;
        wh_listen_options_init(&options);
        options.local = stage->ours;
        result = wh_listen(stage->host, &options, &listener);
        if (result == 0)
            stage->listener = listener;
    }
    return result;
}

/* wh_info must tell what the wire told. */
static int64_t call_status(struct stage *stage)
{
    const struct facts *f = &stage->is;
    wh_info info = { .size = sizeof info };
    if (stage->conn == NULL)
        return f->state == WH_LISTEN ? WH_LISTEN : stage_state(stage, NULL);
    wh_info_get(stage->conn, &info);
    if (info.error != f->error || wh_conn_state(stage->conn) != info.state)
        stage_fail(stage, "STATUS tells another error or state");
    if (info.receive_queued != f->unread && f->reader == READER_READS && f->error == 0)
        stage_fail(stage, "STATUS tells %d bytes to be read, there are %u",
                   (int)info.receive_queued, f->unread);
    if (f->state < WH_SYN_SENT || f->state == WH_TIME_WAIT)
        return info.state;
    if (info.iss != f->iss || info.snd_una != f->snd_una || info.snd_nxt != f->snd_nxt)
        stage_fail(stage, "STATUS tells other numbers of ours");
    if (f->state != WH_SYN_SENT &&
        (info.irs != stage->variant.numbers->irs || info.rcv_nxt != f->rcv_nxt ||
         info.snd_wnd != f->snd_wnd || info.rcv_wnd != f->rcv_wnd))
        stage_fail(stage, "STATUS tells other numbers of the peer's");
    return info.state;
}

static int64_t call_close(struct stage *stage, bool abort)
{
    if (stage->conn != NULL && abort)
        wh_abort(stage->conn);
    else if (stage->conn != NULL)
        wh_close(stage->conn);
    else
        wh_listener_close(stage->listener);
    if (stage->conn == NULL)
        stage->listener = NULL;
    stage->conn = NULL;
    return 0;
}

static int64_t call_now(struct stage *stage, enum call call)
{
    static const uint8_t out[CALL_BYTES];
    uint8_t in[CALL_BYTES];
    switch (call) {
    case CALL_OPEN_ACTIVE: return call_open(stage, true);
    case CALL_OPEN_PASSIVE: return call_open(stage, false);
    case CALL_SEND: return wh_send(stage->conn, out, sizeof out, 0);
    case CALL_RECEIVE: return wh_recv(stage->conn, in, sizeof in);
    case CALL_SHUT_WRITE: return wh_shutdown(stage->conn, WH_WRITE);
    case CALL_SHUT_READ: return wh_shutdown(stage->conn, WH_READ);
    case CALL_SHUT_BOTH: return wh_shutdown(stage->conn, WH_READ | WH_WRITE);
    case CALL_CLOSE: return call_close(stage, false);
    case CALL_ABORT: return call_close(stage, true);
    case CALL_STATUS: return call_status(stage);
    case CALLS: break;
    }
    return 0;
}

/* Whether the program can make this call: it needs a handle, or the listener's. */
static bool possible(const struct stage *stage, enum call call)
{
    if (call == CALL_OPEN_ACTIVE || call == CALL_OPEN_PASSIVE || stage->conn != NULL)
        return true;
    bool listening = stage->is.state == WH_LISTEN || stage->is.state == WH_SYN_RECEIVED;
    if (call == CALL_CLOSE || call == CALL_ABORT)
        return listening && call == CALL_CLOSE;
    return call == CALL_STATUS;
}

/* ------------------------------------------------------------------ judging -- */

static const char *misfit(const struct stage *stage, const struct answer *answer, int64_t result,
                          wh_state state, wh_time start)
{
    wh_state expected = answer->state == WH_LISTEN ? WH_CLOSED : answer->state;
    if (result != answer->result)
        return "another result";
    if (state != expected)
        return "another state";
    return reply_misfit(stage, &answer->reply, start);
}

static int judge_call(struct stage *stage, const struct answers *answers, int64_t result,
                      wh_state state, wh_time start)
{
    char words[120] = "nothing";
    const char *what = "no answer";
    for (unsigned i = 0; i < answers->answers && stage->why[0] == 0; i++) {
        what = misfit(stage, &answers->answer[i], result, state, start);
        if (what == NULL)
            return (int)i;
    }
    if (stage->sents != 0)
        segment_words(&stage->is, &stage->sent[0].segment, words);
    stage_fail(stage, "result %d, %s, [%s] | expected %s: %s", (int)result, wh_state_name(state),
               words, answers->answers != 0 ? answers->answer[0].choice : "none", what);
    return -1;
}

static void cell_run(struct tally *tally, const struct scene *scene, struct variant variant,
                     enum call call)
{
    struct stage stage;
    struct answers answers;
    char scene_text[100], words[200];
    snprintf(words, sizeof words, "IPv%u %s, %s: %s", variant.family, variant.numbers->name,
             scene_words(scene, scene_text), call_name[call]);
    if (!tally_wants(tally, words))
        return;
    stage_open(&stage, variant);
    if (tally->verbose)
        printf("# %s\n", words);
    bool stands = scene_reach(&stage, scene);
    if (stands && !possible(&stage, call)) {
        stage_close(&stage);
        return;
    }
    tally->group_cells++;
    stage.verbose = tally->verbose;
    if (stands) {
        struct facts before = stage.is;
        wh_time start = stage.now;
        before.handle = stage.conn != NULL;
        oracle_call(&before, call, &answers);
        int64_t result = call_now(&stage, call);
        stage_pump(&stage);
        wh_state state = stage_state(&stage, NULL);
        const char *broken = wh_check(stage.host);
        if (broken != NULL)
            stage_fail(&stage, "wh_check: %s", broken);
        stage_wait(&stage, STAGE_PATIENCE);
        stage.is = before;
        int answer = judge_call(&stage, &answers, result, state, start);
        if (answer >= 0 && answers.answers > 1)
            tally_choice(tally, before.state, answers.answer[answer].choice);
        tally_arcs(tally, stage.host);
    }
    stage_close(&stage);
    if (stage.why[0] != 0)
        tally_failure(tally, words, stage.why);
}

void calls_run(struct tally *tally)
{
    for (int state = 0; state < WH_STATE_COUNT; state++)
        for (int call = 0; call < CALLS; call++) {
            struct scene scene;
            unsigned at = 0;
            char title[100];
            while (scene_next(&at, &scene))
                for (unsigned p = 0; p < VARIANTS && scene.state == (wh_state)state; p++)
                    cell_run(tally, &scene, variant_of(p), (enum call)call);
            snprintf(title, sizeof title, "%s: %s", wh_state_name((wh_state)state),
                     call_name[call]);
            tally_group(tally, shown_by_call((wh_state)state, (enum call)call), title);
        }
}

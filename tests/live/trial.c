/* SPDX-License-Identifier: MIT */
#include "trial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define CLIENT_PORT 40000
#define MSL (30 * WH_SECOND)
/* No scenario lasts so long in virtual time, TIME-WAIT and abandoned half-open entries included. */
#define LONGEST (1800 * WH_SECOND)

/* The states of which RFC 9293 3.5.1 says so: bits of all from ESTABLISHED on. */
#define SYNCHRONIZED (~0U << WH_ESTABLISHED)

/* One end, as its host's trace tells of it. */
struct life {
    wh_state state;
    unsigned visited; /* bit of each state */
    bool over;        /* closed after having been open: what comes now meets no connection */
    wh_time waits;    /* since when it is in TIME-WAIT, or since its peer's last FIN there */
};

struct trial {
    const struct circumstances *circumstances;
    struct stage stage;
    struct play play;
    struct script script[2];
    struct life life[2];
    uint32_t iss[2], late_iss[2]; /* of its first SYN and its last */
    bool numbered[2];             /* they are known */
    struct outcome *outcome;
    struct drawing *drawing;
};

/* FNV-1a, over words. */
static void print_add(uint64_t *print, uint64_t value)
{
    *print = (*print ^ value) * UINT64_C(0x100000001b3);
}

/* ---------------------------------------------------------------- trace -- */

/*
 * No segment of these scenarios calls for a RST, but one: an old copy that comes
 * when the connection is over at its receiver (RFC 9293 3.10.7.1). Copies come of
 * duplicating, of delaying, and of a retransmission that turns out to be needless.
 * The other end is in TIME-WAIT then, where a RST does no harm, or over too.
 */
static bool reset_allowed(const struct trial *trial, int side)
{
    const struct life *peer = &trial->life[!side];
    return trial->circumstances->harm[0].number != 0 && trial->life[side].over &&
           (peer->over || peer->state == WH_TIME_WAIT);
}

static void note_syn(struct trial *trial, int side, uint32_t seq)
{
    /* An old SYN may make a half-open entry after the connection is over, with numbers of its own. */
    bool again = trial->numbered[side];
    if (again && !trial->life[side].over && seq != trial->iss[side]) {
        stage_fail(&trial->stage, "the %s repeated its SYN with another number",
                   side == 0 ? "client" : "server");
    }
    trial->iss[side] = again ? trial->iss[side] : seq;
    trial->late_iss[side] = seq;
    trial->numbered[side] = true;
}

/*
 * How far beyond the side's initial number this one is. Once a second SYN has left
 * there are two of those, and what is said then is counted without its numbers.
 */
static uint32_t relative(const struct trial *trial, int side, uint32_t number)
{
    bool ghost = trial->iss[0] != trial->late_iss[0] || trial->iss[1] != trial->late_iss[1];
    return ghost ? 0 : number - trial->iss[side];
}

static void note_segment(struct trial *trial, int side, const wh_trace_record *record)
{
    struct outcome *outcome = trial->outcome;
    int peer = trial->stage.plan.loop ? side : !side;
    if (record->flags & WH_SYN) {
        note_syn(trial, side, record->seq);
    }
    outcome->repeats +=
        record->reason == WH_WHY_RETRANSMIT_TIMEOUT || record->reason == WH_WHY_RETRANSMIT_FAST ||
        record->reason == WH_WHY_RETRANSMIT_PARTIAL || record->reason == WH_WHY_RETRANSMIT_RESCUE;
    if (record->flags & WH_RST) {
        outcome->resets++;
        if (!reset_allowed(trial, side)) {
            stage_fail(&trial->stage, "the %s sent a RST: %s", side == 0 ? "client" : "server",
                       wh_reason_text((wh_reason)record->reason));
        }
    }
    print_add(&outcome->print, record->time);
    print_add(&outcome->print, (uint64_t)side << 16 | record->flags);
    /* RFC 9293 3.10.7.1: a RST that has an ACK has the number 0. */
    bool numberless = (record->flags & WH_RST) && (record->flags & WH_ACK);
    print_add(&outcome->print, numberless ? record->seq : relative(trial, side, record->seq));
    print_add(&outcome->print, (record->flags & WH_ACK) ? relative(trial, peer, record->ack) : 0);
    print_add(&outcome->print, (uint64_t)record->window << 32 | record->length);
    print_add(&outcome->print, (uint64_t)record->urgent << 8 | record->options);
}

/* RFC 9293 3.6 and 3.10.7.4, eighth: TIME-WAIT lasts 2MSL, counted anew from each repeated FIN. */
static void note_waiting(struct trial *trial, int side, const wh_trace_record *record)
{
    struct life *life = &trial->life[side];
    if (record->state_after == WH_TIME_WAIT &&
        (record->state_before != WH_TIME_WAIT || record->reason == WH_WHY_TIME_WAIT_FIN_AGAIN)) {
        life->waits = record->time;
    }
    if (record->state_before == WH_TIME_WAIT && record->state_after == WH_CLOSED &&
        (record->time < life->waits + 2 * MSL ||
         record->time > life->waits + 2 * MSL + WH_MILLISECOND)) {
        stage_fail(&trial->stage, "the %s was in TIME-WAIT for %.3f s after the last FIN",
                   side == 0 ? "client" : "server", (double)(record->time - life->waits) / 1e9);
    }
}

static void note_state(struct trial *trial, int side, const wh_trace_record *record)
{
    struct life *life = &trial->life[side];
    if (life->over) {
        return; /* of another connection: a half-open entry that an old SYN left behind */
    }
    note_waiting(trial, side, record);
    life->state = (wh_state)record->state_after;
    life->visited |= 1U << record->state_before | 1U << record->state_after;
    life->over = life->state == WH_CLOSED && (life->visited & SYNCHRONIZED) != 0;
}

static void take_records(void *context, int side, const wh_trace_record *records, size_t n)
{
    struct trial *trial = context;
    for (size_t i = 0; i < n; i++) {
        if (records[i].kind == WH_TRACE_OUT) {
            note_segment(trial, side, &records[i]);
        }
        if (records[i].local.port != 0 && records[i].remote.port != 0 &&
            (records[i].state_before != WH_LISTEN || records[i].state_after != WH_LISTEN)) {
            note_state(trial, side, &records[i]);
        }
    }
    drawing_records(trial->drawing, side, records, n);
}

/* ----------------------------------------------------------------- wire -- */

static enum harm judge(void *context, int from, uint64_t number, uint8_t *bytes, size_t length)
{
    struct trial *trial = context;
    for (int i = 0; i < HARMS_MOST; i++) {
        if (trial->circumstances->harm[i].number == number) {
            enum harm harm = trial->circumstances->harm[i].harm;
            drawing_harm(trial->drawing, trial->stage.now, from, harm, bytes, length);
            return harm;
        }
    }
    return HARM_NONE;
}

/* ----------------------------------------------------------------- cast -- */

static void *find(void *context, const wh_endpoint *remote)
{
    struct trial *trial = context;
    struct party *server = &trial->play.end[1];
    bool ours = remote->port == server->there.port;
    return ours && server->conn == NULL && server->syn == NULL && server->step < 2 ? server : NULL;
}

static bool act(void *user) { return play_act(user); }

static bool both_act(void *context)
{
    struct trial *trial = context;
    bool acted = play_act(&trial->play.end[0]);
    return acted | play_act(&trial->play.end[1]);
}

/* -------------------------------------------------------------- playing -- */

static uint32_t chosen_iss(const struct circumstances *circumstances, int side)
{
    uint32_t edge = circumstances->half ? UINT32_C(1) << 31 : 0;
    uint64_t bytes = circumstances->bytes[side];
    switch (circumstances->wrap) {
    case WRAP_SYN: return edge - 1;
    case WRAP_DATA: return edge - 1 - (uint32_t)(bytes / 2);
    case WRAP_FIN: return edge - 2 - (uint32_t)bytes;
    default: return edge;
    }
}

static void set_stage(struct trial *trial, const struct scenario *scenario)
{
    const struct circumstances *circumstances = trial->circumstances;
    const struct setting *setting = circumstances->setting;
    const struct stage_plan plan = {
        .loop = scenario->loop,
        .batch = 1,
        .eager = scenario->eager,
        /* IPv6 headers are 20 bytes longer: with the same room behind them, segments are the same. */
        .mtu = (setting->mtu != 0 ? setting->mtu : 1500) + (circumstances->v6 ? 20 : 0),
        .trace_records = 64,
        .msl = MSL,
        .options = { { scenario->options[0], setting->options[0] },
                     { scenario->options[1], setting->options[1] } },
    };
    const struct cast cast = { .context = trial,
                               .find = find,
                               .arrived = play_arrived,
                               .act = act,
                               .records = take_records,
                               .idle = both_act };
    if (!script_read(&trial->script[0], scenario->client, trial->stage.why,
                     sizeof trial->stage.why) ||
        !script_read(&trial->script[1], scenario->server, trial->stage.why,
                     sizeof trial->stage.why) ||
        !stage_make(&trial->stage, &plan, &cast)) {
        return;
    }
    trial->stage.wire.judge = judge;
    trial->stage.wire.context = trial;
    for (int side = 0; circumstances->wrap != WRAP_NOWHERE && side < 2; side++) {
        wh_next_iss(trial->stage.host[side], chosen_iss(circumstances, side));
    }
    const struct place place = { .v6 = circumstances->v6, .port = CLIENT_PORT };
    play_begin(&trial->play, &trial->stage, &trial->script[0], &trial->script[1], &place);
}

static bool at_rest(const struct trial *trial)
{
    for (int side = 0; side < 2; side++) {
        wh_state state = trial->life[side].state;
        if (!trial->play.end[side].done || (state != WH_CLOSED && state != WH_TIME_WAIT)) {
            return false;
        }
    }
    return true;
}

/* Plays until nothing is due any more. */
static void perform(struct trial *trial)
{
    struct stage *stage = &trial->stage;
    while (stage->why[0] == 0) {
        wh_time next = stage_turn(stage);
        if (trial->outcome->took == 0 && at_rest(trial)) {
            trial->outcome->took = stage->now - STAGE_START;
            trial->outcome->segments = stage->wire.frames;
        }
        if (next == WH_NEVER) {
            break;
        }
        if (next > STAGE_START + LONGEST) {
            stage_fail(stage, "it goes on for more than %u s", (unsigned)(LONGEST / WH_SECOND));
        }
        const char *broken = wh_check(stage->host[0]);
        broken = broken != NULL ? broken : wh_check(stage->host[1]);
        if (broken != NULL) {
            stage_fail(stage, "%s", broken);
        }
        stage->now = next;
    }
}

/* What an end's handle says now that all is over; the handle is closed. */
static void ask(struct trial *trial, int side)
{
    struct party *end = &trial->play.end[side];
    if (end->conn != NULL) {
        wh_state state = wh_conn_state(end->conn);
        int error = wh_conn_error(end->conn);
        if (state != WH_CLOSED || error != 0) {
            play_fail(end, "in the end its state is %s, its error: %s", wh_state_name(state),
                      wh_strerror(error));
        } else if (!end->eof) {
            play_fail(end, "it never saw the end of file");
        }
        wh_close(end->conn);
        end->conn = NULL;
    }
}

/* Is it right, too, that these went through TIME-WAIT? */
static bool may_wait(enum waits allowed, unsigned waits)
{
    return waits != WAITS_NOBODY && (allowed == WAITS_ANYONE || waits == (unsigned)allowed);
}

static void judge_trial(struct trial *trial, const struct scenario *scenario)
{
    struct stage *stage = &trial->stage;
    struct outcome *outcome = trial->outcome;
    for (int side = 0; side < 2; side++) {
        const struct party *end = &trial->play.end[side];
        const struct party *peer = &trial->play.end[stage->plan.loop ? side : !side];
        if (!end->done) {
            play_fail(end, "nothing more happens, and its script is not at its end");
        }
        if (end->received != peer->sent) {
            play_fail(end, "%" PRIu64 " of %" PRIu64 " bytes arrived", end->received, peer->sent);
        }
        outcome->bytes[side] = end->received;
        outcome->waits |= (trial->life[side].visited & 1U << WH_TIME_WAIT) ? 1U << side : 0;
        ask(trial, side);
    }
    if (outcome->took == 0) {
        stage_fail(stage, "the ends did not come to rest");
    }
    bool harmed = trial->circumstances->harm[0].number != 0;
    if (outcome->waits != (unsigned)scenario->waits &&
        !(harmed && may_wait(scenario->or_waits, outcome->waits))) {
        static const char *const names[] = { "nobody", "the client", "the server", "both" };
        stage_fail(stage, "%s went through TIME-WAIT instead of %s", names[outcome->waits],
                   names[scenario->waits]);
    }
    if (!harmed && scenario->segments != 0 && trial->circumstances->setting == settings &&
        outcome->segments != scenario->segments) {
        stage_fail(stage, "%" PRIu64 " segments instead of %u", outcome->segments,
                   scenario->segments);
    }
    if (!harmed && outcome->repeats != scenario->repeats) {
        stage_fail(stage, "%u retransmissions instead of %u, and nothing was lost",
                   outcome->repeats, scenario->repeats);
    }
    if (stage->wire.foreign != 0) {
        stage_fail(stage, "something other than TCP was sent");
    }
    stage_close(stage);
    stage_turn(stage);
    stage_is_empty(stage);
    for (int side = 0; side < 2; side++) {
        outcome->kept[side] = stage_kept(stage, side);
    }
}

void trial(const struct scenario *scenario, const struct circumstances *circumstances,
           struct outcome *outcome, struct drawing *drawing)
{
    static struct trial it;
    memset(&it, 0, sizeof it);
    memset(outcome, 0, sizeof *outcome);
    it.circumstances = circumstances;
    it.outcome = outcome;
    it.drawing = drawing;
    set_stage(&it, scenario);
    if (it.stage.why[0] == 0) {
        perform(&it);
    }
    if (it.stage.why[0] == 0) {
        judge_trial(&it, scenario);
    }
    outcome->end = it.stage.now;
    stage_free(&it.stage);
    memcpy(outcome->why, it.stage.why, sizeof outcome->why);
}

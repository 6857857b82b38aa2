/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------- which exist -- */

static bool synchronized_state(wh_state state) { return state >= WH_ESTABLISHED; }

/* Our FIN has left in these. */
static bool we_closed(wh_state state)
{
    return synchronized_state(state) && state != WH_ESTABLISHED && state != WH_CLOSE_WAIT;
}

static bool has_data(const struct scene *s) { return s->flight || s->shut || s->waits || s->hole; }

static bool beginning_exists(const struct scene *s)
{
    if (has_data(s) || s->reader != READER_READS || s->syn_owed)
        return false;
    switch (s->state) {
    case WH_CLOSED:
        return !s->stamps && (s->death == DEATH_NONE) == (s->opening == OPEN_NONE) &&
               s->opening <= OPEN_ACTIVE &&
               (s->death != DEATH_REFUSED || s->opening != OPEN_PASSIVE);
    case WH_LISTEN: return s->opening == OPEN_NONE && !s->stamps;
    case WH_SYN_SENT: return s->opening == OPEN_ACTIVE && !s->stamps;
    default: return s->opening != OPEN_NONE && s->opening != OPEN_ACTIVE;
    }
}

static bool exists(const struct scene *s)
{
    if (s->death != DEATH_NONE && s->state != WH_CLOSED)
        return false;
    if (!synchronized_state(s->state) && !s->syn_owed)
        return beginning_exists(s);
    if (s->syn_owed) /* close() or shutdown(WRITE) before the SYN,ACK was acknowledged */
        return s->state == WH_FIN_WAIT_1 &&
               (s->opening == OPEN_SIMULTANEOUS || s->opening == OPEN_HELD) &&
               s->reader != READER_DEAF && !has_data(s) && !s->stamps;
    if (s->opening == OPEN_NONE || s->opening == OPEN_HELD)
        return false;
    if (s->opening == OPEN_SIMULTANEOUS)
        return s->state == WH_ESTABLISHED && s->reader == READER_READS && !has_data(s) &&
               !s->stamps;
    /* How it was opened makes no difference later: both ways are taken by turns. */
    bool turn = s->flight ^ s->shut ^ s->waits ^ s->hole ^ s->stamps ^ (s->reader == READER_DEAF);
    if (s->state != WH_TIME_WAIT && turn != (s->opening == OPEN_ACTIVE))
        return false;
    if (s->reader == READER_GONE && !we_closed(s->state))
        return false;
    if (s->flight && (s->state == WH_FIN_WAIT_2 || s->state == WH_TIME_WAIT))
        return false;
    if ((s->shut || s->waits) && s->reader != READER_READS)
        return false; /* unread data turns close() into a reset (3.6.1) */
    if (s->shut && s->waits)
        return false;
    if (s->hole && (s->flight || s->shut || s->waits || s->stamps || s->reader != READER_READS ||
                    s->state == WH_CLOSE_WAIT || s->state >= WH_CLOSING))
        return false;
    return !s->stamps || (!has_data(s) && s->reader != READER_DEAF);
}

bool scene_next(unsigned *at, struct scene *scene)
{
    static const unsigned radix[] = { WH_STATE_COUNT, 5, 3, 2, 2, 2, 2, 2, 2, 5 };
    for (;; ++*at) {
        unsigned digit[10], rest = *at;
        for (int i = 9; i >= 0; i--) {
            digit[i] = rest % radix[i];
            rest /= radix[i];
        }
        if (rest != 0)
            return false;
        *scene = (struct scene){ .state = (wh_state)digit[0],
                                 .opening = (enum opening)digit[1],
                                 .reader = (enum reader)digit[2],
                                 .flight = digit[3] != 0,
                                 .shut = digit[4] != 0,
                                 .waits = digit[5] != 0,
                                 .hole = digit[6] != 0,
                                 .stamps = digit[7] != 0,
                                 .syn_owed = digit[8] != 0,
                                 .death = (enum death)digit[9] };
        if (exists(scene)) {
            ++*at;
            return true;
        }
    }
}

char *scene_words(const struct scene *scene, char *text)
{
    static const char *const opening[] = { "", " passive", " active", " simultaneous", " held" };
    static const char *const reader[] = { "", " deaf", " gone" };
    static const char *const death[] = { "", " reset", " refused", " orderly", " timeout" };
    snprintf(text, 100, "%s%s%s%s%s%s%s%s%s%s", wh_state_name(scene->state),
             opening[scene->opening], reader[scene->reader], scene->flight ? " flight" : "",
             scene->shut ? " shut" : "", scene->waits ? " unread" : "", scene->hole ? " hole" : "",
             scene->stamps ? " stamps" : "", scene->syn_owed ? " early" : "", death[scene->death]);
    return text;
}

/* ----------------------------------------------------------- how to get there -- */

static bool open_passive(struct stage *stage)
{
    if (!stage_listen(stage, 0))
        return false;
    stage_peer(stage, WH_SYN, 0);
    stage->is.passive = true;
    stage->is.snd_una = stage->is.iss;
    return true;
}

static bool open_held(struct stage *stage)
{
    if (!stage_listen(stage, WH_LISTEN_HOLD))
        return false;
    stage_peer(stage, WH_SYN, 0);
    if (stage->held == NULL || wh_syn_accept(stage->held, NULL, &stage->conn) < 0)
        return stage_fail(stage, "the SYN was not offered");
    stage_pump(stage);
    stage->is.passive = true;
    stage->is.snd_una = stage->is.iss;
    return true;
}

static bool open_as(struct stage *stage, enum opening opening)
{
    switch (opening) {
    case OPEN_NONE: return true;
    case OPEN_PASSIVE: return open_passive(stage);
    case OPEN_HELD: return open_held(stage);
    case OPEN_ACTIVE: return stage_connect(stage);
    case OPEN_SIMULTANEOUS:
        if (!stage_connect(stage))
            return false;
        stage_peer(stage, WH_SYN, 0);
        stage->is.snd_una = stage->is.iss;
        return true;
    }
    return false;
}

/* Finishes the handshake. */
static bool establish(struct stage *stage, enum opening opening)
{
    stage_peer(stage, opening == OPEN_ACTIVE ? WH_SYN | WH_ACK : WH_ACK, 0);
    return opening != OPEN_PASSIVE || stage_accept(stage);
}

/* The program reads all that waits. */
static void read_all(struct stage *stage)
{
    uint8_t bytes[STAGE_BUFFER];
    while (wh_recv(stage->conn, bytes, sizeof bytes) > 0)
        continue;
    stage_pump(stage);
}

/* Data both ways, acknowledged and read: SND.UNA and RCV.NXT are far from the initial numbers. */
static bool converse(struct stage *stage)
{
    static const uint8_t bytes[500];
    if (wh_send(stage->conn, bytes, sizeof bytes, 0) != sizeof bytes)
        return stage_fail(stage, "wh_send does not take 500 bytes");
    stage_pump(stage);
    stage_peer(stage, WH_ACK, 300);
    stage_wait(stage, STAGE_PATIENCE);
    read_all(stage);
    return true;
}

/* The peer fills our buffer; one number is left for the FIN if it is to come. */
static void fill(struct stage *stage, uint32_t spare)
{
    for (int i = 0; i < 8 && stage_window(stage) > spare; i++) {
        uint32_t length = stage_window(stage) - spare;
        if (length > 1400)
            length = 1400;
        stage_peer(stage, WH_ACK | WH_PSH, length);
        stage->is.unread += length;
        stage_wait(stage, STAGE_PATIENCE);
    }
}

/* Our half of the close: FIN. */
static void close_ours(struct stage *stage, enum reader reader)
{
    if (reader == READER_GONE) {
        wh_close(stage->conn);
        stage->conn = NULL;
    } else {
        wh_shutdown(stage->conn, reader == READER_DEAF ? WH_READ | WH_WRITE : WH_WRITE);
    }
    stage_pump(stage);
}

/* The peer's FIN, acknowledging all but our own, or all. */
static void close_theirs(struct stage *stage, bool all, uint32_t una)
{
    uint32_t nxt = stage->is.snd_nxt;
    if (!all)
        stage->is.snd_nxt = una; /* what stage_segment acknowledges */
    struct segment fin = stage_segment(stage, WH_FIN | WH_ACK, 0);
    stage->is.snd_nxt = nxt;
    stage->is.wl1 = fin.seq;
    stage->is.wl2 = fin.ack;
    stage->is.snd_una = fin.ack;
    stage->is.rcv_nxt++;
    stage_arrives(stage, &fin);
    stage_wait(stage, STAGE_PATIENCE);
}

/* Data beyond a hole that no cell fills. What is newest of the window is this segment's (SND.WL1). */
static void arrive_early(struct stage *stage)
{
    struct segment early = stage_segment(stage, WH_ACK, 100);
    early.seq += 300;
    early.ack = stage->is.snd_una;
    stage->is.wl1 = early.seq;
    stage->is.wl2 = early.ack;
    stage_arrives(stage, &early);
}

static bool send_unacknowledged(struct stage *stage)
{
    static const uint8_t bytes[700];
    if (wh_send(stage->conn, bytes, sizeof bytes, 0) != sizeof bytes)
        return stage_fail(stage, "wh_send does not take 700 bytes");
    stage_pump(stage);
    return true;
}

/* From ESTABLISHED on. */
static bool close_as(struct stage *stage, const struct scene *scene)
{
    bool ends = scene->state == WH_CLOSE_WAIT || scene->state >= WH_CLOSING;
    bool first = we_closed(scene->state) && scene->state != WH_LAST_ACK;
    if (scene->shut)
        fill(stage, ends ? 1 : 0);
    if (scene->waits) {
        stage_peer(stage, WH_ACK, 100);
        stage->is.unread += 100;
        stage_wait(stage, STAGE_PATIENCE);
    }
    if (scene->flight && !send_unacknowledged(stage))
        return false;
    uint32_t una = stage->is.snd_una;
    if (first)
        close_ours(stage, scene->reader);
    if (scene->state == WH_FIN_WAIT_2 || scene->state == WH_TIME_WAIT)
        stage_peer(stage, WH_ACK, 0);
    if (ends)
        close_theirs(stage, scene->state == WH_TIME_WAIT, una);
    if (scene->state == WH_LAST_ACK)
        close_ours(stage, scene->reader);
    if (scene->hole)
        arrive_early(stage);
    if (!first && scene->state != WH_LAST_ACK && scene->reader == READER_DEAF)
        wh_shutdown(stage->conn, WH_READ);
    stage_pump(stage);
    return true;
}

/* A handle whose connection is over. */
static bool die(struct stage *stage, const struct scene *scene)
{
    struct segment reset = stage_segment(stage, WH_RST | WH_ACK, 0);
    switch (scene->death) {
    case DEATH_REFUSED: /* before anything came back */
        stage_arrives(stage, &reset);
        stage->is.error = WH_E_CONNREFUSED;
        return true;
    case DEATH_TIMEOUT:
        wh_set(stage->conn, WH_OPT_USER_TIMEOUT, (int64_t)WH_SECOND);
        if (!send_unacknowledged(stage))
            return false;
        stage_wait(stage, 400 * WH_SECOND);
        stage->is.error = WH_E_TIMEDOUT;
        return true;
    case DEATH_ORDERLY:
        close_theirs(stage, true, 0);
        close_ours(stage, READER_READS);
        stage_peer(stage, WH_ACK, 0);
        return true;
    default:
        stage_arrives(stage, &reset);
        stage->is.error = WH_E_CONNRESET;
        return true;
    }
}

static bool travel(struct stage *stage, const struct scene *scene)
{
    stage->is.stamps = scene->stamps;
    if (scene->state == WH_LISTEN)
        return stage_listen(stage, 0);
    if (!open_as(stage, scene->opening))
        return false;
    if (scene->syn_owed) {
        close_ours(stage, scene->reader);
        stage->is.syn_owed = true;
        return true;
    }
    if (scene->state == WH_CLOSED && scene->death == DEATH_REFUSED)
        return die(stage, scene);
    if (!synchronized_state(scene->state) && scene->death == DEATH_NONE)
        return true;
    if (!establish(stage, scene->opening))
        return false;
    if (scene->opening == OPEN_ACTIVE && !converse(stage))
        return false;
    return scene->death != DEATH_NONE ? die(stage, scene) : close_as(stage, scene);
}

bool scene_reach(struct stage *stage, const struct scene *scene)
{
    if (stage->why[0] != 0 || !travel(stage, scene))
        return false;
    wh_state state = stage_state(stage, NULL);
    wh_state expected = scene->state == WH_LISTEN ? WH_CLOSED : scene->state;
    if (state != expected)
        return stage_fail(stage, "the scene is not reached: %s", wh_state_name(state));
    stage->is.state = scene->state;
    stage->is.reader = scene->reader;
    stage->is.rcv_wnd = stage_window(stage);
    stage->is.next_iss = stage->is.iss;
    if (synchronized_state(scene->state)) {
        stage->is.next_iss = stage->is.snd_nxt + 100000; /* above all of the old (MAY-2) */
        wh_next_iss(stage->host, stage->is.next_iss);
    }
    if (scene->shut && scene->state < WH_CLOSE_WAIT && stage->is.rcv_wnd != 0)
        return stage_fail(stage, "the window is not closed");
    stage_wait(stage, 100 * WH_MILLISECOND);
    stage_clear(stage);
    return stage->why[0] == 0;
}

/* SPDX-License-Identifier: MIT */
#include "play.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PIECE 16384
#define DRIP 100
#define LOOK_EVERY (5 * WH_MILLISECOND)

/* What came of trying a step. */
enum went {
    WENT_NOWHERE, /* it waits */
    WENT_ON,      /* something was done; it is not finished */
    WENT_DONE,
};

bool play_fail(const struct party *end, const char *format, ...)
{
    const struct script *script = end->play->script[end->side];
    char text[200], step[64] = "the end of its script";
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (end->step < script->steps) {
        script_step_text(&script->step[end->step], step, sizeof step);
    }
    return stage_fail(end->play->stage, "%s, at '%s' (%u): %s",
                      end->side == 0 ? "client" : "server", step, end->step + 1, text);
}

static enum went failed(const struct party *end, const char *call, int result)
{
    play_fail(end, "%s: %s", call, wh_strerror(result));
    return WENT_NOWHERE;
}

/* The byte at this position of what a side sends. */
static uint8_t stream_byte(int side, uint64_t at)
{
    return (uint8_t)(at * 7 + (at >> 8) * 31 + (at >> 16) + (side == 0 ? 0 : 101));
}

static bool is_over(const wh_conn *conn)
{
    return (wh_ready(conn) & WH_DEAD) || wh_conn_state(conn) == WH_TIME_WAIT ||
           wh_conn_state(conn) == WH_CLOSED;
}

/*
 * Who waits for the clock or for the end alone does not ask to be told, at every
 * instant, of the data or the end of file that wait meanwhile.
 */
static void watch(const struct party *end, uint32_t conditions)
{
    if (end->conn != NULL) {
        wh_watch(end->conn, conditions);
    }
}

/* -------------------------------------------------------------- opening -- */

/* A script may open one connection after another. */
static enum went opened(struct party *end)
{
    end->sent = end->received = 0;
    end->eof = false;
    return WENT_DONE;
}

static enum went do_connect(struct party *end)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.local = end->here;
    options.remote = end->there;
    options.user = end;
    struct stage *stage = end->play->stage;
    int result = wh_connect(stage->host[end->side], &options, stage->now, &end->conn);
    return result == WH_OK ? opened(end) : failed(end, "wh_connect", result);
}

static enum went do_listen(struct party *end)
{
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local = end->here;
    options.user = end;
    int result = wh_listen(end->play->stage->host[end->side], &options, &end->listener);
    return result == WH_OK ? WENT_DONE : failed(end, "wh_listen", result);
}

static enum went do_unlisten(struct party *end)
{
    wh_listener_close(end->listener);
    end->listener = NULL;
    return WENT_DONE;
}

static enum went do_accept(struct party *end)
{
    if (end->conn == NULL && end->listener != NULL &&
        wh_accept(end->listener, end, &end->conn) < 0) {
        return WENT_NOWHERE;
    }
    return end->conn != NULL ? opened(end) : WENT_NOWHERE;
}

static enum went do_answer(struct party *end)
{
    if (end->syn == NULL) {
        return WENT_NOWHERE;
    }
    int result = wh_syn_accept(end->syn, end, &end->conn);
    end->syn = NULL;
    return result == WH_OK ? WENT_DONE : failed(end, "wh_syn_accept", result);
}

static enum went do_decline(struct party *end, bool refuse)
{
    if (end->syn == NULL) {
        return WENT_NOWHERE;
    }
    if (refuse) {
        wh_syn_refuse(end->syn, WH_REFUSE_RESET);
    } else {
        wh_syn_ignore(end->syn);
    }
    end->syn = NULL;
    return WENT_DONE;
}

/* In the order of RFC 9293 3.3.2, which is the order of the enumeration. */
static enum went do_until(const struct party *end, wh_state state)
{
    wh_state now = wh_conn_state(end->conn);
    if (now == WH_CLOSED && state != WH_CLOSED) {
        play_fail(end, "the connection is over: %s", wh_strerror(wh_conn_error(end->conn)));
        return WENT_NOWHERE;
    }
    return now >= state || now == WH_CLOSED ? WENT_DONE : WENT_NOWHERE;
}

static enum went wait_until(struct party *end, wh_time when)
{
    struct stage *stage = end->play->stage;
    if (!end->begun) {
        end->until = when;
        end->begun = true;
        watch(end, 0);
        stage_alarm(stage, when, end);
    }
    if (stage->now < end->until) {
        return WENT_NOWHERE;
    }
    watch(end, WH_WATCH_DEFAULT);
    return WENT_DONE;
}

/* ----------------------------------------------------------------- data -- */

static enum went send_up_to(struct party *end, uint64_t most, unsigned flags)
{
    static uint8_t data[PIECE];
    bool any = false;
    while (end->sent < end->goal) {
        uint64_t n = end->goal - end->sent;
        n = n < most ? n : most;
        n = n < PIECE ? n : PIECE;
        for (uint64_t i = 0; i < n; i++) {
            data[i] = stream_byte(end->side, end->sent + i);
        }
        int64_t taken = wh_send(end->conn, data, (size_t)n, flags);
        if (taken == WH_E_AGAIN) {
            return any ? WENT_ON : WENT_NOWHERE;
        }
        if (taken < 0) {
            return failed(end, "wh_send", (int)taken);
        }
        end->sent += (uint64_t)taken;
        any = true;
    }
    return WENT_DONE;
}

static enum went do_drip(struct party *end, const struct step *step)
{
    wh_time pause = (wh_time)step->b * WH_MILLISECOND;
    if (!end->begun) {
        end->last = end->sent + (uint64_t)step->a * DRIP;
    } else if (end->play->stage->now < end->until) {
        return WENT_NOWHERE;
    }
    end->goal = end->sent + DRIP;
    if (send_up_to(end, DRIP, 0) != WENT_DONE) {
        play_fail(end, "no room for a drop");
    }
    end->begun = false;
    if (end->sent >= end->last) {
        return WENT_DONE;
    }
    wait_until(end, end->play->stage->now + pause);
    return WENT_ON;
}

static enum went do_pipe(const struct party *end)
{
    int64_t result = wh_send(end->conn, "x", 1, 0);
    if (result != WH_E_PIPE) {
        play_fail(end, "wh_send answers %" PRId64, result);
    }
    return WENT_DONE;
}

/* Reads up to a position. */
static enum went read_up_to(struct party *end, uint64_t goal)
{
    static uint8_t data[PIECE];
    bool any = false;
    int sender = end->play->stage->plan.loop ? end->side : !end->side;
    while (end->received < goal && !end->eof) {
        uint64_t want = goal - end->received;
        int64_t n = wh_recv(end->conn, data, want < PIECE ? (size_t)want : PIECE);
        if (n == WH_E_AGAIN) {
            return any ? WENT_ON : WENT_NOWHERE;
        }
        if (n < 0) {
            return failed(end, "wh_recv", (int)n);
        }
        for (int64_t i = 0; i < n; i++) {
            if (data[i] != stream_byte(sender, end->received + (uint64_t)i)) {
                play_fail(end, "byte %" PRIu64 " is wrong", end->received + (uint64_t)i);
                return WENT_NOWHERE;
            }
        }
        end->received += (uint64_t)n;
        end->eof = n == 0;
        any = true;
    }
    return WENT_DONE;
}

static enum went do_read(struct party *end)
{
    enum went went = read_up_to(end, end->goal);
    if (went == WENT_DONE && end->received < end->goal) {
        play_fail(end, "end of file after %" PRIu64 " bytes", end->received);
    }
    return went;
}

static enum went do_sip(struct party *end, uint64_t bytes, wh_time pause)
{
    if (wait_until(end, end->play->stage->now + pause) != WENT_DONE) {
        return WENT_NOWHERE;
    }
    enum went went = read_up_to(end, end->received + bytes);
    end->begun = false;
    if (end->eof) {
        return WENT_DONE;
    }
    wait_until(end, end->play->stage->now + pause);
    return went == WENT_NOWHERE ? WENT_NOWHERE : WENT_ON;
}

static enum went do_urged(const struct party *end, uint64_t position)
{
    wh_info info = { .size = sizeof info };
    wh_info_get(end->conn, &info);
    if (info.urgent_left == 0) {
        return WENT_NOWHERE;
    }
    if (end->received + info.urgent_left != position) {
        play_fail(end, "urgent data ends with byte %" PRIu64, end->received + info.urgent_left);
    }
    return WENT_DONE;
}

/* -------------------------------------------------------------- closing -- */

static enum went do_shut(const struct party *end)
{
    int result = wh_shutdown(end->conn, WH_WRITE);
    return result == WH_OK ? WENT_DONE : failed(end, "wh_shutdown", result);
}

static enum went do_close(struct party *end, bool abort)
{
    if (abort) {
        wh_abort(end->conn);
    } else {
        wh_close(end->conn);
    }
    end->conn = NULL;
    return WENT_DONE;
}

static enum went do_end(struct party *end, int error)
{
    struct stage *stage = end->play->stage;
    if (!is_over(end->conn)) {
        watch(end, WH_DEAD);
        if (error == WH_OK && end->until <= stage->now) {
            /* TIME-WAIT is no event of its own: it must be looked for. */
            end->until = stage->now + LOOK_EVERY;
            stage_alarm(stage, end->until, end);
        }
        return WENT_NOWHERE;
    }
    if (wh_conn_error(end->conn) != error) {
        play_fail(end, "it ended so: %s", wh_strerror(wh_conn_error(end->conn)));
    }
    return WENT_DONE;
}

static enum went do_in(const struct party *end, wh_state state)
{
    wh_state now = wh_conn_state(end->conn);
    if (now != state) {
        play_fail(end, "it is in %s", wh_state_name(now));
    }
    return WENT_DONE;
}

/* ---------------------------------------------------------------- steps -- */

static enum went try_data(struct party *end, const struct step *step)
{
    bool sends = step->verb != VERB_READ;
    if (!end->begun) {
        uint64_t n = (uint64_t)step->a * (step->verb == VERB_WRITES ? (uint64_t)step->b : 1);
        end->goal = (sends ? end->sent : end->received) + n;
        end->begun = true;
    }
    switch (step->verb) {
    case VERB_SEND: return send_up_to(end, UINT64_MAX, 0);
    case VERB_MORE: return send_up_to(end, UINT64_MAX, WH_SEND_MORE);
    case VERB_URGENT: return send_up_to(end, UINT64_MAX, WH_SEND_URGENT);
    case VERB_WRITES: return send_up_to(end, (uint64_t)step->b, 0);
    default: return do_read(end);
    }
}

static enum went try_opening(struct party *end, const struct step *step)
{
    switch (step->verb) {
    case VERB_CONNECT: return do_connect(end);
    case VERB_LISTEN: return do_listen(end);
    case VERB_UNLISTEN: return do_unlisten(end);
    case VERB_ACCEPT: return do_accept(end);
    case VERB_ANSWER: return do_answer(end);
    case VERB_REFUSE: return do_decline(end, true);
    case VERB_IGNORE: return do_decline(end, false);
    default: return WENT_DONE; /* VERB_NOBODY */
    }
}

static enum went try_step(struct party *end, const struct step *step)
{
    struct play *play = end->play;
    switch (step->verb) {
    case VERB_CONNECTED: return do_until(end, WH_ESTABLISHED);
    case VERB_DRIP: return do_drip(end, step);
    case VERB_PIPE: return do_pipe(end);
    case VERB_READ_ALL: return read_up_to(end, UINT64_MAX);
    case VERB_SIP: return do_sip(end, (uint64_t)step->a, (wh_time)step->b * WH_MILLISECOND);
    case VERB_URGED: return do_urged(end, (uint64_t)step->a);
    case VERB_WAIT: return wait_until(end, play->stage->now + (wh_time)step->a * WH_MILLISECOND);
    case VERB_AT: return wait_until(end, play->began + (wh_time)step->a * WH_MILLISECOND);
    case VERB_SHUT: return do_shut(end);
    case VERB_CLOSE: return do_close(end, false);
    case VERB_ABORT: return do_close(end, true);
    case VERB_IN: return do_in(end, (wh_state)step->a);
    case VERB_UNTIL: return do_until(end, (wh_state)step->a);
    case VERB_DEAD: return do_end(end, WH_OK);
    case VERB_ERROR: return do_end(end, (int)step->a);
    case VERB_MUTE: play->mute[end->side] = true; return WENT_DONE;
    case VERB_ECHO: play->echo[end->side] = true; return WENT_DONE;
    case VERB_SET: {
        int result = wh_set(end->conn, (wh_option)step->a, step->b);
        return result == WH_OK ? WENT_DONE : failed(end, "wh_set", result);
    }
    case VERB_SEND:
    case VERB_MORE:
    case VERB_URGENT:
    case VERB_WRITES:
    case VERB_READ: return try_data(end, step);
    default: return try_opening(end, step);
    }
}

bool play_act(struct party *end)
{
    struct play *play = end->play;
    const struct script *script = play->script[end->side];
    bool acted = false;
    while (end->step < script->steps && play->stage->why[0] == 0) {
        enum went went = try_step(end, &script->step[end->step]);
        acted |= went != WENT_NOWHERE;
        if (went != WENT_DONE) {
            return acted;
        }
        end->step++;
        end->begun = false;
    }
    if (!end->done && play->stage->why[0] == 0) {
        end->done = true;
        acted = true;
        if (play->end[!end->side].done && play->finished != NULL) {
            play->finished(play);
        }
    }
    return acted;
}

void play_arrived(void *user, wh_conn *conn, wh_syn *syn)
{
    struct party *end = user;
    if (conn != NULL && end->conn != NULL) {
        play_fail(end, "a second connection arrived");
        return;
    }
    end->conn = conn != NULL ? conn : end->conn;
    end->syn = syn;
    play_act(end);
}

/* Told by the first step that opens. */
static uint16_t server_port(const struct script *server, uint16_t client)
{
    for (unsigned i = 0; i < server->steps; i++) {
        switch (server->step[i].verb) {
        case VERB_ACCEPT: return PORT_PLAIN;
        case VERB_ANSWER:
        case VERB_REFUSE:
        case VERB_IGNORE: return PORT_HOLD;
        case VERB_LISTEN: return client; /* one that no other play has at this address */
        case VERB_CONNECT: return PORT_ACTIVE;
        default: break;
        }
    }
    return PORT_NOBODY;
}

void play_begin(struct play *play, struct stage *stage, const struct script *client,
                const struct script *server, const struct place *place)
{
    memset(play->end, 0, sizeof play->end);
    memset(play->mute, 0, sizeof play->mute);
    memset(play->echo, 0, sizeof play->echo);
    play->stage = stage;
    play->began = stage->now;
    play->script[0] = client;
    play->script[1] = server;
    wh_endpoint here[2] = { { stage_address(place->v6, 0, place->address), place->port },
                            { stage_address(place->v6, 1, place->address),
                              server_port(server, place->port) } };
    if (stage->plan.loop) {
        here[1] = here[0];
    }
    for (int side = 0; side < 2; side++) {
        struct party *end = &play->end[side];
        end->play = play;
        end->side = side;
        end->here = here[side];
        end->there = here[!side];
    }
}

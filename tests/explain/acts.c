/* SPDX-License-Identifier: MIT */
#include "acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define NOISE_PORT 9000

/* ----------------------------------------------------------------- acts -- */

struct talk *talk_new(struct ground *ground, uint16_t port)
{
    struct talk *talk = &ground->talk[ground->talks];
    if (ground->talks == TALKS) {
        fputs("make-truth: too many connections in a case\n", stderr);
        exit(1);
    }
    memset(talk, 0, sizeof *talk);
    /* Two connections of a case have two ports. */
    uint16_t client_port =
        (uint16_t)(32768 + 2000 * ground->talks + luck_below(&ground->luck, 2000));
    talk->end[CLIENT] = (wh_endpoint){ ground->address[CLIENT], client_port };
    talk->end[SERVER] = (wh_endpoint){ ground->address[SERVER], port };
    talk->start = WH_NEVER;
    for (int side = 0; side < 2; side++) {
        talk->reads[side] = true;
        talk->answers_eof[side] = talk->close_at[side] = WH_NEVER;
    }
    ground->talks++;
    return talk;
}

void talk_connect(struct ground *ground, struct talk *talk)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.local = talk->end[CLIENT];
    options.remote = talk->end[SERVER];
    int result = wh_connect(ground->host[CLIENT], &options, ground->now, &talk->conn[CLIENT]);
    if (result < 0) {
        fprintf(stderr, "make-truth: wh_connect: %s\n", wh_strerror(result));
        exit(1);
    }
}

bool talk_open_at_both(const struct talk *talk)
{
    return talk->conn[SERVER] != NULL && talk->conn[CLIENT] != NULL &&
           wh_conn_state(talk->conn[CLIENT]) == WH_ESTABLISHED &&
           wh_conn_state(talk->conn[SERVER]) == WH_ESTABLISHED;
}

struct talk *talk_open(struct ground *ground)
{
    if (ground->listener[0] == NULL) {
        ground_listen(ground);
    }
    struct talk *talk = talk_new(ground, ground->port);
    talk_connect(ground, talk);
    wh_time limit = ground->now + 180 * WH_SECOND;
    while (!talk_open_at_both(talk) && ground_step(ground, limit)) {
    }
    ground->opened = ground->now;
    return talk;
}

void talk_send(struct talk *talk, enum side from, uint64_t bytes)
{
    static char text[4096];
    memset(text, 'a' + (from == SERVER), sizeof text);
    while (bytes > 0 && talk->conn[from] != NULL) {
        int64_t n = wh_send(talk->conn[from], text, MIN(bytes, sizeof text), 0);
        if (n <= 0) {
            break;
        }
        bytes -= (uint64_t)n;
    }
}

static uint64_t unacknowledged(const struct talk *talk, enum side side)
{
    wh_info info = { .size = sizeof info };
    if (talk->conn[side] == NULL || talk->dead[side]) {
        return 0;
    }
    wh_info_get(talk->conn[side], &info);
    return info.send_queued;
}

void talk_move(struct ground *ground, struct talk *talk, enum side from, uint64_t bytes)
{
    uint64_t target = talk->received[other(from)] + bytes;
    wh_time limit = ground->now + 300 * WH_SECOND;
    talk_send(talk, from, bytes);
    while ((talk->received[other(from)] < target || unacknowledged(talk, from) > 0) &&
           ground_step(ground, limit)) {
    }
}

void pause_briefly(struct ground *ground)
{
    ground_pass(ground, ground->variety.rtt +
                            luck_scale(&ground->luck, WH_MILLISECOND, 500 * WH_MILLISECOND));
}

void pause_trips(struct ground *ground, unsigned trips)
{
    ground_pass(ground, trips * (ground->variety.rtt * 5 / 4 + WH_MILLISECOND));
}

static void exchange(struct ground *ground, struct talk *talk, unsigned rounds, uint64_t most)
{
    for (unsigned i = 0; i < rounds; i++) {
        talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 1, 2000));
        if (luck_once_in(&ground->luck, 2)) {
            pause_briefly(ground);
        }
        talk_move(ground, talk, SERVER, luck_scale(&ground->luck, 1, most));
        if (luck_once_in(&ground->luck, 2)) {
            pause_briefly(ground);
        }
    }
}

void talk_chat(struct ground *ground, struct talk *talk)
{
    static const uint64_t sizes[] = { 500, 5000, 5000, 20000, 20000, 300000 };
    struct luck *luck = &ground->luck;
    unsigned kind = (unsigned)luck_below(luck, 8);
    if (kind == 0) {
        talk_move(ground, talk, CLIENT, luck_scale(luck, 1, 30000)); /* one way only */
    } else if (kind == 1) {
        talk_move(ground, talk, SERVER, luck_scale(luck, 1, 30000)); /* the server speaks first */
    } else if (kind < 7) {
        exchange(ground, talk, 1 + (unsigned)luck_below(luck, 3), sizes[luck_below(luck, 6)]);
    } /* else nobody says a word */
    pause_briefly(ground);
}

void talk_greet(struct ground *ground, struct talk *talk)
{
    exchange(ground, talk, 1 + (unsigned)luck_below(&ground->luck, 2), 8000);
    pause_briefly(ground);
}

void talk_close(struct talk *talk, enum side side)
{
    if (talk->conn[side] != NULL) {
        wh_close(talk->conn[side]);
        talk->conn[side] = NULL;
    }
}

void talk_shut(struct talk *talk, enum side side)
{
    if (talk->conn[side] != NULL) {
        (void)wh_shutdown(talk->conn[side], WH_WRITE);
    }
}

void talk_abort(struct talk *talk, enum side side)
{
    if (talk->conn[side] != NULL) {
        wh_abort(talk->conn[side]);
        talk->conn[side] = NULL;
    }
}

void later_traffic(struct ground *ground)
{
    struct talk *talk = talk_new(ground, NOISE_PORT);
    talk->noise = true;
    talk->start = ground->now;
    ground_pass(ground, 10 * ground->variety.rtt + WH_SECOND);
}

/* ------------------------------------------------- what goes by itself -- */

/* The server's end of a connection: of those with the same ports the last that was opened. */
static void give_to_talk(struct ground *ground, wh_conn *conn)
{
    wh_endpoint local, remote;
    wh_endpoints(conn, &local, &remote);
    for (unsigned i = ground->talks; i-- > 0;) {
        struct talk *talk = &ground->talk[i];
        if (talk->end[CLIENT].port == remote.port && talk->end[SERVER].port == local.port) {
            talk->conn[SERVER] = conn;
            talk->eof[SERVER] = talk->dead[SERVER] = false;
            return;
        }
    }
}

static bool accept_all(struct ground *ground)
{
    bool any = false;
    for (unsigned which = ground->accepts ? 0 : 1; which < 2; which++) {
        wh_conn *conn;
        while (ground->listener[which] != NULL &&
               wh_accept(ground->listener[which], NULL, &conn) >= 0) {
            give_to_talk(ground, conn);
            any = true;
        }
    }
    return any;
}

static bool read_all(struct ground *ground, struct talk *talk, enum side side)
{
    static uint8_t data[65536];
    bool any = false;
    int64_t n = -1;
    while (talk->reads[side] && (n = wh_recv(talk->conn[side], data, sizeof data)) > 0) {
        talk->received[side] += (uint64_t)n;
        any = true;
    }
    if (n == 0 && !talk->eof[side]) {
        talk->eof[side] = any = true;
        if (talk->answers_eof[side] != WH_NEVER) {
            talk->close_at[side] = ground->now + talk->answers_eof[side];
        }
    }
    if ((wh_ready(talk->conn[side]) & WH_DEAD) && !talk->dead[side]) {
        talk->dead[side] = any = true;
    }
    return any;
}

/* Noise: a request, its answer, and a close in order. */
static bool make_noise(struct ground *ground, struct talk *talk)
{
    if (talk->start <= ground->now && ground->host[CLIENT] != NULL &&
        ground->host[SERVER] != NULL) {
        talk->start = WH_NEVER;
        talk->answers_eof[SERVER] = 0;
        talk_connect(ground, talk);
        return true;
    }
    if (talk->conn[CLIENT] == NULL) {
        return false;
    }
    if (!talk->asked && wh_conn_state(talk->conn[CLIENT]) == WH_ESTABLISHED) {
        talk->asked = true;
        talk_send(talk, CLIENT, 100);
        return true;
    }
    if (talk->received[SERVER] == 100 && talk->conn[SERVER] != NULL) {
        talk->received[SERVER]++;
        talk_send(talk, SERVER, 700);
        return true;
    }
    if (talk->received[CLIENT] == 700) {
        talk_close(talk, CLIENT);
        return true;
    }
    return false;
}

bool talks_act(struct ground *ground)
{
    bool any = accept_all(ground);
    for (unsigned i = 0; i < ground->talks; i++) {
        struct talk *talk = &ground->talk[i];
        any |= talk->noise && make_noise(ground, talk);
        for (int side = 0; side < 2; side++) {
            any |= talk->conn[side] != NULL && read_all(ground, talk, side);
            if (talk->close_at[side] <= ground->now) {
                talk->close_at[side] = WH_NEVER;
                talk_close(talk, side);
                any = true;
            }
        }
    }
    return any;
}

wh_time talks_wake(const struct ground *ground)
{
    wh_time when = WH_NEVER;
    for (unsigned i = 0; i < ground->talks; i++) {
        const struct talk *talk = &ground->talk[i];
        if (ground->host[CLIENT] != NULL && ground->host[SERVER] != NULL) {
            when = MIN(when, talk->start);
        }
        when = MIN(when, talk->close_at[CLIENT]);
        when = MIN(when, talk->close_at[SERVER]);
    }
    return when;
}

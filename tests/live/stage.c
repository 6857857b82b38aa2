/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <wavehand/link.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

#define BATCH_MOST 64
#define EVENTS 16384
#define RECORDS 64
/* Rounds at one instant after which something must be going in circles. */
#define ROUNDS 100000
#define SEED 1
#define BACKLOG 65536

bool stage_fail(struct stage *stage, const char *format, ...)
{
    if (stage->why[0] == 0) {
        va_list list;
        va_start(list, format);
        vsnprintf(stage->why, sizeof stage->why, format, list);
        va_end(list);
    }
    return false;
}

wh_addr stage_address(bool v6, int side, unsigned number)
{
    uint8_t last = (uint8_t)(1 + side * CLIENT_ADDRESSES + (int)number);
    const wh_addr address = { { 0xfd, [15] = last } };
    return v6 ? address : wh_ipv4(10, 0, 0, last);
}

/* --------------------------------------------------------------- making -- */

struct setting_up {
    wh_stack *host;
};

static bool set_option(void *context, int option, int64_t value)
{
    const struct setting_up *up = context;
    return wh_stack_set(up->host, (wh_option)option, value) == WH_OK;
}

static bool make_host(struct stage *stage, int side)
{
    const struct stage_plan *plan = &stage->plan;
    wh_config config;
    wh_config_init(&config);
    config.memory = counted_memory(&stage->memory[side]);
    wh_seed(config.seed, SEED + (unsigned)side);
    config.mtu = plan->mtu;
    config.msl = plan->msl;
    config.trace_records = plan->trace_records;
    config.max_half_open = BACKLOG;
    config.max_held = BACKLOG;
    if (wh_stack_new(&stage->host[side], &config, STAGE_START) < 0) {
        return stage_fail(stage, "wh_stack_new");
    }
    for (unsigned i = 0; i < 2 * CLIENT_ADDRESSES; i++) {
        bool v6 = i >= CLIENT_ADDRESSES;
        wh_addr address = stage_address(v6, side, i % CLIENT_ADDRESSES);
        if (wh_address_add(stage->host[side], &address, v6 ? 64 : 24) < 0) {
            return stage_fail(stage, "wh_address_add");
        }
    }
    struct setting_up up = { stage->host[side] };
    for (int i = 0; i < 2; i++) {
        if (!script_options(plan->options[side][i], set_option, &up)) {
            return stage_fail(stage, "options '%s'", plan->options[side][i]);
        }
    }
    return true;
}

bool stage_make(struct stage *stage, const struct stage_plan *plan, const struct cast *cast)
{
    memset(stage, 0, sizeof *stage);
    stage->plan = *plan;
    stage->cast = *cast;
    stage->now = STAGE_START;
    stage->wire.loop = plan->loop;
    if (!make_host(stage, 0) || !make_host(stage, 1)) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        wh_listen_options options;
        wh_listen_options_init(&options);
        options.local.port = i == 0 ? PORT_PLAIN : PORT_HOLD;
        options.flags = i == 0 ? 0 : WH_LISTEN_HOLD;
        options.backlog = BACKLOG;
        if (wh_listen(stage->host[1], &options, &stage->listener[i]) < 0) {
            return stage_fail(stage, "wh_listen");
        }
    }
    for (int side = 0; side < 2; side++) {
        stage->empty[side] = stage->memory[side].now;
    }
    return true;
}

/* --------------------------------------------------------------- alarms -- */

void stage_alarm(struct stage *stage, wh_time when, void *user)
{
    if (stage->alarms == stage->room) {
        stage->room = stage->room == 0 ? 64 : 2 * stage->room;
        stage->alarm = realloc(stage->alarm, stage->room * sizeof *stage->alarm);
        if (stage->alarm == NULL) {
            abort();
        }
    }
    size_t at = stage->alarms++;
    for (; at > 0 && stage->alarm[(at - 1) / 2].when > when; at = (at - 1) / 2) {
        stage->alarm[at] = stage->alarm[(at - 1) / 2];
    }
    stage->alarm[at] = (struct alarm){ when, user };
}

static struct alarm take_alarm(struct stage *stage)
{
    struct alarm first = stage->alarm[0];
    struct alarm last = stage->alarm[--stage->alarms];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < stage->alarms; at = child) {
        if (child + 1 < stage->alarms && stage->alarm[child + 1].when < stage->alarm[child].when) {
            child++;
        }
        if (stage->alarm[child].when >= last.when) {
            break;
        }
        stage->alarm[at] = stage->alarm[child];
    }
    stage->alarm[at] = last;
    return first;
}

/* -------------------------------------------------------------- playing -- */

static void tell_records(struct stage *stage, int side)
{
    wh_trace_record records[RECORDS];
    size_t n;
    while (stage->cast.records != NULL &&
           (n = wh_trace(stage->host[side], records, RECORDS, NULL)) > 0) {
        stage->cast.records(stage->cast.context, side, records, n);
    }
}

static bool speak(struct stage *stage, int side)
{
    wh_frame frames[BATCH_MOST];
    bool spoke = false;
    size_t n;
    do {
        n = wh_output(stage->host[side], frames, stage->plan.batch, stage->now);
        tell_records(stage, side);
        for (size_t i = 0; i < n; i++) {
            wire_send(&stage->wire, side, &frames[i], stage->now);
        }
        wh_sent(stage->host[side], frames, n);
        spoke = spoke || n > 0;
    } while (n == stage->plan.batch);
    return spoke;
}

static bool hear(struct stage *stage, int side)
{
    struct parcel *parcel[BATCH_MOST];
    wh_frame frames[BATCH_MOST];
    size_t n = 0;
    while (n < stage->plan.batch &&
           (parcel[n] = wire_take(&stage->wire, side, stage->now)) != NULL) {
        frames[n] = (wh_frame){ .slice = { { parcel[n]->bytes, parcel[n]->length } },
                                .slices = 1,
                                .length = parcel[n]->length };
        n++;
    }
    if (n > 0) {
        wh_input(stage->host[side], frames, n, stage->now);
        tell_records(stage, side);
    }
    for (size_t i = 0; i < n; i++) {
        free(parcel[i]);
    }
    return n > 0;
}

static void accept_all(struct stage *stage, wh_listener *listener)
{
    wh_conn *conn;
    while (wh_accept(listener, NULL, &conn) >= 0) {
        wh_endpoint local, remote;
        wh_endpoints(conn, &local, &remote);
        void *user = stage->cast.find(stage->cast.context, &remote);
        if (user == NULL) {
            stage_fail(stage, "a connection that nobody opened, or a second one");
            wh_abort(conn);
            return;
        }
        wh_set_user(conn, user);
        stage->cast.arrived(user, conn, NULL);
    }
}

static void offer(struct stage *stage, const wh_event *event)
{
    if (event->ready & WH_WITHDRAWN) {
        wh_syn_ignore(event->syn);
        return;
    }
    wh_endpoint local, remote;
    wh_syn_endpoints(event->syn, &local, &remote);
    void *user = stage->cast.find(stage->cast.context, &remote);
    if (user == NULL) {
        wh_syn_ignore(event->syn); /* a SYN that comes again after its connection is over */
    } else {
        stage->cast.arrived(user, NULL, event->syn);
    }
}

static bool serve(struct stage *stage, int side)
{
    static wh_event events[EVENTS];
    size_t n = wh_events(stage->host[side], events, EVENTS);
    bool acted = false;
    for (size_t i = 0; i < n && stage->why[0] == 0; i++) {
        const wh_event *event = &events[i];
        if (event->listener != NULL && event->user == NULL) {
            accept_all(stage, event->listener);
            acted = true;
        } else if (event->syn != NULL) {
            offer(stage, event);
            acted = true;
        } else if (event->user != NULL) {
            acted |= stage->cast.act(event->user);
        }
    }
    return acted;
}

static bool ring(struct stage *stage)
{
    bool rang = false;
    while (stage->alarms > 0 && stage->alarm[0].when <= stage->now && stage->why[0] == 0) {
        struct alarm alarm = take_alarm(stage);
        stage->cast.act(alarm.user);
        rang = true;
    }
    return rang;
}

static bool applications(struct stage *stage)
{
    bool acted = serve(stage, 0);
    acted |= serve(stage, 1);
    acted |= ring(stage);
    return acted | (stage->cast.idle != NULL && stage->cast.idle(stage->cast.context));
}

wh_time stage_turn(struct stage *stage)
{
    bool busy = true;
    for (unsigned round = 0; busy && stage->why[0] == 0; round++) {
        busy = speak(stage, 0);
        busy |= speak(stage, 1);
        busy |= hear(stage, 0);
        busy |= hear(stage, 1);
        if (stage->plan.eager || !busy) {
            busy |= applications(stage);
        }
        if (round == ROUNDS) {
            stage_fail(stage, "no end of what happens at one instant");
        }
    }
    wh_time when = wire_wake(&stage->wire);
    for (int side = 0; side < 2; side++) {
        wh_time wake = wh_wake(stage->host[side]);
        when = wake < when ? wake : when;
    }
    if (stage->alarms > 0 && stage->alarm[0].when < when) {
        when = stage->alarm[0].when;
    }
    return when == WH_NEVER || when > stage->now ? when : stage->now + 1;
}

/* --------------------------------------------------------------- ending -- */

void stage_close(struct stage *stage)
{
    for (int i = 0; i < 2; i++) {
        if (stage->listener[i] != NULL) {
            wh_listener_close(stage->listener[i]);
        }
        stage->listener[i] = NULL;
    }
}

bool stage_is_empty(struct stage *stage)
{
    for (int side = 0; side < 2; side++) {
        wh_stats stats = { .size = sizeof stats };
        wh_stats_get(stage->host[side], &stats);
        const char *name = side == 0 ? "client" : "server";
        if (stats.connections + stats.half_open + stats.time_wait + stats.held + stats.timers +
                stats.frames_lent !=
            0) {
            return stage_fail(stage,
                              "left at the %s: %u connections, %u half-open, %u in TIME-WAIT, "
                              "%u held, %u timers, %u frames",
                              name, stats.connections, stats.half_open, stats.time_wait, stats.held,
                              stats.timers, stats.frames_lent);
        }
        if (stats.memory != stage->memory[side].now) {
            return stage_fail(stage, "the %s counts its memory otherwise than the hooks", name);
        }
        const char *broken = wh_check(stage->host[side]);
        if (broken != NULL) {
            return stage_fail(stage, "%s: %s", name, broken);
        }
    }
    return true;
}

size_t stage_kept(struct stage *stage, int side)
{
    struct counted *memory = &stage->memory[side];
    void *taken[64], *base;
    size_t n = 0, length;
    /*
     * A request that fails makes a host give back the chunks that it keeps for later,
     * and one fails only when no chunk of its size is kept: first the largest are
     * taken away until one fails, then they are given back and a small one is asked for.
     */
    memory->fail_at = memory->calls + 1;
    memory->fail_every = 1;
    while (n < 64 && (taken[n] = wh_buffer(stage->host[side], 65536, &base, &length)) != NULL) {
        n++;
    }
    while (n > 0) {
        wh_buffer_free(stage->host[side], taken[--n]);
    }
    if (wh_buffer(stage->host[side], 1, &base, &length) != NULL) {
        stage_fail(stage, "a host without memory still has buffers");
    }
    memory->fail_at = 0;
    return memory->now - stage->empty[side];
}

bool stage_free(struct stage *stage)
{
    for (int side = 0; side < 2; side++) {
        if (stage->host[side] != NULL) {
            wh_stack_free(stage->host[side]);
        }
        stage->host[side] = NULL;
        if (stage->memory[side].now != 0) {
            stage_fail(stage, "%zu bytes not given back with the %s's host",
                       stage->memory[side].now, side == 0 ? "client" : "server");
        }
    }
    wire_clear(&stage->wire);
    free(stage->alarm);
    stage->alarm = NULL;
    return stage->why[0] == 0;
}

/* SPDX-License-Identifier: MIT */
#include "cycles.h"

#include <stdlib.h>
#include <string.h>

#define MSL WH_SECOND
/* How long ports rest after a cycle: 2MSL, and then some. */
#define REST (4 * WH_SECOND)
#define FIRST_PORT 1024
#define PORTS 60000
#define PLACES (2 * CLIENT_ADDRESSES * PORTS)
/* Cycles begun at one instant, and how far instants are apart: not everything at once. */
#define AT_ONCE 32
#define PACE (100 * WH_MICROSECOND)
/* The invariants of all records are checked each so many cycles. */
#define CHECK_EVERY 20000

struct slot {
    struct play play;
    struct cycles *cycles;
    size_t order;
    uint32_t place;
};

/* --------------------------------------------------------------- places -- */

static struct place place_of(uint32_t number)
{
    return (struct place){ .v6 = number % 2 == 1,
                           .address = number / 2 % CLIENT_ADDRESSES,
                           .port = (uint16_t)(FIRST_PORT + number / (2 * CLIENT_ADDRESSES)) };
}

/* The number of the place whose client's end this is, or PLACES. */
static uint32_t place_at(const wh_endpoint *client)
{
    bool v6 = !wh_is_ipv4(&client->addr);
    unsigned address = client->addr.bytes[15] - 1U;
    if (address >= CLIENT_ADDRESSES || client->port < FIRST_PORT ||
        client->port - FIRST_PORT >= PORTS) {
        return PLACES;
    }
    return (uint32_t)(client->port - FIRST_PORT) * 2 * CLIENT_ADDRESSES + 2 * address + v6;
}

static void *find(void *context, const wh_endpoint *remote)
{
    struct cycles *cycles = context;
    uint32_t place = place_at(remote);
    struct slot *slot = place < PLACES ? cycles->by_place[place] : NULL;
    struct party *server = slot != NULL ? &slot->play.end[1] : NULL;
    bool waits = server != NULL && !server->done && server->conn == NULL && server->syn == NULL;
    return waits ? server : NULL;
}

/* ----------------------------------------------------------------- wire -- */

/* Source or destination of a TCP segment behind an IPv4 header without options, or IPv6's. */
static wh_endpoint end_of(const uint8_t *bytes, bool source)
{
    bool v6 = bytes[0] >> 4 == 6;
    const uint8_t *address = v6 ? bytes + (source ? 8 : 24) : bytes + (source ? 12 : 16);
    const uint8_t *port = bytes + (v6 ? 40 : 20) + (source ? 0 : 2);
    wh_endpoint end = { .port = (uint16_t)(port[0] << 8 | port[1]) };
    if (v6) {
        memcpy(end.addr.bytes, address, 16);
    } else {
        end.addr = wh_ipv4(address[0], address[1], address[2], address[3]);
    }
    return end;
}

static enum harm judge(void *context, int from, uint64_t number, uint8_t *bytes, size_t length)
{
    struct cycles *cycles = context;
    const wh_endpoint client = end_of(bytes, from == 0);
    uint32_t place = place_at(&client);
    struct slot *slot = place < PLACES ? cycles->by_place[place] : NULL;
    enum harm harm = HARM_NONE;
    (void)number;
    bool muted = slot != NULL ? slot->play.mute[from]
                              : place < PLACES && (cycles->muted[place] & 1U << from) != 0;
    if (muted) {
        harm = HARM_DROP;
    } else if (slot != NULL && slot->play.echo[from]) {
        slot->play.echo[from] = false;
        harm = HARM_DOUBLE;
    }
    drawing_harm(cycles->drawing, cycles->stage.now, from, harm, bytes, length);
    return harm;
}

/* --------------------------------------------------------------- making -- */

static bool act(void *user)
{
    struct party *end = user;
    struct stage *stage = end->play->stage;
    bool acted = play_act(end);
    struct slot *slot = (struct slot *)end->play; /* its first member */
    if (stage->why[0] != 0 && slot->cycles->culprit == order_count) {
        slot->cycles->culprit = slot->order;
    }
    return acted;
}

static void records(void *context, int side, const wh_trace_record *record, size_t n)
{
    struct cycles *cycles = context;
    drawing_records(cycles->drawing, side, record, n);
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

bool cycles_make(struct cycles *cycles, size_t slots, size_t only, struct drawing *drawing)
{
    memset(cycles, 0, sizeof *cycles);
    cycles->script = take(order_count, sizeof *cycles->script);
    cycles->finished = take(order_count, sizeof *cycles->finished);
    cycles->slot = take(slots, sizeof *cycles->slot);
    cycles->idle = take(slots, sizeof *cycles->idle);
    cycles->by_place = take(PLACES, sizeof *cycles->by_place);
    cycles->muted = take(PLACES, sizeof *cycles->muted);
    cycles->free_at = take(PLACES, sizeof *cycles->free_at);
    cycles->drawing = drawing;
    cycles->only = only;
    cycles->culprit = order_count;
    for (size_t i = 0; i < slots; i++) {
        cycles->slot[i].cycles = cycles;
        cycles->idle[cycles->idles++] = &cycles->slot[i];
    }
    cycles->slots = slots;
    const struct stage_plan plan = {
        .batch = 32, .mtu = 1500, .msl = MSL, .trace_records = drawing != NULL ? 256 : 0
    };
    const struct cast cast = { .context = cycles,
                               .find = find,
                               .arrived = play_arrived,
                               .act = act,
                               .records = drawing != NULL ? records : NULL };
    if (!stage_make(&cycles->stage, &plan, &cast)) {
        return false;
    }
    cycles->stage.wire.judge = judge;
    cycles->stage.wire.context = cycles;
    for (size_t i = 0; i < order_count; i++) {
        char *why = cycles->stage.why;
        size_t size = sizeof cycles->stage.why;
        if (!script_read(&cycles->script[i][0], orders[i].client, why, size) ||
            !script_read(&cycles->script[i][1], orders[i].server, why, size)) {
            cycles->culprit = i;
            return false;
        }
    }
    return true;
}

/* -------------------------------------------------------------- playing -- */

static void finished(struct play *play)
{
    struct slot *slot = (struct slot *)play; /* its first member */
    struct cycles *cycles = slot->cycles;
    const struct order *order = &orders[slot->order];
    cycles->finished[slot->order]++;
    cycles->by_place[slot->place] = NULL;
    cycles->muted[slot->place] = (uint8_t)(play->mute[0] | play->mute[1] << 1);
    cycles->free_at[slot->place] = cycles->stage.now + REST + order->rest * WH_SECOND;
    cycles->idle[cycles->idles++] = slot;
    cycles->under_way--;
}

/* A place where nothing is left of an earlier cycle; PLACES if none is near. */
static uint32_t free_place(struct cycles *cycles)
{
    for (unsigned tries = 0; tries < 4096; tries++) {
        uint32_t place = cycles->place;
        cycles->place = (cycles->place + 1) % PLACES;
        if (cycles->by_place[place] == NULL && cycles->free_at[place] <= cycles->stage.now) {
            return place;
        }
    }
    return PLACES;
}

static void start_one(struct cycles *cycles, uint32_t number)
{
    struct slot *slot = cycles->idle[--cycles->idles];
    const struct place place = place_of(number);
    slot->order = cycles->only < order_count ? cycles->only : cycles->next;
    cycles->next = (cycles->next + 1) % order_count;
    slot->place = number;
    slot->play.finished = finished;
    cycles->by_place[number] = slot;
    cycles->muted[number] = 0;
    cycles->to_start--;
    cycles->under_way++;
    struct script *script = cycles->script[slot->order];
    play_begin(&slot->play, &cycles->stage, &script[0], &script[1], &place);
    act(&slot->play.end[1]); /* a listener of its own must be there before the SYN is */
    act(&slot->play.end[0]);
}

static void start(struct cycles *cycles)
{
    for (unsigned i = 0; i < AT_ONCE && cycles->idles > 0 && cycles->to_start > 0; i++) {
        uint32_t number = free_place(cycles);
        if (number == PLACES || cycles->stage.why[0] != 0) {
            return;
        }
        start_one(cycles, number);
    }
}

static void check(struct cycles *cycles)
{
    for (int side = 0; side < 2; side++) {
        const char *broken = wh_check(cycles->stage.host[side]);
        if (broken != NULL) {
            stage_fail(&cycles->stage, "%s", broken);
        }
    }
}

bool cycles_play(struct cycles *cycles, uint64_t count, bool eager)
{
    struct stage *stage = &cycles->stage;
    uint64_t next_check = CHECK_EVERY;
    stage->plan.eager = eager;
    cycles->to_start = count;
    while (stage->why[0] == 0) {
        start(cycles);
        wh_time next = stage_turn(stage);
        if (cycles->to_start > 0 && cycles->idles > 0) {
            wh_time soon = stage->now + PACE;
            next = next < soon ? next : soon;
        }
        if (count - cycles->to_start >= next_check) {
            check(cycles);
            next_check += CHECK_EVERY;
        }
        if (next == WH_NEVER) {
            break;
        }
        stage->now = next;
    }
    if (stage->why[0] == 0 && (cycles->under_way > 0 || cycles->to_start > 0)) {
        for (size_t i = 0; i < cycles->slots && cycles->culprit == order_count; i++) {
            struct slot *slot = &cycles->slot[i];
            if (cycles->by_place[slot->place] == slot) {
                cycles->culprit = slot->order;
                const struct play *play = &slot->play;
                play_fail(&play->end[play->end[0].done], "nothing more happens");
            }
        }
    }
    return stage->why[0] == 0 && stage_is_empty(stage);
}

bool cycles_free(struct cycles *cycles)
{
    stage_close(&cycles->stage);
    bool good = stage_free(&cycles->stage);
    free(cycles->script);
    free(cycles->finished);
    free(cycles->slot);
    free(cycles->idle);
    free(cycles->by_place);
    free(cycles->muted);
    free(cycles->free_at);
    return good;
}

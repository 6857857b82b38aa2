/* SPDX-License-Identifier: MIT */
#include "ground.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acts.h"
#include "paper.h"
#include "scenario.h"

#define BATCH 64
#define NOISE_PORT 9000
#define START (3 * WH_SECOND)

static void must(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "make-truth: %s: %s\n", what, wh_strerror(result));
        exit(1);
    }
}

/* ----------------------------------------------------------------- luck -- */

uint64_t luck_below(struct luck *luck, uint64_t below)
{
    /* Weyl sequence and two multiplications, so that neighbouring seeds share nothing. */
    uint64_t z = luck->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 32) * UINT64_C(0xd6e8feb86659fd93);
    z = (z ^ z >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return (z ^ z >> 32) % below;
}

uint64_t luck_scale(struct luck *luck, uint64_t least, uint64_t most)
{
    uint64_t limit = least;
    unsigned doublings = 0;
    while (limit <= most / 2 && limit > 0) {
        limit *= 2;
        doublings++;
    }
    uint64_t low = least << luck_below(luck, doublings + 1);
    uint64_t answer = low + luck_below(luck, low);
    return answer < most ? answer : most;
}

static void draw_form(struct ground *ground)
{
    struct luck *luck = &ground->luck;
    struct variety *variety = &ground->variety;
    struct tape_form *form = &variety->form;
    form->ethernet = luck_once_in(luck, 2);
    /* Only a host knows which packets are its own, so the box writes the format without directions. */
    form->blocks = luck_once_in(luck, 2) && variety->vantage != AT_MIDDLE;
    form->coarse = luck_once_in(luck, 2);
    form->snap = luck_once_in(luck, 4) && !form->blocks ? (variety->ipv6 ? 128 : 96) : 65535;
}

static void draw_variety(struct ground *ground)
{
    struct luck *luck = &ground->luck;
    struct variety *variety = &ground->variety;
    variety->vantage = luck_below(luck, VANTAGES);
    variety->ipv6 = luck_once_in(luck, 3);
    variety->timestamps = !luck_once_in(luck, 3);
    variety->sack = !luck_once_in(luck, 4);
    variety->scaling = !luck_once_in(luck, 4);
    variety->jitter = luck_once_in(luck, 4);
    variety->wraps = luck_once_in(luck, 5);
    variety->box_first = luck_once_in(luck, 2);
    variety->rtt = luck_scale(luck, 100 * WH_MICROSECOND, 300 * WH_MILLISECOND);
    variety->noise = luck_once_in(luck, 2) ? 0 : 1 + (unsigned)luck_below(luck, 3);
    variety->lossy = luck_once_in(luck, 12);
    variety->offloads = luck_once_in(luck, 6);
    variety->one_way = luck_once_in(luck, 15);
    variety->late = !variety->lossy && luck_once_in(luck, 16);
    if (luck_once_in(luck, 2)) {
        variety->skew = (int64_t)luck_scale(luck, 1000, 5 * WH_SECOND) - (int64_t)(2 * WH_SECOND);
    }
    draw_form(ground);
}

/* --------------------------------------------------------------- making -- */

static void make_host(struct ground *ground, enum side side)
{
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    config.rst_ends_time_wait = ground->rst_ends_time_wait;
    config.link_features = ground->variety.offloads ? WH_TX_CHECKSUM | WH_TX_SEGMENTATION : 0;
    wh_seed(config.seed, 1 + luck_below(&ground->luck, UINT64_MAX));
    must(wh_stack_new(&ground->host[side], &config, ground->now), "wh_stack_new");
    must(wh_address_add(ground->host[side], &ground->address[side], ground->variety.ipv6 ? 16 : 8),
         "wh_address_add");
    wh_stack_set(ground->host[side], WH_OPT_TIMESTAMPS, ground->variety.timestamps);
    wh_stack_set(ground->host[side], WH_OPT_SACK, ground->variety.sack);
    wh_stack_set(ground->host[side], WH_OPT_WINDOW_SCALING, ground->variety.scaling);
    wh_stack_set(ground->host[side], WH_OPT_MTU_PROBING, 0);
    if (ground->variety.wraps) {
        wh_next_iss(ground->host[side], UINT32_MAX - (uint32_t)luck_below(&ground->luck, 3000));
    }
}

static void make_half(struct ground *ground, enum half half, wh_time delay)
{
    wh_path_options options;
    char spec[64], error[256];
    wh_path_options_init(&options);
    options.mtu = 1500;
    wh_seed(options.seed, 1 + luck_below(&ground->luck, UINT64_MAX));
    must(wh_path_new(&ground->half[half], &options), "wh_path_new");
    snprintf(spec, sizeof spec, "delay %" PRIu64 "ns", delay > 0 ? delay : 1);
    must(wh_path_fault(ground->half[half], spec, error, sizeof error), spec);
    if (ground->variety.jitter && half == NEAR_SERVER) {
        snprintf(spec, sizeof spec, "jitter %" PRIu64 "ns", delay / 5 + 1);
        must(wh_path_fault(ground->half[half], spec, error, sizeof error), spec);
    }
}

static wh_addr draw_address(struct ground *ground, enum side side)
{
    struct luck *luck = &ground->luck;
    uint8_t a = (uint8_t)(side * 100 + luck_below(luck, 100));
    uint8_t b = (uint8_t)luck_below(luck, 256), c = (uint8_t)(1 + luck_below(luck, 250));
    wh_addr v6 = { { 0xfd, 0, [4] = a, [5] = b, [15] = c } };
    return ground->variety.ipv6 ? v6 : wh_ipv4(10, a, b, c);
}

static void listen_at(struct ground *ground, unsigned which, uint16_t port, uint32_t backlog)
{
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local.port = port;
    options.backlog = backlog;
    must(wh_listen(ground->host[SERVER], &options, &ground->listener[which]), "wh_listen");
}

void ground_listen(struct ground *ground) { listen_at(ground, 0, ground->port, ground->backlog); }

static void make_noise(struct ground *ground)
{
    listen_at(ground, 1, NOISE_PORT, 128);
    for (unsigned i = 0; i < ground->variety.noise; i++) {
        struct talk *talk = talk_new(ground, NOISE_PORT);
        talk->noise = true;
        talk->start =
            ground->now + luck_below(&ground->luck, 4 * ground->variety.rtt + WH_MILLISECOND);
    }
}

/* What a scenario needs to be as it is. */
static void apply_flags(struct ground *ground, unsigned flags)
{
    struct variety *variety = &ground->variety;
    ground->all_matters = (flags & ALL_MATTERS) != 0;
    ground->rst_ends_time_wait = (flags & RST_ENDS_TIME_WAIT) != 0;
    variety->noise = flags & QUIET ? 0 : variety->noise;
    variety->timestamps =
        (variety->timestamps || (flags & NEEDS_TIMESTAMPS)) && !(flags & NEEDS_NO_TIMESTAMPS);
    variety->sack |= (flags & NEEDS_OPTIONS) != 0;
    variety->scaling |= (flags & NEEDS_OPTIONS) != 0;
}

void ground_make(struct ground *ground, uint64_t seed, unsigned flags)
{
    static const uint16_t ports[] = { 80, 443, 22, 5432, 8080, 6379 };
    memset(ground, 0, sizeof *ground);
    ground->luck.state = seed;
    ground->now = START;
    ground->opened = WH_NEVER;
    ground->accepts = true;
    ground->backlog = 128;
    draw_variety(ground);
    apply_flags(ground, flags);
    ground->port = ports[luck_below(&ground->luck, 6)];
    for (int side = 0; side < 2; side++) {
        ground->address[side] = draw_address(ground, side);
        ground->hops[side] = (uint8_t)(1 + luck_below(&ground->luck, 9));
        make_host(ground, side);
    }
    wh_time one_way = ground->variety.rtt / 2;
    wh_time first = one_way * (1 + luck_below(&ground->luck, 8)) / 10;
    make_half(ground, NEAR_CLIENT, first);
    make_half(ground, NEAR_SERVER, one_way - first);
    make_noise(ground);
    ground->subject = ground->talks;
}

void ground_free(struct ground *ground)
{
    for (int side = 0; side < 2; side++) {
        if (ground->host[side] != NULL) {
            wh_stack_free(ground->host[side]);
        }
        wh_path_free(ground->half[side]);
    }
    for (int point = 0; point < 3; point++) {
        tape_free(&ground->tape[point]);
    }
}

void ground_unplug(struct ground *ground, enum side side)
{
    for (unsigned i = 0; i < ground->talks; i++) {
        ground->talk[i].conn[side] = NULL;
    }
    if (ground->host[side] != NULL) {
        wh_stack_free(ground->host[side]);
    }
    ground->host[side] = NULL;
    ground->unplugged[side] = true;
    if (side == SERVER) {
        ground->listener[0] = ground->listener[1] = NULL;
    }
}

void ground_reboot(struct ground *ground, enum side side)
{
    ground_unplug(ground, side);
    ground->unplugged[side] = false;
    ground->variety.wraps = false;
    make_host(ground, side);
    if (side == SERVER) {
        listen_at(ground, 1, NOISE_PORT, 128);
    }
}

void ground_fault(struct ground *ground, enum half half, const char *format, ...)
{
    char rule[128], spec[160], error[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(rule, sizeof rule, format, arguments);
    va_end(arguments);
    snprintf(spec, sizeof spec, "%s port %u", rule, ground->port);
    if (wh_path_fault(ground->half[half], spec, error, sizeof error) < 0) {
        fprintf(stderr, "make-truth: %s: %s\n", spec, error);
        exit(1);
    }
}

void ground_truth(struct ground *ground, unsigned places, const char *expect, bool holds)
{
    for (int vantage = 0; vantage < VANTAGES; vantage++) {
        if (places & IN(vantage)) {
            ground->truth[vantage] = (struct truth){ expect, holds };
        }
    }
}

/* --------------------------------------------------------------- moving -- */

static void put_frame_on(struct ground *ground, enum half half, enum side from,
                         const wh_frame *frame)
{
    wh_path_send(ground->half[half], from == CLIENT ? WH_A_TO_B : WH_B_TO_A, frame, 1, ground->now);
}

static void put_on(struct ground *ground, enum half half, enum side from, const uint8_t *packet,
                   uint32_t length)
{
    wh_frame frame = { .slice = { { packet, length } }, .slices = 1, .length = length };
    put_frame_on(ground, half, from, &frame);
}

void ground_emit(struct ground *ground, enum side from, const uint8_t *packet, uint32_t length)
{
    tape_add(&ground->tape[from == CLIENT ? AT_CLIENT : AT_SERVER], ground->now, true, packet,
             length);
    put_on(ground, from == CLIENT ? NEAR_CLIENT : NEAR_SERVER, from, packet, length);
}

/* Is the point in the middle behind the box, for what comes from this side? */
static bool taped_behind(const struct ground *ground, enum side from)
{
    return ground->variety.box_first == (from == CLIENT);
}

void ground_inject(struct ground *ground, enum side to, const uint8_t *packet, uint32_t length)
{
    if (taped_behind(ground, other(to))) {
        tape_add(&ground->tape[AT_MIDDLE], ground->now, to == SERVER, packet, length);
    }
    put_on(ground, to == CLIENT ? NEAR_CLIENT : NEAR_SERVER, other(to), packet, length);
}

static bool send_all(struct ground *ground, enum side side)
{
    static uint8_t packet[65536];
    wh_frame frames[BATCH];
    if (ground->host[side] == NULL) {
        return false;
    }
    size_t n = wh_output(ground->host[side], frames, BATCH, ground->now);
    for (size_t i = 0; i < n; i++) {
        uint32_t length = 0;
        for (uint32_t k = 0; k < frames[i].slices; k++) {
            memcpy(packet + length, frames[i].slice[k].base, frames[i].slice[k].length);
            length += (uint32_t)frames[i].slice[k].length;
        }
        /* A capture here sees what the host has made; the path cuts it and completes it. */
        tape_add(&ground->tape[side == CLIENT ? AT_CLIENT : AT_SERVER], ground->now, true, packet,
                 length);
        put_frame_on(ground, side == CLIENT ? NEAR_CLIENT : NEAR_SERVER, side, &frames[i]);
    }
    wh_sent(ground->host[side], frames, n);
    return n > 0;
}

/* What has come through the half of `from` and goes on through the other. */
static bool cross(struct ground *ground, enum side from)
{
    wh_frame frames[BATCH];
    enum half in = from == CLIENT ? NEAR_CLIENT : NEAR_SERVER;
    enum half out = from == CLIENT ? NEAR_SERVER : NEAR_CLIENT;
    wh_direction way = from == CLIENT ? WH_A_TO_B : WH_B_TO_A;
    size_t n = wh_path_receive(ground->half[in], way, frames, BATCH, ground->now);
    for (size_t i = 0; i < n; i++) {
        uint8_t packet[2048];
        uint32_t length = MIN(frames[i].length, (uint32_t)sizeof packet);
        memcpy(packet, frames[i].slice[0].base, length);
        packet_travel(packet, ground->hops[in]);
        bool behind = taped_behind(ground, from);
        if (!behind) {
            tape_add(&ground->tape[AT_MIDDLE], ground->now, from == CLIENT, packet, length);
        }
        if (ground->box != NULL && !ground->box(ground, from, packet, length)) {
            continue;
        }
        if (behind) {
            tape_add(&ground->tape[AT_MIDDLE], ground->now, from == CLIENT, packet, length);
        }
        put_on(ground, out, from, packet, length);
    }
    return n > 0;
}

static bool receive_all(struct ground *ground, enum side side)
{
    wh_frame frames[BATCH];
    enum half half = side == CLIENT ? NEAR_CLIENT : NEAR_SERVER;
    wh_direction way = side == CLIENT ? WH_B_TO_A : WH_A_TO_B;
    size_t n = wh_path_receive(ground->half[half], way, frames, BATCH, ground->now);
    for (size_t i = 0; i < n; i++) {
        uint8_t packet[2048];
        uint32_t length = MIN(frames[i].length, (uint32_t)sizeof packet);
        memcpy(packet, frames[i].slice[0].base, length);
        packet_travel(packet, ground->hops[half]);
        tape_add(&ground->tape[side == CLIENT ? AT_CLIENT : AT_SERVER], ground->now, false, packet,
                 length);
        wh_frame frame = { .slice = { { packet, length } }, .slices = 1, .length = length };
        if (ground->host[side] != NULL) {
            wh_input(ground->host[side], &frame, 1, ground->now);
        }
    }
    return n > 0;
}

/* All that happens at this instant. Programs act before their host sends, as prompt ones do. */
static void settle(struct ground *ground)
{
    bool busy = true;
    for (unsigned round = 0; busy && round < 100000; round++) {
        busy = receive_all(ground, CLIENT) | receive_all(ground, SERVER);
        busy |= talks_act(ground);
        busy |= send_all(ground, CLIENT) | send_all(ground, SERVER);
        busy |= cross(ground, CLIENT) | cross(ground, SERVER);
    }
}

static wh_time earliest(const struct ground *ground)
{
    wh_time when = talks_wake(ground);
    for (int side = 0; side < 2; side++) {
        wh_time wake = wh_path_wake(ground->half[side]);
        when = MIN(when, wake);
        wake = ground->host[side] != NULL ? wh_wake(ground->host[side]) : WH_NEVER;
        when = MIN(when, wake);
    }
    return when;
}

bool ground_step(struct ground *ground, wh_time limit)
{
    settle(ground);
    wh_time next = earliest(ground);
    if (next > limit) {
        return false;
    }
    ground->now = next > ground->now ? next : ground->now + 1;
    settle(ground);
    return true;
}

void ground_pass(struct ground *ground, wh_time duration)
{
    wh_time end = ground->now + duration;
    while (ground_step(ground, end)) {
    }
    ground->now = MAX(ground->now, end);
    settle(ground);
}

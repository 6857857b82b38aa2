/* SPDX-License-Identifier: MIT */
/* The device between the ends, what goes wrong on it, and what crossed it. */
#include "pair.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/seq.h"

/* --------------------------------------------------------------- a stack -- */

void pair_new_stack(struct pair *pair)
{
    wh_addr addr = other_addr(pair->six);
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    config.msl = WH_SECOND;
    wh_seed(config.seed, 0);
    if (pair->host != NULL)
        wh_stack_free(pair->host);
    pair->host = NULL;
    EXPECT(pair, wh_stack_new(&pair->host, &config, wh_clock()) == WH_OK);
    EXPECT(pair, wh_address_add(pair->host, &addr, pair->six ? 64 : 24) == WH_OK);
}

static void end_init(struct pair *pair, struct end *end, bool ours)
{
    *end = (struct end){ .pair = pair,
                         .ours = ours,
                         .port = (uint16_t)(10000 + pair->next_port++ % 50000),
                         .result = WH_E_AGAIN };
}

void pair_begin(struct pair *pair, bool ours_first)
{
    pair->crossings = 0;
    pair->faults = 0;
    pair->why[0] = 0;
    end_init(pair, &pair->x, ours_first);
    end_init(pair, &pair->y, !ours_first);
    for (unsigned i = 0; i < CROWD; i++)
        end_init(pair, &pair->crowd[i], ours_first);
    pair_new_stack(pair);
}

static void end_gone(struct end *end)
{
    if (end->fd != 0 || end->conn != NULL)
        end_abort(end);
    if (end->listening != 0 || end->listener != NULL)
        end_unlisten(end);
}

const char *pair_end(struct pair *pair)
{
    const char *broken = wh_check(pair->host);
    pair_mend(pair);
    end_gone(&pair->x);
    end_gone(&pair->y);
    for (unsigned i = 0; i < CROWD; i++)
        end_gone(&pair->crowd[i]);
    pair_move(pair);
    wh_stack_free(pair->host);
    pair->host = NULL;
    return broken;
}

void pair_fail(struct pair *pair, const char *file, int line, const char *what)
{
    const char *base = strrchr(file, '/');
    (void)snprintf(pair->why, sizeof pair->why, "%s:%d: %s; states %s, %s", base ? base + 1 : file,
                   line, what, wh_state_name(end_state(&pair->x)),
                   wh_state_name(end_state(&pair->y)));
    longjmp(pair->failed, 1);
}

/* ------------------------------------------------------------ the device -- */

void pair_fault(struct pair *pair, struct fault fault)
{
    EXPECT(pair, pair->faults < FAULTS);
    pair->fault[pair->faults++] = fault;
}

void pair_mend(struct pair *pair) { pair->faults = 0; }

static bool strikes(struct fault *fault, bool ours, const struct segment *segment)
{
    if (fault->from->ours != ours || (segment->flags & fault->mask) != fault->want ||
        (fault->bare && segment->length > 0) || (fault->data && segment->length == 0) ||
        fault->met++ < fault->skip || (fault->times != 0 && fault->hit == fault->times) ||
        (fault->every != 0 && fault->met % fault->every != 0))
        return false;
    fault->hit++;
    return true;
}

/* How often a frame arrives; a segment is written down. */
static unsigned arrivals(struct pair *pair, bool ours, const struct frame *frame)
{
    struct segment segment;
    unsigned times = 1;
    if (!wire_take(&segment, frame->bytes, frame->length))
        return 1;
    for (unsigned i = 0; i < pair->faults; i++)
        if (strikes(&pair->fault[i], ours, &segment))
            times = pair->fault[i].twice ? 2 : 0;
    if (pair->crossings < CROSSINGS)
        pair->crossing[pair->crossings++] =
            (struct crossing){ ours, times == 0, wh_clock(), segment };
    return times;
}

void pair_out(struct pair *pair)
{
    wh_frame frames[32];
    struct frame flat;
    size_t n;
    while ((n = wh_output(pair->host, frames, 32, wh_clock())) > 0) {
        for (size_t i = 0; i < n; i++) {
            wire_flatten(&flat, &frames[i]);
            for (unsigned times = arrivals(pair, true, &flat); times > 0; times--) {
                wh_frame out = wire_frame(&flat);
                (void)wh_tun_write(pair->tun, &out, 1); /* a full device is a lossy wire */
            }
        }
        wh_sent(pair->host, frames, n);
    }
}

static int take(struct pair *pair, int cap)
{
    wh_frame frames[32];
    struct frame flat;
    int n = wh_tun_read(pair->tun, NULL, frames, (size_t)cap);
    for (int i = 0; i < n; i++) {
        wire_flatten(&flat, &frames[i]);
        for (unsigned times = arrivals(pair, false, &flat); times > 0; times--)
            wh_input(pair->host, &frames[i], 1, wh_clock());
    }
    return n;
}

void pair_in(struct pair *pair)
{
    while (take(pair, 32) > 0)
        ;
}

void pair_move(struct pair *pair)
{
    pair_out(pair);
    while (take(pair, 1) > 0)
        pair_out(pair);
}

void pair_wait(struct pair *pair)
{
    struct pollfd device = { .fd = wh_tun_fd(pair->tun), .events = POLLIN };
    wh_time now = wh_clock(), wake = wh_wake(pair->host);
    /* The kernel's timers change things without a frame: look again soon. */
    (void)poll(&device, 1, wake <= now + WH_MILLISECOND ? 1 : 3);
}

/* ------------------------------------------------------ what crossed it -- */

static bool matches(const struct crossing *crossing, const struct end *end, uint16_t mask,
                    uint16_t want)
{
    const struct segment *segment = &crossing->segment;
    uint16_t port = segment->tuple.local_port;
    return crossing->ours == end->ours && port == end->port && (segment->flags & mask) == want;
}

unsigned pair_count(const struct pair *pair, const struct end *end, uint16_t mask, uint16_t want,
                    unsigned from)
{
    unsigned count = 0;
    for (unsigned i = from; i < pair->crossings; i++)
        count += matches(&pair->crossing[i], end, mask, want);
    return count;
}

static bool repeats(const struct crossing *a, const struct crossing *b)
{
    return a->ours == b->ours && a->segment.seq == b->segment.seq &&
           a->segment.ack == b->segment.ack && a->segment.length == b->segment.length &&
           ((a->segment.flags ^ b->segment.flags) & (WH_SYN | WH_FIN | WH_RST | WH_ACK)) == 0;
}

unsigned pair_distinct(const struct pair *pair, const struct end *end, uint16_t mask, uint16_t want,
                       unsigned from)
{
    unsigned count = 0;
    for (unsigned i = from; i < pair->crossings; i++) {
        const struct crossing *crossing = &pair->crossing[i];
        unsigned earlier = from;
        while (earlier < i && !repeats(&pair->crossing[earlier], crossing))
            earlier++;
        count += earlier == i && (end == NULL || matches(crossing, end, mask, want));
    }
    return count;
}

const struct crossing *pair_find(struct pair *pair, const struct end *end, uint16_t mask,
                                 uint16_t want, unsigned number)
{
    for (unsigned i = 0; i < pair->crossings; i++)
        if (matches(&pair->crossing[i], end, mask, want) && number-- == 0)
            return &pair->crossing[i];
    pair_fail(pair, __FILE__, __LINE__, "a segment that should have crossed has not");
}

/* --------------------------------------------------------- common to plays -- */

void pair_open(struct pair *pair, struct end *client, struct end *server)
{
    if (server->listening == 0 && server->listener == NULL)
        EXPECT(pair, end_listen(server, 8) == 0);
    EXPECT(pair, end_connect(client, server) == 0);
    UNTIL(pair, end_connected(client) && end_accept(server) == 0);
}

void pair_receive(struct pair *pair, struct end *end, uint64_t all)
{
    UNTIL(pair, end_read(end) <= 0 && end->received >= all);
    EXPECT(pair, end->received == all);
}

void pair_end_of_file(struct pair *pair, struct end *end)
{
    UNTIL(pair, end_read(end) != WH_E_AGAIN);
    EXPECT(pair, end->result == 0);
}

void pair_states(struct pair *pair, wh_state x, wh_state y)
{
    UNTIL(pair, end_state(&pair->x) == x && end_state(&pair->y) == y);
}

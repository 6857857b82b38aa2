/* SPDX-License-Identifier: MIT */
/*
 * Two hosts over a path that carries less than their links: silently or telling so, from the
 * beginning, from some moment on, or no longer; and somebody who only claims it does.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "link/split.h"
#include "tap.h"
#include "wire/icmp.h"
#include "wire/segment.h"
#include "world.h"

enum { A, B, SIDES };
enum { PACKET_MAX = 9000, FLYING = 4096 };

/* 20 Mbit/s, 10 ms each way, and a queue of 20 ms. */
#define BYTE_TIME 400
#define DELAY (10 * WH_MILLISECOND)
#define QUEUE (20 * WH_MILLISECOND)
#define START WH_SECOND

/* What a test is about. */
struct shape {
    bool v6, told, offload;
    uint32_t link; /* MTU of both hosts; 0: 1500 */
    uint32_t mtu;  /* of the path */
    wh_time at;    /* ... which from then on has this one, if not 0 */
    uint32_t then;
    int64_t probing; /* WH_OPT_MTU_PROBING */
    uint64_t bytes;  /* to be transferred */
    uint32_t piece;  /* ... so many in each `every`, if not 0 */
    wh_time every;
    uint32_t lie; /* somebody claims this MTU for the oldest packet in flight, each ms */
    wh_time lie_from;
    wh_time most; /* it must be over by then, from the start */
};

/* One direction of the path: packets in the order in which they will arrive. */
struct way {
    struct {
        wh_time due;
        size_t length;
        uint8_t bytes[PACKET_MAX];
    } flying[FLYING];
    unsigned first, count;
    wh_time free; /* when the link has sent what waits */
    unsigned oversize, overflow, longest;
};

struct net {
    const struct shape *shape;
    wh_stack *host[SIDES];
    struct way way[SIDES]; /* by sender */
    struct counted memory[SIDES];
    wh_time now, next_lie;
    uint8_t quoted[PACKET_MAX]; /* the newest data packet of A */
    size_t quoted_length;
};

struct ends {
    wh_listener *listener;
    wh_conn *from, *to;
    uint64_t sent, received;
};

static void put_on(struct net *net, int from, const uint8_t *bytes, size_t length)
{
    struct way *way = &net->way[from];
    wh_time queue = way->free > net->now ? way->free - net->now : 0;
    if (queue > QUEUE || way->count == FLYING) {
        way->overflow++;
        return;
    }
    way->free = MAX(way->free, net->now) + length * BYTE_TIME;
    unsigned at = (way->first + way->count++) % FLYING;
    way->flying[at].due = way->free + DELAY;
    way->flying[at].length = length;
    memcpy(way->flying[at].bytes, bytes, length);
}

static void tell(struct net *net, int to, const uint8_t *bytes, size_t length, uint32_t mtu)
{
    uint8_t answer[1280];
    struct packet packet;
    if (ip_parse(&packet, bytes, length) != WH_WHY_NONE) {
        abort();
    }
    struct icmp_error error = { .source = &packet.destination,
                                .destination = &packet.source,
                                .kind = ICMP_TOO_BIG,
                                .mtu = mtu,
                                .quoted = bytes,
                                .quoted_length = MIN(length, 200) };
    put_on(net, !to, answer, icmp_build_error(answer, sizeof answer, &error, checksum_best()));
}

static uint32_t path_mtu(const struct net *net)
{
    const struct shape *shape = net->shape;
    bool later = shape->at != 0 && net->now >= START + shape->at;
    return later ? shape->then : shape->mtu;
}

static void carry(struct net *net, int side, const uint8_t *bytes, size_t length)
{
    struct way *way = &net->way[side];
    if (side == A && length > 500) {
        memcpy(net->quoted, bytes, length);
        net->quoted_length = length;
    }
    if (length <= path_mtu(net)) {
        way->longest = MAX(way->longest, (unsigned)length);
        put_on(net, side, bytes, length);
        return;
    }
    way->oversize++;
    if (net->shape->told) {
        tell(net, side, bytes, length, path_mtu(net));
    }
}

static void enqueue(struct net *net, int side, const wh_frame *frame)
{
    uint8_t bytes[PACKET_MAX];
    struct split split;
    split_begin(&split, frame, WH_LINK_IP, checksum_best());
    for (size_t length; (length = split_length(&split)) > 0;) {
        if (length > sizeof bytes) {
            abort();
        }
        split_next(&split, bytes);
        carry(net, side, bytes, length);
    }
}

static wh_time due(const struct way *way)
{
    return way->count > 0 ? way->flying[way->first].due : WH_NEVER;
}

static void lie(struct net *net)
{
    const struct shape *shape = net->shape;
    if (shape->lie == 0 || net->now < START + shape->lie_from || net->now < net->next_lie ||
        net->quoted_length == 0) {
        return;
    }
    net->next_lie = net->now + WH_MILLISECOND;
    tell(net, A, net->quoted, net->quoted_length, shape->lie);
}

/* Moves everything that may move at this instant; returns when something is due. */
static wh_time turn(struct net *net)
{
    wh_time next = WH_NEVER;
    lie(net);
    for (int side = 0; side < SIDES; side++) {
        struct way *to = &net->way[!side];
        while (due(to) <= net->now) {
            wh_frame frame = { .slice = { { to->flying[to->first].bytes,
                                            to->flying[to->first].length } },
                               .slices = 1,
                               .length = (uint32_t)to->flying[to->first].length };
            wh_input(net->host[side], &frame, 1, net->now);
            to->first = (to->first + 1) % FLYING;
            to->count--;
        }
        wh_frame frames[64];
        size_t n;
        while ((n = wh_output(net->host[side], frames, 64, net->now)) > 0) {
            for (size_t i = 0; i < n; i++) {
                enqueue(net, side, &frames[i]);
            }
            wh_sent(net->host[side], frames, n);
        }
    }
    for (int side = 0; side < SIDES; side++) {
        next = MIN(next, MIN(due(&net->way[side]), wh_wake(net->host[side])));
    }
    return next;
}

static void net_begin(struct net *net, const struct shape *shape)
{
    memset(net, 0, sizeof *net);
    net->shape = shape;
    net->now = START;
    for (int side = 0; side < SIDES; side++) {
        wh_config config;
        wh_addr addr;
        const char *const names[] = { "10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2" };
        wh_config_init(&config);
        config.memory = counted_memory(&net->memory[side]);
        config.mtu = shape->link != 0 ? shape->link : 1500;
        config.link_features = shape->offload ? WH_TX_CHECKSUM | WH_TX_SEGMENTATION : 0;
        wh_seed(config.seed, (uint64_t)side + 1);
        bool made = wh_addr_parse(names[2 * side + shape->v6], &addr) >= 0 &&
                    wh_stack_new(&net->host[side], &config, net->now) >= 0 &&
                    wh_address_add(net->host[side], &addr, shape->v6 ? 64 : 24) >= 0 &&
                    wh_stack_set(net->host[side], WH_OPT_MTU_PROBING, shape->probing) >= 0;
        if (!made) {
            abort();
        }
    }
}

/* A byte of the stream, by its place. */
static uint8_t byte_at(uint64_t at) { return (uint8_t)(at * 13 + (at >> 9)); }

/* What the application may have sent by now. */
static uint64_t allowance(const struct net *net)
{
    const struct shape *shape = net->shape;
    if (shape->piece == 0) {
        return shape->bytes;
    }
    return MIN(shape->bytes, ((net->now - START) / shape->every + 1) * shape->piece);
}

static void write_and_read(const struct net *net, struct ends *ends)
{
    static uint8_t data[16384];
    uint64_t allowed = allowance(net);
    while (ends->sent < allowed) {
        size_t n = MIN(sizeof data, allowed - ends->sent);
        for (size_t i = 0; i < n; i++) {
            data[i] = byte_at(ends->sent + i);
        }
        int64_t taken = wh_send(ends->from, data, n, 0);
        if (taken <= 0) {
            break;
        }
        ends->sent += (uint64_t)taken;
    }
    int64_t n;
    while (ends->to != NULL && (n = wh_recv(ends->to, data, sizeof data)) > 0) {
        for (int64_t i = 0; i < n; i++) {
            tap_expect(data[i] == byte_at(ends->received + (uint64_t)i),
                       "the bytes are those sent");
        }
        ends->received += (uint64_t)n;
    }
}

/* The transfer; tells how it went in the end. */
static void transfer(struct net *net, const struct shape *shape, wh_info *info)
{
    struct ends ends = { 0 };
    wh_listen_options listen;
    wh_connect_options connect;
    net_begin(net, shape);
    wh_listen_options_init(&listen);
    listen.local.port = 80;
    wh_connect_options_init(&connect);
    (void)wh_addr_parse(shape->v6 ? "fd00::2" : "10.0.0.2", &connect.remote.addr);
    connect.remote.port = 80;
    if (wh_listen(net->host[B], &listen, &ends.listener) < 0 ||
        wh_connect(net->host[A], &connect, net->now, &ends.from) < 0) {
        abort();
    }
    wh_time end = START + shape->most;
    while (ends.received < shape->bytes && net->now < end) {
        if (ends.to == NULL && wh_accept(ends.listener, NULL, &ends.to) < 0) {
            ends.to = NULL;
        }
        write_and_read(net, &ends);
        wh_time next = turn(net);
        write_and_read(net, &ends);
        if (shape->piece != 0) {
            next = MIN(next, net->now - (net->now - START) % shape->every + shape->every);
        }
        if (shape->lie != 0) {
            next = MIN(next, net->now + WH_MILLISECOND);
        }
        net->now = MAX(net->now + 1, MIN(next, end));
    }
    tap_expect(ends.received == shape->bytes, "everything arrives in time");
    *info = (wh_info){ .size = sizeof *info };
    wh_info_get(ends.from, info);
    tap_expect(wh_check(net->host[A]) == NULL && wh_check(net->host[B]) == NULL, "wh_check");
}

static void net_end(struct net *net)
{
    for (int side = 0; side < SIDES; side++) {
        wh_stack_free(net->host[side]);
        tap_expect(net->memory[side].now == 0, "no memory is left behind");
    }
}

static struct net net;

/* Bytes of the packets that leave now: every segment bears timestamps. */
static uint32_t packet_of(const struct shape *shape, const wh_info *info)
{
    return info->mss + 12 + 20 + (shape->v6 ? 40 : 20);
}

static uint64_t told(wh_reason reason) { return wh_count(net.host[A], reason); }

static void black_hole(bool v6, bool offload, uint32_t mtu)
{
    const struct shape shape = { .v6 = v6,
                                 .offload = offload,
                                 .mtu = mtu,
                                 .probing = 1,
                                 .bytes = 10000000,
                                 .most = 7 * WH_SECOND };
    wh_info info;
    transfer(&net, &shape, &info);
    uint32_t packet = packet_of(&shape, &info);
    tap_expect(told(WH_WHY_MTU_BLACK_HOLE) == 1 && told(WH_WHY_RETRANSMIT_TIMEOUT) == 2,
               "two timeouts tell");
    tap_expect(packet <= mtu && packet + 40 > mtu, "the search comes close to what passes");
    tap_expect(net.way[A].oversize < 60, "probes are few");
    net_end(&net);
}

static void black_hole_4(void) { black_hole(false, false, 1400); }
static void black_hole_6(void) { black_hole(true, false, 1400); }
static void black_hole_narrow_4(void) { black_hole(false, false, 1300); }
static void black_hole_narrow_6(void) { black_hole(true, false, 1300); }
static void black_hole_offload(void)
{
    black_hole(false, true, 1400);
    black_hole(true, true, 1400);
}

/* Less than what IPv6 asks for: the floor, after two timeouts more. */
static void deep_black_hole(void)
{
    const struct shape shape = {
        .mtu = 800, .probing = 1, .bytes = 6000000, .most = 15 * WH_SECOND
    };
    wh_info info;
    transfer(&net, &shape, &info);
    tap_expect(told(WH_WHY_MTU_BLACK_HOLE) == 2 && packet_of(&shape, &info) <= 800, "found twice");
    net_end(&net);
}

static void told_at_once(bool v6)
{
    const struct shape shape = {
        .v6 = v6, .told = true, .mtu = 1400, .probing = 1, .bytes = 10000000, .most = 6 * WH_SECOND
    };
    wh_info info;
    transfer(&net, &shape, &info);
    tap_expect(packet_of(&shape, &info) == 1400, "exactly what was told");
    tap_expect(told(WH_WHY_RETRANSMIT_TIMEOUT) == 0 && told(WH_WHY_MTU_PROBE) == 0,
               "no timeout, no probe");
    tap_expect(net.way[A].oversize <= 10, "the initial window at most is lost");
    net_end(&net);
}

static void told_4(void) { told_at_once(false); }
static void told_6(void) { told_at_once(true); }

/* Half a second after the start the path becomes narrower. */
static void narrows(bool v6, bool by_icmp)
{
    const struct shape shape = { .v6 = v6,
                                 .told = by_icmp,
                                 .mtu = 1500,
                                 .at = 500 * WH_MILLISECOND,
                                 .then = 1300,
                                 .probing = 1,
                                 .bytes = 10000000,
                                 .most = 9 * WH_SECOND };
    wh_info info;
    transfer(&net, &shape, &info);
    uint32_t packet = packet_of(&shape, &info);
    tap_expect(packet <= 1300 && packet + 40 > 1300, "what passes now");
    tap_expect(!by_icmp || told(WH_WHY_ICMP_TOO_BIG_DOUBTED) > 0,
               "news against experience is doubted first");
    tap_expect(told(WH_WHY_MTU_BLACK_HOLE) == !by_icmp, "silence is found by timeouts alone");
    net_end(&net);
}

static void narrows_silently(void)
{
    narrows(false, false);
    narrows(true, false);
}

static void narrows_telling(void)
{
    narrows(false, true);
    narrows(true, true);
}

/* What was narrow becomes wide: ten minutes later it is noticed. */
static void widens(bool v6, bool by_icmp, int64_t probing)
{
    const struct shape shape = { .v6 = v6,
                                 .told = by_icmp,
                                 .mtu = 1400,
                                 .at = 60 * WH_SECOND,
                                 .then = 1500,
                                 .probing = probing,
                                 .bytes = UINT64_C(50000) * 700,
                                 .piece = 50000,
                                 .every = WH_SECOND,
                                 .most = 701 * WH_SECOND };
    wh_info info;
    transfer(&net, &shape, &info);
    tap_expect(packet_of(&shape, &info) == 1500, "the size is the largest again");
    tap_expect(probing == 0 || told(WH_WHY_MTU_RAISED) > 0, "by a probe");
    net_end(&net);
}

static void widens_after_silence(void)
{
    widens(false, false, 1);
    widens(true, false, 1);
}

static void widens_after_icmp(void)
{
    widens(false, true, 1);
    widens(true, true, 1);
    widens(false, true, 0);
}

/* Forged messages name what is in flight, from the beginning: no smaller than the floor. */
static void lied_to_early(void)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const struct shape shape = { .v6 = v6 != 0,
                                     .mtu = 1500,
                                     .probing = 1,
                                     .bytes = 2000000,
                                     .lie = 68,
                                     .most = 3 * WH_SECOND };
        wh_info info;
        transfer(&net, &shape, &info);
        tap_expect(packet_of(&shape, &info) == (v6 ? 1280 : 576), "the floor");
        tap_expect(told(WH_WHY_RETRANSMIT_TIMEOUT) == 0, "and nothing worse");
        net_end(&net);
    }
}

/* The same once segments have arrived: nothing at all, for none is lost. */
static void lied_to_late(void)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const struct shape shape = { .v6 = v6 != 0,
                                     .mtu = 1500,
                                     .probing = 1,
                                     .bytes = 500000,
                                     .piece = 50000,
                                     .every = 100 * WH_MILLISECOND,
                                     .lie = 68,
                                     .lie_from = 110 * WH_MILLISECOND,
                                     .most = 3 * WH_SECOND };
        wh_info info;
        transfer(&net, &shape, &info);
        tap_expect(packet_of(&shape, &info) == 1500, "lies that do not come true");
        tap_expect(told(WH_WHY_ICMP_TOO_BIG_DOUBTED) > 100, "were heard");
        net_end(&net);
    }
}

/* MTU_PROBING 2: from the base upwards, on links that would allow more than the path does. */
static void searches_always(void)
{
    static const uint32_t mtu[] = { 1280, 1500, 4000, 9000 };
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < sizeof mtu / sizeof mtu[0]; i++) {
            const struct shape shape = { .v6 = v6 != 0,
                                         .link = 9000,
                                         .mtu = mtu[i],
                                         .probing = 2,
                                         .bytes = 25000000,
                                         .most = 20 * WH_SECOND };
            wh_info info;
            transfer(&net, &shape, &info);
            uint32_t packet = packet_of(&shape, &info);
            tap_expect(packet <= mtu[i] && packet + 40 > mtu[i], "comes close");
            tap_expect(told(WH_WHY_RETRANSMIT_TIMEOUT) == 0, "no timeout on the way");
            net_end(&net);
        }
    }
}

int main(void)
{
    static const struct tap_test tests[] = {
        { "PATH-MTU a silent path of 1400 (IPv4)", black_hole_4 },
        { "PATH-MTU a silent path of 1400 (IPv6)", black_hole_6 },
        { "PATH-MTU a silent path of 1300 (IPv4)", black_hole_narrow_4 },
        { "PATH-MTU a silent path of 1300 (IPv6)", black_hole_narrow_6 },
        { "PATH-MTU a silent path, with super-segments", black_hole_offload },
        { "PATH-MTU a silent path of 800", deep_black_hole },
        { "PATH-MTU a path that speaks ICMP (IPv4)", told_4 },
        { "PATH-MTU a path that speaks ICMP (IPv6)", told_6 },
        { "PATH-MTU a path that becomes narrower in silence", narrows_silently },
        { "PATH-MTU a path that becomes narrower and says so", narrows_telling },
        { "PATH-MTU a path that becomes wider after a silent one", widens_after_silence },
        { "PATH-MTU a path that becomes wider after ICMP", widens_after_icmp },
        { "PATH-MTU lies from the beginning go down to the floor", lied_to_early },
        { "PATH-MTU lies against experience do nothing", lied_to_late },
        { "PATH-MTU search from the beginning", searches_always },
    };
    return tap_main(tests, sizeof tests / sizeof tests[0]);
}

/* SPDX-License-Identifier: MIT */
/*
 * Two hosts over a narrow path whose queue marks before it drops (SHLD-8, RFC 3168):
 * with ECN the sender follows the marks, and nothing is lost or sent again; without it
 * the same queue overflows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "tap.h"
#include "wire/segment.h"
#include "world.h"

enum { A, B, SIDES };
enum { PACKET_MAX = 1500, FLYING = 4096, BYTES = 32000000 };

/* 100 Mbit/s, 5 ms each way; marks above a queue of 6 ms, drops above one of 40 ms. */
#define BYTE_TIME 80
#define DELAY (5 * WH_MILLISECOND)
#define MARK_ABOVE (6 * WH_MILLISECOND)
#define DROP_ABOVE (40 * WH_MILLISECOND)

/* One direction of the path: packets in the order in which they will arrive. */
struct way {
    struct {
        wh_time due;
        size_t length;
        uint8_t bytes[PACKET_MAX];
    } flying[FLYING];
    unsigned first, count;
    wh_time free; /* when the link has sent what waits */
    unsigned marked, dropped, ect, cwr, ece, bad;
    unsigned lose; /* of so many packets all but one, while much is left to come */
    unsigned seen;
    uint64_t marked_bytes, data_bytes; /* of data in what was marked, in what left as ECT */
};

struct net {
    wh_stack *host[SIDES];
    struct way way[SIDES]; /* by sender */
    struct counted memory[SIDES];
    wh_time now;
    bool accurate; /* the flags are a counter, not ECE and CWR */
    bool strips;   /* the path takes Accurate ECN's options away */
};

/* The two bits of RFC 3168 5 in an IP header. */
static unsigned ecn_of(const uint8_t *ip) { return (ip[0] >> 4 == 4 ? ip[1] : ip[1] >> 4) & 3; }

static void mark(uint8_t *ip)
{
    if (ip[0] >> 4 == 6) {
        ip[1] |= 0x30;
        return;
    }
    ip[1] |= 3;
    put16(ip + 10, 0);
    uint32_t sum = 0;
    for (size_t i = 0; i < 20; i += 2) {
        sum += get16(ip + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

/* What RFC 3168 allows to be marked: data that leaves for the first time, and nothing else. */
static uint32_t look_at(struct way *way, const uint8_t *ip, size_t length, bool accurate)
{
    size_t header = ip[0] >> 4 == 4 ? 20 : 40;
    struct segment segment;
    if (segment_parse(&segment, ip + header, length - header) != WH_WHY_NONE) {
        way->bad++;
        return 0;
    }
    bool plain = (segment.flags & WH_SYN) == 0;
    bool ect = ecn_of(ip) != 0;
    way->ect += ect;
    way->cwr += plain && (segment.flags & WH_CWR) != 0;
    way->ece += plain && (segment.flags & WH_ECE) != 0;
    way->bad += ect && (!plain || segment.length == 0);
    way->bad += plain && (segment.flags & WH_CWR) && !ect && !accurate;
    way->data_bytes += ect ? segment.length : 0;
    return segment.length;
}

/* Makes NOPs of the options of Accurate ECN; the checksum is left wrong. */
static void strip(uint8_t *ip, size_t length)
{
    uint8_t *tcp = ip + (ip[0] >> 4 == 4 ? 20 : 40);
    size_t end = MIN((size_t)(tcp[12] >> 4) * 4, length);
    for (size_t at = 20; at < end && tcp[at] != 0;) {
        size_t size = tcp[at] == 1 ? 1 : tcp[at + 1];
        if (tcp[at] == 172 || tcp[at] == 174) {
            memset(tcp + at, 1, size);
        }
        at += MAX(size, 1);
    }
}

static void enqueue(struct net *net, struct way *way, const wh_frame *frame)
{
    uint8_t bytes[PACKET_MAX];
    size_t length = 0;
    for (uint32_t s = 0; s < frame->slices; s++) {
        if (length + frame->slice[s].length > sizeof bytes) {
            abort();
        }
        memcpy(bytes + length, frame->slice[s].base, frame->slice[s].length);
        length += frame->slice[s].length;
    }
    if (net->strips) {
        strip(bytes, length);
    }
    uint32_t data = look_at(way, bytes, length, net->accurate);
    if (way->lose > 0 && way->seen++ % way->lose != 0) {
        return; /* an acknowledgement, which nothing repeats */
    }
    wh_time queue = way->free > net->now ? way->free - net->now : 0;
    if (queue > DROP_ABOVE || way->count == FLYING) {
        way->dropped++;
        return;
    }
    if (queue > MARK_ABOVE && ecn_of(bytes) != 0) {
        mark(bytes);
        way->marked++;
        way->marked_bytes += data;
    }
    way->free = MAX(way->free, net->now) + length * BYTE_TIME;
    unsigned at = (way->first + way->count++) % FLYING;
    way->flying[at].due = way->free + DELAY;
    way->flying[at].length = length;
    memcpy(way->flying[at].bytes, bytes, length);
}

static wh_time due(const struct way *way)
{
    return way->count > 0 ? way->flying[way->first].due : WH_NEVER;
}

/* Moves everything that may move at this instant; returns when something is due. */
static wh_time turn(struct net *net)
{
    wh_time next = WH_NEVER;
    for (int side = 0; side < SIDES; side++) {
        struct way *to = &net->way[!side];
        while (due(to) <= net->now) {
            wh_frame frame = { .slice = { { to->flying[to->first].bytes,
                                            to->flying[to->first].length } },
                               .slices = 1,
                               .flags = net->strips ? WH_FRAME_CHECKSUM_VALID : 0,
                               .length = (uint32_t)to->flying[to->first].length };
            wh_input(net->host[side], &frame, 1, net->now);
            to->first = (to->first + 1) % FLYING;
            to->count--;
        }
        wh_frame frames[64];
        size_t n;
        while ((n = wh_output(net->host[side], frames, 64, net->now)) > 0) {
            for (size_t i = 0; i < n; i++) {
                enqueue(net, &net->way[side], &frames[i]);
            }
            wh_sent(net->host[side], frames, n);
        }
    }
    for (int side = 0; side < SIDES; side++) {
        next = MIN(next, MIN(due(&net->way[side]), wh_wake(net->host[side])));
    }
    return next;
}

static void net_begin(struct net *net, bool v6, int64_t ecn)
{
    memset(net, 0, sizeof *net);
    net->now = WH_SECOND;
    for (int side = 0; side < SIDES; side++) {
        wh_config config;
        wh_addr addr;
        const char *const names[] = { "10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2" };
        wh_config_init(&config);
        config.memory = counted_memory(&net->memory[side]);
        wh_seed(config.seed, (uint64_t)side + 1);
        bool made = wh_addr_parse(names[2 * side + v6], &addr) >= 0 &&
                    wh_stack_new(&net->host[side], &config, net->now) >= 0 &&
                    wh_address_add(net->host[side], &addr, v6 ? 64 : 24) >= 0 &&
                    wh_stack_set(net->host[side], WH_OPT_ECN, ecn) >= 0;
        if (!made) {
            abort();
        }
    }
}

/* A byte of the stream, by its place. */
static uint8_t byte_at(uint64_t at) { return (uint8_t)(at * 13 + (at >> 9)); }

struct ends {
    wh_listener *listener;
    wh_conn *from, *to;
    uint64_t sent, received;
};

static void write_and_read(struct ends *ends)
{
    static uint8_t data[4096];
    while (ends->sent < BYTES) {
        size_t n = MIN(sizeof data, BYTES - ends->sent);
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

/* A long stream from A to B; tells how it went in the end. */
static void stream(struct net *net, bool v6, wh_info *from, wh_info *to)
{
    struct ends ends = { 0 };
    wh_listen_options listen;
    wh_connect_options connect;
    wh_listen_options_init(&listen);
    listen.local.port = 80;
    wh_connect_options_init(&connect);
    (void)wh_addr_parse(v6 ? "fd00::2" : "10.0.0.2", &connect.remote.addr);
    connect.remote.port = 80;
    if (wh_listen(net->host[B], &listen, &ends.listener) < 0 ||
        wh_connect(net->host[A], &connect, net->now, &ends.from) < 0) {
        abort();
    }
    wh_time end = net->now + 60 * WH_SECOND;
    while (ends.received < BYTES && net->now < end) {
        if (ends.received > BYTES - BYTES / 16) {
            net->way[B].lose = 0; /* so that the last word is heard */
        }
        if (ends.to == NULL && wh_accept(ends.listener, NULL, &ends.to) < 0) {
            ends.to = NULL;
        }
        write_and_read(&ends);
        wh_time next = turn(net);
        write_and_read(&ends);
        net->now = MAX(net->now + 1, MIN(next, end));
    }
    tap_expect(ends.received == BYTES, "everything arrives");
    wh_time rest = net->now + WH_SECOND;
    for (wh_time next; (next = turn(net)) < rest;) {
        net->now = MAX(net->now + 1, next);
    }
    *from = (wh_info){ .size = sizeof *from };
    *to = (wh_info){ .size = sizeof *to };
    wh_info_get(ends.from, from);
    wh_info_get(ends.to, to);
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

static void with_ecn(bool v6)
{
    wh_info from, to;
    net_begin(&net, v6, 2);
    stream(&net, v6, &from, &to);
    const struct way *there = &net.way[A], *back = &net.way[B];
    tap_expect(from.ecn && to.ecn, "both have agreed on ECN");
    tap_expect(there->dropped == 0 && from.retransmissions == 0,
               "nothing is lost, nothing sent again");
    tap_expect(there->bad == 0 && back->bad == 0, "ECT on new data alone, CWR on nothing else");
    tap_expect(there->marked > 0 && to.marks_received == there->marked, "each mark is seen");
    tap_expect(back->ece > 0 && from.echoes_received == back->ece, "each echo is seen");
    uint64_t cuts = wh_count(net.host[A], WH_WHY_ECN_ECHO);
    tap_expect(cuts >= 3 && cuts < 100,
               "the window is cut, again and again, but not for each mark");
    tap_expect(there->cwr == cuts || there->cwr + 1 == cuts, "each cut is told by CWR, once");
    /* 32 MB take 2.7 s with headers; half of a window of twice the path still fills it. */
    tap_expect(net.now < WH_SECOND + 3000 * WH_MILLISECOND, "the path is kept busy");
    net_end(&net);
}

static void four_with_ecn(void) { with_ecn(false); }
static void six_with_ecn(void) { with_ecn(true); }

/* The sender knows exactly what the path has marked, though it hears little. */
static void accurate(bool v6, unsigned lose)
{
    wh_info from, to;
    net_begin(&net, v6, 3);
    net.accurate = true;
    net.way[B].lose = lose;
    stream(&net, v6, &from, &to);
    const struct way *there = &net.way[A], *back = &net.way[B];
    tap_expect(from.accurate_ecn && to.accurate_ecn && from.ect, "both use Accurate ECN");
    tap_expect(there->dropped == 0 && there->bad == 0 && back->bad == 0, "nothing is lost");
    tap_expect(there->marked > 10, "the path marks");
    tap_expect(to.ce_packets_in == there->marked && to.ce_bytes_in == there->marked_bytes,
               "the receiver counts what was marked");
    tap_expect(from.ce_packets_told == there->marked, "the sender knows how many packets");
    tap_expect(from.ce_bytes_told == there->marked_bytes, "the sender knows how many bytes");
    tap_expect(from.ect0_bytes_told == there->data_bytes - there->marked_bytes,
               "and how many were not");
    tap_expect(wh_count(net.host[A], WH_WHY_ECN_MANGLED) == 0, "the path is not suspected");
    net_end(&net);
}

/* Without options the counter of three bits is all there is; it does as long as ACKs are not scarce. */
static void accurate_stripped(void)
{
    wh_info from, to;
    net_begin(&net, false, 3);
    net.accurate = net.strips = true;
    net.way[B].lose = 2;
    stream(&net, false, &from, &to);
    const struct way *there = &net.way[A];
    tap_expect(from.accurate_ecn && from.ect && from.ect0_bytes_told == 0, "no option comes");
    tap_expect(there->marked > 10 && there->dropped == 0, "the path marks, and loses nothing");
    tap_expect(from.ce_packets_told == there->marked, "the sender knows how many packets");
    net_end(&net);
}

static void four_accurate(void) { accurate(false, 0); }
static void six_accurate(void) { accurate(true, 0); }
static void accurate_with_half_the_acks(void) { accurate(false, 2); }
static void accurate_with_few_acks(void) { accurate(true, 8); }

static void without_ecn(void)
{
    wh_info from, to;
    net_begin(&net, false, 0);
    stream(&net, false, &from, &to);
    tap_expect(!from.ecn && !to.ecn && net.way[A].ect == 0, "nothing may be marked");
    tap_expect(net.way[A].dropped > 0 && from.retransmissions > 0, "the queue overflows");
    net_end(&net);
}

int main(void)
{
    static const struct tap_test tests[] = {
        { "SHLD-8 a queue that marks loses nothing, and is kept busy (IPv4)", four_with_ecn },
        { "SHLD-8 a queue that marks loses nothing, and is kept busy (IPv6)", six_with_ecn },
        { "SHLD-8 without ECN the same queue drops", without_ecn },
        { "M95 the sender knows what was marked, packets and bytes (IPv4)", four_accurate },
        { "M95 the sender knows what was marked, packets and bytes (IPv6)", six_accurate },
        { "M95 though every other acknowledgement is lost", accurate_with_half_the_acks },
        { "M95 though one of eight acknowledgements comes", accurate_with_few_acks },
        { "M95 though no option and half of the acknowledgements come", accurate_stripped },
    };
    return tap_main(tests, sizeof tests / sizeof tests[0]);
}

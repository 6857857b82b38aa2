/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/ip.h"

#define SPINS 64

static void *take(void *context, size_t size)
{
    struct stage *stage = context;
    stage->memory += size;
    return malloc(size);
}

static void give(void *context, void *memory, size_t size)
{
    struct stage *stage = context;
    stage->memory -= size;
    free(memory);
}

bool stage_fail(struct stage *stage, const char *format, ...)
{
    va_list list;
    if (stage->why[0] != 0)
        return false;
    va_start(list, format);
    vsnprintf(stage->why, sizeof stage->why, format, list);
    va_end(list);
    return false;
}

static const int64_t option[][2] = {
    { WH_OPT_RECEIVE_BUFFER, STAGE_BUFFER },
    /* Nothing is sent again while a cell is looked at. */
    { WH_OPT_RTO_INITIAL, 60000000000 },
    { WH_OPT_RTO_MIN, 60000000000 },
    /* Window fields that arrive mean what they say. */
    { WH_OPT_WINDOW_SCALING, 0 },
};

void stage_open(struct stage *stage, struct variant variant)
{
    wh_config config;
    memset(stage, 0, sizeof *stage);
    stage->variant = variant;
    stage->now = 100 * WH_SECOND;
    bool v4 = variant.family == 4;
    stage->ours.port = 80;
    stage->theirs.port = 4000;
    wh_addr_parse(v4 ? "10.0.0.1" : "fd00::1", &stage->ours.addr);
    wh_addr_parse(v4 ? "10.0.0.2" : "fd00::2", &stage->theirs.addr);
    wh_config_init(&config);
    config.memory = (wh_memory){ stage, take, give };
    config.memory_cap = 16 << 20;
    config.seed[0] = 1;
    config.link = WH_LINK_IP;
    config.msl = STAGE_MSL;
    config.max_half_open = config.max_time_wait = config.max_held = 16;
    config.trace_records = 32;
    config.rst_ends_time_wait = variant.rst_ends;
    if (variant.max_time_wait != 0)
        config.max_time_wait = variant.max_time_wait;
    if (wh_stack_new(&stage->host, &config, stage->now) < 0 ||
        wh_address_add(stage->host, &stage->ours.addr, v4 ? 24 : 64) < 0) {
        stage_fail(stage, "no stack");
        return;
    }
    for (size_t i = 0; i < sizeof option / sizeof option[0]; i++)
        wh_stack_set(stage->host, (wh_option)option[i][0], option[i][1]);
    stage->is = (struct facts){ .state = WH_CLOSED,
                                .iss = variant.numbers->iss,
                                .next_iss = variant.numbers->iss,
                                .rst_ends = variant.rst_ends,
                                .irs = variant.numbers->irs,
                                .rcv_nxt = variant.numbers->irs };
    stage->peer_stamp = stage->is.ts_recent = variant.numbers->stamp;
    wh_next_iss(stage->host, variant.numbers->iss);
}

void stage_close(struct stage *stage)
{
    if (stage->conn != NULL)
        wh_abort(stage->conn);
    if (stage->listener != NULL)
        wh_listener_close(stage->listener);
    if (stage->host != NULL) {
        const char *broken = wh_check(stage->host);
        if (broken != NULL)
            stage_fail(stage, "wh_check at the end: %s", broken);
        wh_stack_free(stage->host);
    }
    if (stage->memory != 0)
        stage_fail(stage, "%zu bytes of memory are left", stage->memory);
    stage->host = NULL;
}

/* ---------------------------------------------------------------- frames -- */

uint8_t stage_byte(uint32_t seq) { return (uint8_t)(seq * 131 + (seq >> 8) + 7); }

static uint32_t sum_of(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += get16(bytes + i);
    if (length % 2 != 0)
        sum += (uint32_t)bytes[length - 1] << 8;
    return sum;
}

/* The Internet checksum over pseudo-header and segment (RFC 9293 3.1), by hand; 0 if it is right. */
static uint16_t tcp_sum(const wh_addr *source, const wh_addr *destination, const uint8_t *bytes,
                        size_t length)
{
    size_t skip = wh_is_ipv4(source) ? 12 : 0;
    uint32_t sum = IP_TCP + (uint32_t)length;
    sum = sum_of(source->bytes + skip, 16 - skip, sum);
    sum = sum_of(destination->bytes + skip, 16 - skip, sum);
    sum = sum_of(bytes, length, sum);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

char *flag_words(uint16_t flags, char *text)
{
    static const char *const name[] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };
    char *at = text;
    *at = 0;
    for (int i = 0; i < 8; i++)
        if (flags >> i & 1)
            at += sprintf(at, "%s%s", at == text ? "" : ",", name[i]);
    if (at == text)
        memcpy(text, "none", 5);
    return text;
}

char *segment_words(const struct facts *facts, const struct segment *segment, char *text)
{
    char flags[48];
    snprintf(text, 120, "%s seq rcv.nxt%+d ack snd.nxt%+d len %u",
             flag_words(segment->flags, flags), (int32_t)(segment->seq - facts->rcv_nxt),
             (int32_t)(segment->ack - facts->snd_nxt), segment->length);
    return text;
}

static void tell(const struct stage *stage, const char *mark, const struct segment *segment)
{
    char flags[48];
    if (stage->verbose)
        printf("#   %s %s seq %u ack %u len %u win %u\n", mark, flag_words(segment->flags, flags),
               segment->seq, segment->ack, segment->length, segment->window);
}

struct segment stage_segment(const struct stage *stage, uint16_t flags, uint32_t length)
{
    const struct facts *is = &stage->is;
    struct segment segment = { .tuple = { stage->theirs.addr, stage->ours.addr, stage->theirs.port,
                                          stage->ours.port },
                               .seq = is->rcv_nxt,
                               .ack = flags & WH_ACK ? is->snd_nxt : 0,
                               .flags = flags,
                               .window = STAGE_WINDOW,
                               .length = length };
    if (flags & WH_SYN)
        segment.options = (struct segment_options){ .has = WH_HAS_MSS, .mss = 1460 };
    if (is->stamps) {
        segment.options.has |= WH_HAS_TIMESTAMPS;
        segment.options.tsval = stage->peer_stamp;
    }
    return segment;
}

void stage_arrives(struct stage *stage, const struct segment *segment)
{
    uint8_t bytes[IP_HEADER_MAX + SEGMENT_HEADER_MAX + 4096];
    uint8_t *tcp = bytes + IP_HEADER_MAX;
    tell(stage, "<--", segment);
    size_t length = segment_build(tcp, segment);
    uint32_t first = segment->seq + ((segment->flags & WH_SYN) != 0);
    stage->peer_first = first;
    for (uint32_t i = 0; i < segment->length; i++)
        tcp[length + i] = stage_byte(first + i);
    length += segment->length;
    put16(tcp + 16, 0);
    put16(tcp + 16, tcp_sum(&stage->theirs.addr, &stage->ours.addr, tcp, length));
    struct packet packet = { .source = stage->theirs.addr,
                             .destination = stage->ours.addr,
                             .version = (uint8_t)stage->variant.family,
                             .protocol = IP_TCP,
                             .hops = 64,
                             .length = (uint32_t)length };
    uint8_t header[IP_HEADER_MAX];
    size_t n = ip_build(header, &packet, 1);
    memcpy(tcp - n, header, n);
    wh_frame frame = { .slice = { { tcp - n, length + n } },
                       .slices = 1,
                       .length = (uint32_t)(length + n) };
    wh_input(stage->host, &frame, 1, stage->now);
    stage_pump(stage);
}

/* Keeps our own variables from what leaves. */
static void note_left(struct stage *stage, const struct segment *segment)
{
    struct facts *is = &stage->is;
    uint32_t length =
        segment->length + ((segment->flags & WH_SYN) != 0) + ((segment->flags & WH_FIN) != 0);
    tell(stage, "-->", segment);
    if (segment->flags & WH_RST)
        return;
    if ((int32_t)(segment->seq + length - is->snd_nxt) > 0 || (segment->flags & WH_SYN))
        is->snd_nxt = segment->seq + length;
    is->fin_sent |= (segment->flags & WH_FIN) != 0;
    uint32_t edge = segment->ack + segment->window;
    if (!(segment->flags & WH_ACK))
        return;
    if (stage->edge_known && !(segment->flags & WH_SYN) && (int32_t)(edge - stage->edge) < 0)
        stage_fail(stage, "the right edge of the window moved back (SHLD-14)");
    stage->edge = edge;
    stage->edge_known = true;
}

/* Takes a frame that leaves apart. */
static bool note_frame(struct stage *stage, const wh_frame *frame)
{
    uint8_t bytes[2048];
    size_t length = 0;
    struct packet packet;
    for (uint32_t i = 0; i < frame->slices && length + frame->slice[i].length <= 2048; i++) {
        memcpy(bytes + length, frame->slice[i].base, frame->slice[i].length);
        length += frame->slice[i].length;
    }
    if (stage->loose)
        stage->sents = 0;
    if (stage->sents == STAGE_SENT)
        return stage_fail(stage, "too much leaves");
    struct left *left = &stage->sent[stage->sents++];
    memset(left, 0, sizeof *left);
    left->time = stage->now;
    if (length != frame->length || ip_parse(&packet, bytes, length) != WH_WHY_NONE ||
        packet.protocol != IP_TCP ||
        segment_parse(&left->segment, packet.payload, packet.length) != WH_WHY_NONE)
        return stage_fail(stage, "a frame leaves that is no TCP segment");
    if (tcp_sum(&packet.source, &packet.destination, packet.payload, packet.length) != 0)
        return stage_fail(stage, "a wrong checksum (MUST-2)");
    if (!wh_addr_equal(&packet.source, &stage->ours.addr) ||
        !wh_addr_equal(&packet.destination, &stage->theirs.addr) ||
        get16(packet.payload) != stage->ours.port ||
        get16(packet.payload + 2) != stage->theirs.port)
        return stage_fail(stage, "a segment between other endpoints");
    left->segment.data = NULL; /* it pointed into `bytes` */
    note_left(stage, &left->segment);
    return true;
}

static void gather_events(struct stage *stage)
{
    wh_event event[8];
    size_t n = wh_events(stage->host, event, 8);
    for (size_t i = 0; i < n; i++)
        if (event[i].conn != NULL && event[i].conn == stage->conn)
            stage->events |= event[i].ready;
        else if (event[i].syn != NULL)
            stage->held = event[i].syn;
}

void stage_pump(struct stage *stage)
{
    wh_frame frame[8];
    size_t n;
    do {
        n = wh_output(stage->host, frame, 8, stage->now);
        for (size_t i = 0; i < n; i++)
            note_frame(stage, &frame[i]);
        wh_sent(stage->host, frame, n);
    } while (n == 8 && stage->why[0] == 0);
    gather_events(stage);
}

void stage_wait(struct stage *stage, wh_time span)
{
    wh_time until = stage->now + span;
    unsigned spins = 0;
    for (;;) {
        wh_time wake = wh_wake(stage->host);
        if (wake > until)
            break;
        if (wake > stage->now) {
            stage->now = wake;
            spins = 0;
        } else if (++spins > SPINS) {
            stage_fail(stage, "wh_wake asks for a call at once, again and again");
            return;
        }
        stage_pump(stage);
    }
    stage->now = until;
    stage_pump(stage);
}

void stage_clear(struct stage *stage)
{
    stage->sents = 0;
    stage->events = 0;
}

/* -------------------------------------------------------------- the peer -- */

uint32_t stage_window(const struct stage *stage)
{
    int32_t left = (int32_t)(stage->edge - stage->is.rcv_nxt);
    return stage->edge_known && left > 0 ? (uint32_t)left : 0;
}

void stage_peer(struct stage *stage, uint16_t flags, uint32_t length)
{
    struct facts *is = &stage->is;
    struct segment segment = stage_segment(stage, flags, length);
    if (flags & WH_ACK)
        is->snd_una = segment.ack;
    is->wl1 = segment.seq;
    is->wl2 = segment.ack;
    is->snd_wnd = segment.window;
    is->max_snd_wnd = segment.window;
    is->rcv_nxt += length + ((flags & WH_SYN) != 0) + ((flags & WH_FIN) != 0);
    stage_arrives(stage, &segment);
}

wh_state stage_state(const struct stage *stage, wh_time *timer)
{
    wh_cursor cursor = { 0 };
    wh_entry entry;
    while (wh_each(stage->host, &cursor, &entry))
        if (entry.state != WH_LISTEN && entry.state != WH_CLOSED &&
            entry.local.port == stage->ours.port && entry.remote.port == stage->theirs.port) {
            if (timer != NULL)
                *timer = entry.timer;
            return entry.state;
        }
    return WH_CLOSED;
}

bool stage_listen(struct stage *stage, unsigned flags)
{
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local = stage->ours;
    options.flags = flags;
    int result = wh_listen(stage->host, &options, &stage->listener);
    stage->is.listener = result == 0;
    return result == 0 || stage_fail(stage, "wh_listen: %s", wh_strerror(result));
}

bool stage_connect(struct stage *stage)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.local = stage->ours;
    options.remote = stage->theirs;
    int result = wh_connect(stage->host, &options, stage->now, &stage->conn);
    stage->is.snd_una = stage->is.iss;
    if (result < 0)
        return stage_fail(stage, "wh_connect: %s", wh_strerror(result));
    stage_pump(stage);
    return true;
}

bool stage_accept(struct stage *stage)
{
    int result = wh_accept(stage->listener, NULL, &stage->conn);
    if (result < 0)
        stage->conn = NULL;
    return result == 0 || stage_fail(stage, "wh_accept: %s", wh_strerror(result));
}

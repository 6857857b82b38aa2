/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/seq.h"
#include "linux.h"

enum { PEER_MSS = 1000, PEER_STAMP = 1000000 };

/* Over IPv6 the peer's numbers wrap in its first bytes. */
#define PEER_ISS4 7000000
#define PEER_ISS6 (UINT32_MAX - 4)

void peer_init(struct peer *peer, bool six, uint16_t host_port, uint16_t port,
               const struct scenario *scenario)
{
    uint32_t iss = six ? PEER_ISS6 : PEER_ISS4;
    *peer = (struct peer){
        .six = six,
        .host_port = host_port,
        .port = port,
        .options = scenario->options | (scenario->mss == NO_MSS ? 0 : WH_HAS_MSS),
        .mss = scenario->mss == 0 ? PEER_MSS : scenario->mss,
        .iss = iss,
        .nxt = iss,
        .stamp = PEER_STAMP,
    };
}

static uint32_t place(const struct peer *peer, enum place from)
{
    switch (from) {
    case AT_EDGE: return peer->edge;
    case AT_FIRST: return peer->iss;
    case AT_HALF: return peer->nxt + 0x80000000U;
    case AT_OWN_SYN: return peer->irs;
    default: return peer->nxt;
    }
}

static void add_options(struct peer *peer, const struct step *step, struct segment_options *options)
{
    if (step->flags & WH_SYN) {
        options->has = peer->options;
        options->mss = peer->mss;
        options->window_scale = 2;
        options->tsecr = (step->flags & WH_ACK) ? peer->echo : 0;
    } else if (peer->timestamps) {
        options->has = WH_HAS_TIMESTAMPS;
        options->tsecr = peer->echo;
    }
    options->has |= step->options;
    if (step->bare || step->raw != NULL)
        options->has = 0;
    options->tsval = peer->stamp++ + (uint32_t)step->stamp;
}

/* The header of a segment, at[SEGMENT_HEADER_MAX]; its length. */
static size_t build(uint8_t *at, const struct segment *segment, const struct step *step)
{
    size_t length = segment_build(at, segment);
    if (step->raw != NULL) {
        memcpy(at + length, step->raw, step->raw_length);
        length += step->raw_length;
        at[12] = (uint8_t)((length / 4) << 4 | (at[12] & 15));
    }
    if (step->spoil == SHORT_OFFSET)
        at[12] = 4 << 4;
    if (step->spoil == LONG_OFFSET)
        at[12] = 15 << 4;
    return length;
}

/* The packet around a segment and the step's data. */
static void enclose(const struct peer *peer, const struct segment *segment, const struct step *step,
                    struct frame *frame)
{
    uint8_t tcp[SEGMENT_HEADER_MAX];
    size_t header = build(tcp, segment, step);
    struct packet packet = { .source = other_addr(peer->six),
                             .destination = linux_addr(peer->six),
                             .protocol = IP_TCP,
                             .hops = 64,
                             .length = (uint32_t)header + step->data };
    size_t ip = ip_build(frame->bytes, &packet, 1);
    uint8_t *at = frame->bytes + ip;
    memcpy(at, tcp, header);
    memset(at + header, 'w', step->data);
    uint64_t sum = ip_pseudo_sum(&packet.source, &packet.destination, IP_TCP, packet.length);
    uint16_t check = (uint16_t)~checksum_fold(checksum_best()->add(at, packet.length, sum));
    if (step->spoil == WRONG_CHECKSUM)
        check ^= 0x5555;
    memcpy(at + 16, &check, sizeof check);
    frame->length = ip + packet.length;
}

void peer_segment(struct peer *peer, const struct step *step, struct frame *frame)
{
    struct segment segment = {
        .tuple = { .local_port = peer->port, .remote_port = peer->host_port },
        .seq = place(peer, step->from) + (uint32_t)step->seq,
        .flags = step->flags,
        .window = step->shut ? 0 : 65535,
    };
    if (step->flags & WH_ACK)
        segment.ack = (step->ack_from == AT_OWN_SYN ? peer->irs : peer->rcv) + (uint32_t)step->ack;
    if (step->flags & WH_URG)
        segment.urgent = 1;
    add_options(peer, step, &segment.options);
    enclose(peer, &segment, step, frame);
    segment.length = step->data;
    if (step->from == AT_NEXT && step->seq == 0 && !(step->flags & WH_RST) && step->spoil == WHOLE)
        peer->nxt += segment_length(&segment);
}

void peer_message(struct peer *peer, const struct step *step, struct frame *frame)
{
    const wh_addr source = other_addr(peer->six), destination = linux_addr(peer->six);
    const size_t at = (peer->six ? 40 : 20) + 4;
    uint8_t quoted[WIRE_FRAME];
    uint32_t seq = (step->from == AT_OWN_SYN ? peer->irs : peer->rcv) + (uint32_t)step->seq;
    memcpy(quoted, peer->last.bytes, peer->last.length);
    for (unsigned i = 0; i < 4; i++)
        quoted[at + i] = (uint8_t)(seq >> (24 - 8 * i));
    struct icmp_error error = { .source = &source,
                                .destination = &destination,
                                .kind = step->kind,
                                .mtu = 1300,
                                .quoted = quoted,
                                .quoted_length = peer->last.length };
    frame->length = icmp_build_error(frame->bytes, sizeof frame->bytes, &error, checksum_best());
}

void peer_take(struct peer *peer, const struct segment *segment, const struct frame *frame)
{
    uint32_t end = segment->seq + segment_length(segment);
    if (segment->flags & WH_RST)
        return;
    peer->last = *frame;
    if ((segment->flags & WH_SYN) && (!peer->syn || segment->seq != peer->irs)) {
        peer->again = peer->syn;
        peer->old = peer->rcv;
        peer->irs = segment->seq;
        peer->rcv = end;
        peer->syn = true;
        peer->timestamps = (peer->options & WH_HAS_TIMESTAMPS) != 0 &&
                           (segment->options.has & WH_HAS_TIMESTAMPS) != 0;
        peer->scale =
            (peer->options & WH_HAS_WINDOW_SCALE) && (segment->options.has & WH_HAS_WINDOW_SCALE)
                ? segment->options.window_scale
                : 0;
    }
    if (seq_gt(end, peer->rcv))
        peer->rcv = end;
    peer->fin |= (segment->flags & WH_FIN) != 0;
    if (segment->options.has & WH_HAS_TIMESTAMPS)
        peer->echo = segment->options.tsval;
    if (segment->flags & WH_ACK) {
        peer->acked = segment->ack;
        peer->edge = segment->ack +
                     ((uint32_t)segment->window << ((segment->flags & WH_SYN) ? 0 : peer->scale));
    }
}

struct writer {
    char *at;
    size_t room;
};

static void put(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct writer *writer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(writer->at, writer->room, format, arguments);
    va_end(arguments);
    if (n > 0 && (size_t)n < writer->room) {
        writer->at += n;
        writer->room -= (size_t)n;
    }
}

static void put_offset(struct writer *writer, const char *name, uint32_t offset)
{
    put(writer, "%s", name);
    if (offset != 0)
        put(writer, "%+d", (int32_t)offset);
}

static void put_numbers(struct writer *writer, const struct peer *peer,
                        const struct segment *segment, uint32_t edge)
{
    if ((segment->flags & WH_SYN) && peer->syn && segment->seq != peer->irs)
        put(writer, " of a new SYN %s the old numbers",
            seq_gt(segment->seq, peer->rcv) ? "above" : "below");
    else if (segment->flags & WH_SYN)
        put(writer, " seq ISS");
    else if (!peer->syn || segment->seq == 0)
        put(writer, " seq %u", segment->seq);
    else if (peer->again && segment->seq == peer->old)
        put(writer, " seq old SND.NXT");
    else
        put_offset(writer, " seq SND.NXT", segment->seq - peer->rcv);
    if (!(segment->flags & WH_ACK))
        return;
    if (segment->ack != peer->nxt && segment->ack == edge)
        put(writer, " ack EDGE");
    else
        put_offset(writer, " ack RCV.NXT", segment->ack - peer->nxt);
}

static void put_options(struct writer *writer, const struct peer *peer,
                        const struct segment *segment)
{
    static const struct {
        uint8_t has;
        const char *name;
    } names[] = { { WH_HAS_MSS, "MSS" },
                  { WH_HAS_WINDOW_SCALE, "WS" },
                  { WH_HAS_SACK_PERMITTED, "SACK" },
                  { WH_HAS_TIMESTAMPS, "TS" } };
    if (segment->flags & WH_SYN) {
        put(writer, " with");
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (segment->options.has & names[i].has)
                put(writer, " %s", names[i].name);
    }
    for (unsigned i = 0; i < segment->options.sacks; i++) {
        put_offset(writer, " sack RCV.NXT", segment->options.sack[i].left - peer->nxt);
        put(writer, ":%+d", (int32_t)(segment->options.sack[i].right - peer->nxt));
    }
}

void peer_words(const struct peer *peer, const struct segment *segment, uint32_t edge, char *text,
                size_t room)
{
    struct writer writer = { text, room };
    char flags[40];
    put(&writer, "%s", wire_flags(segment->flags, flags));
    put_numbers(&writer, peer, segment, edge);
    if (segment->length > 0)
        put(&writer, " len %u", segment->length);
    if (segment->window == 0 && !(segment->flags & WH_RST))
        put(&writer, " win 0");
    put_options(&writer, peer, segment);
}

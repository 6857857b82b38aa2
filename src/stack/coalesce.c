/* SPDX-License-Identifier: MIT */
/*
 * Runs: segments of one connection that follow each other in a batch, each beginning
 * where the last has ended and alike in everything but their place. What they tell
 * beyond their data they tell as well once as many times, so that they go through
 * segment arrival together: one look-up, one acknowledgement, one decision about ours.
 *
 * The outcome is that of one by one. So a run holds nothing that counts segments: no
 * mark, no flag but ACK (and PSH, which ends it), no option but timestamps; a trace,
 * which has a record for each, knows no runs. And a connection takes a run whole only
 * where each of its segments would have been the next in order, with room for all.
 * Alike means: the same bytes in the headers. So a run is recognised by comparing, not
 * by parsing, and only what cannot be alike is looked at.
 */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"
#include "tcp/ecn.h"
#include "wire/ip.h"

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20 };

static bool begins_run(const struct segment *segment, const struct packet *packet)
{
    uint32_t header = packet->version == 4 ? IPV4_HEADER : IPV6_HEADER;
    return segment->flags == WH_ACK && segment->length > 0 && segment->segment_size == 0 &&
           (segment->options.has & ~WH_HAS_TIMESTAMPS) == 0 && !segment->options.malformed &&
           segment->urgent == 0 && (packet->traffic_class & ECN_MASK) != ECN_CE &&
           packet->header == header;
}

/* Words of four bytes, so that the compiler makes no call of it. */
static bool same_words(const uint8_t *a, const uint8_t *b, size_t length)
{
    uint32_t difference = 0;
    for (size_t at = 0; at < length; at += 4) {
        difference |= get32(a + at) ^ get32(b + at);
    }
    return difference == 0;
}

/* IPv4: all but length, identification and checksum. IPv6: all but the length. */
static bool same_ip(const uint8_t *a, const uint8_t *b, unsigned version)
{
    if (version == 4) {
        return get16(a) == get16(b) && get32(a + 6) == get32(b + 6) &&
               same_words(a + 12, b + 12, 8);
    }
    return get32(a) == get32(b) && get16(a + 6) == get16(b + 6) &&
           same_words(a + 8, b + 8, IPV6_HEADER - 8);
}

/* All but the sequence number, PSH and the checksum. */
static bool same_tcp(const uint8_t *a, const uint8_t *b, size_t header)
{
    const uint32_t push = (uint32_t)WH_PSH << 16;
    return get32(a) == get32(b) && get32(a + 8) == get32(b + 8) &&
           ((get32(a + 12) ^ get32(b + 12)) & ~push) == 0 && get16(a + 18) == get16(b + 18) &&
           same_words(a + TCP_HEADER, b + TCP_HEADER, header - TCP_HEADER);
}

/* Bytes of IP packet that its header tells of. */
static uint32_t told_length(const uint8_t *ip, unsigned version)
{
    return version == 4 ? get16(ip + 2) : IPV6_HEADER + (uint32_t)get16(ip + 4);
}

/* The run's first frame, as the next ones are compared with it. */
struct first {
    const wh_frame *frame;
    const uint8_t *base;
    size_t link, ip, tcp; /* bytes of headers */
    const struct packet *packet;
};

/* True if `frame` goes on where the run has got to; *packet and *piece are then its own. */
static bool follows(const struct tcp *tcp, const struct first *first, const wh_frame *frame,
                    uint32_t seq, struct packet *packet, struct piece *piece)
{
    const uint8_t *base = frame->slice[0].base;
    const uint8_t *ip = base + first->link;
    const uint8_t *segment = ip + first->ip;
    size_t headers = first->link + first->ip + first->tcp;
    size_t length = frame->slice[0].length;
    unsigned version = first->packet->version;
    if (frame->flags != first->frame->flags || frame->segment_size != 0 || length <= headers ||
        told_length(ip, version) != length - first->link ||
        (first->link > 0 && memcmp(base, first->base, first->link) != 0) ||
        !same_ip(first->base + first->link, ip, version) ||
        !same_tcp(first->packet->payload, segment, first->tcp) || get32(segment + 4) != seq) {
        return false;
    }
    packet->payload = segment;
    packet->length = (uint32_t)(length - first->link - first->ip);
    piece->data = base + headers;
    piece->length = (uint32_t)(length - headers);
    piece->flags = (segment[13] & WH_PSH) != 0 ? WH_ACK | WH_PSH : WH_ACK;
    piece->buffer = frame->buffer;
    return (version != 4 || ip_header_sound(ip)) && !arrive_checksum_wrong(tcp, packet, frame);
}

uint32_t coalesce(const struct tcp *tcp, struct segment *segment, const struct packet *packet,
                  const wh_frame *frames, size_t n, struct piece *pieces)
{
    if (n < 2 || trace_on(&tcp->trace) || !begins_run(segment, packet)) {
        return 1;
    }
    const uint8_t *base = frames->slice[0].base;
    const struct first first = { frames,
                                 base,
                                 (size_t)(packet->payload - packet->header - base),
                                 packet->header,
                                 (size_t)(segment->data - packet->payload),
                                 packet };
    struct packet next = *packet;
    uint32_t count = 1;
    uint32_t full = segment->length;
    pieces[0] = (struct piece){ segment->data, full, segment->flags, segment->buffer };
    while (count < n) {
        struct piece *piece = &pieces[count];
        if (!follows(tcp, &first, &frames[count], segment->seq + segment->length, &next, piece) ||
            piece->length > full) {
            break;
        }
        segment->length += piece->length;
        segment->flags = piece->flags;
        count++;
        if (piece->length < full || (piece->flags & WH_PSH) != 0) {
            break; /* a shorter one ends it: all before are of one size */
        }
    }
    if (count > 1) {
        segment->segment_size = (uint16_t)full;
        segment->piece = pieces;
        segment->pieces = count;
    }
    return count;
}

struct segment coalesced_at(const struct segment *run, uint32_t number, uint32_t *seq)
{
    struct segment segment = *run;
    const struct piece *piece = &run->piece[number];
    segment.seq = *seq;
    segment.flags = piece->flags;
    segment.length = piece->length;
    segment.segment_size = 0;
    segment.data = piece->data;
    segment.buffer = piece->buffer;
    segment.frame = run->frame + number;
    segment.piece = NULL;
    segment.pieces = 0;
    *seq += piece->length;
    return segment;
}

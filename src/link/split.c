/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. The headers of a frame are gathered once; each piece is
 * those headers, corrected, and its part of the payload. Of TCP, the sequence
 * number advances, CWR stays on the first piece alone (RFC 3168 6.1.2), FIN and
 * PSH on the last, and the urgent pointer keeps naming the same byte. IPv4
 * identifications count upwards (RFC 6864 4.1 asks for no more). Of UDP each piece
 * is a datagram of its own. Where a checksum was left partial it is summed anew
 * over the whole transport part, so what the field held does not matter.
 */
#include "link/split.h"

#include <string.h>

#include "base/bytes.h"
#include "link/sight.h"
#include "wire/ip.h"

enum {
    TCP_SEQ = 4,
    TCP_OFFSET = 12,
    TCP_FLAGS = 13,
    TCP_CHECKSUM = 16,
    TCP_URGENT = 18,
    TCP_HEADER = 20,
    UDP_LENGTH = 4,
    UDP_CHECKSUM = 6,
    UDP_HEADER_LENGTH = 8,
};

size_t frame_copy(const wh_frame *frame, size_t offset, void *to, size_t length)
{
    uint8_t *at = to;
    size_t copied = 0;
    for (uint32_t i = 0; i < frame->slices && copied < length; i++) {
        const wh_slice *slice = &frame->slice[i];
        if (offset >= slice->length) {
            offset -= slice->length;
            continue;
        }
        size_t part = MIN(slice->length - offset, length - copied);
        memcpy(at + copied, (const uint8_t *)slice->base + offset, part);
        copied += part;
        offset = 0;
    }
    return copied;
}

/* Finds the transport header in the gathered bytes; false if this is no TCP or UDP that can be cut. */
static bool find_transport(struct split *split, wh_link_kind link, size_t gathered)
{
    split->link_header = link_header_length(link);
    if (gathered <= split->link_header)
        return false;
    const uint8_t *ip = split->bytes + split->link_header;
    if (link == WH_LINK_ETHERNET) {
        uint16_t type = get16(ip - 2);
        if (type != 0x0800 && type != 0x86dd)
            return false;
    }
    struct packet packet;
    if (ip_parse_quoted(&packet, ip, gathered - split->link_header) != WH_WHY_NONE)
        return false;
    /* Any fragment at all: its transport part is not whole. */
    if (packet.version == 4 && (get16(ip + 6) & 0x3fff) != 0)
        return false;
    split->version = packet.version;
    split->protocol = packet.protocol;
    split->transport = split->link_header + packet.header;
    if (packet.protocol == IP_TCP) {
        if (gathered < split->transport + TCP_HEADER)
            return false;
        size_t header = (size_t)(split->bytes[split->transport + TCP_OFFSET] >> 4) * 4;
        split->headers = split->transport + header;
        if (header < TCP_HEADER)
            return false;
    } else if (packet.protocol == IP_UDP) {
        split->headers = split->transport + UDP_HEADER_LENGTH;
    } else {
        return false;
    }
    split->pseudo = ip_pseudo_sum(&packet.source, &packet.destination, packet.protocol, 0);
    return split->headers <= gathered;
}

void split_begin(struct split *split, const wh_frame *frame, wh_link_kind link,
                 const struct checksum *sum)
{
    *split = (struct split){ .frame = frame, .sum = sum, .pieces = 1 };
    size_t gathered = frame_copy(frame, 0, split->bytes, sizeof split->bytes);
    if (!find_transport(split, link, gathered)) {
        split->transport = 0;
        split->headers = 0;
        split->size = split->payload = frame->length;
        return;
    }
    split->payload = frame->length - (uint32_t)split->headers;
    split->size = split->payload;
    if (frame->segment_size > 0 && frame->segment_size < split->payload) {
        split->size = frame->segment_size;
        split->pieces = (split->payload + split->size - 1) / split->size;
    }
}

/* Payload bytes of the next piece. */
static uint32_t piece_payload(const struct split *split)
{
    uint32_t before = split->piece * split->size;
    return MIN(split->size, split->payload - before);
}

size_t split_length(const struct split *split)
{
    return split->piece < split->pieces ? split->headers + piece_payload(split) : 0;
}

static void correct_ip(const struct split *split, uint8_t *ip, size_t length)
{
    if (split->version == 6) {
        put16(ip + 4, (uint16_t)(length - 40));
        return;
    }
    size_t header = (size_t)(ip[0] & 0x0f) * 4;
    put16(ip + 2, (uint16_t)length);
    put16(ip + 4, (uint16_t)(get16(ip + 4) + split->piece));
    put16(ip + 10, 0);
    uint16_t check = (uint16_t)~checksum_fold(split->sum->add(ip, header, 0));
    memcpy(ip + 10, &check, sizeof check);
}

static void correct_tcp(const struct split *split, uint8_t *tcp)
{
    uint32_t before = split->piece * split->size;
    put32(tcp + TCP_SEQ, get32(tcp + TCP_SEQ) + before);
    if (split->piece > 0)
        tcp[TCP_FLAGS] &= (uint8_t)~WH_CWR;
    if (split->piece + 1 < split->pieces)
        tcp[TCP_FLAGS] &= (uint8_t) ~(WH_FIN | WH_PSH);
    if ((tcp[TCP_FLAGS] & WH_URG) == 0)
        return;
    uint32_t urgent = get16(tcp + TCP_URGENT);
    if (urgent <= before)
        tcp[TCP_FLAGS] &= (uint8_t)~WH_URG;
    put16(tcp + TCP_URGENT, (uint16_t)(urgent > before ? urgent - before : 0));
}

/* Where the IP packet ends: before the frame does if there is padding (RFC 894). */
static size_t packet_end(const struct split *split, const uint8_t *frame, size_t length)
{
    const uint8_t *ip = frame + split->link_header;
    size_t end = split->link_header +
                 (split->version == 4 ? (size_t)get16(ip + 2) : (size_t)get16(ip + 4) + 40);
    return end >= split->headers && end < length ? end : length;
}

/* Sums the transport part anew and stores the checksum. */
static void complete(const struct split *split, uint8_t *transport, size_t length)
{
    uint8_t *field = transport + (split->protocol == IP_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
    put16(field, 0);
    uint64_t sum = split->pseudo + checksum_word32((uint32_t)length);
    uint16_t check = (uint16_t)~checksum_fold(split->sum->add(transport, length, sum));
    if (check == 0 && split->protocol == IP_UDP)
        check = 0xffff; /* zero would mean "none" (RFC 768) */
    memcpy(field, &check, sizeof check);
}

/* A partial checksum of something that is neither TCP nor UDP: as the frame says (virtio 5.1.6.2). */
static void complete_as_told(const struct split *split, uint8_t *frame, size_t length)
{
    size_t start = split->frame->checksum_start;
    size_t field = start + split->frame->checksum_offset;
    if (field + 2 > length)
        return;
    uint16_t check = (uint16_t)~checksum_fold(split->sum->add(frame + start, length - start, 0));
    memcpy(frame + field, &check, sizeof check);
}

void split_next(struct split *split, uint8_t *to)
{
    bool partial = (split->frame->flags & WH_FRAME_CHECKSUM_PARTIAL) != 0;
    size_t length = split_length(split);
    if (length == 0)
        return;
    uint32_t payload = piece_payload(split);
    memcpy(to, split->bytes, split->headers);
    frame_copy(split->frame, split->headers + (size_t)split->piece * split->size,
               to + split->headers, payload);
    if (split->pieces > 1) {
        correct_ip(split, to + split->link_header, length - split->link_header);
        if (split->protocol == IP_TCP)
            correct_tcp(split, to + split->transport);
        else
            put16(to + split->transport + UDP_LENGTH, (uint16_t)(length - split->transport));
    }
    if (split->transport != 0 && (partial || split->pieces > 1))
        complete(split, to + split->transport, packet_end(split, to, length) - split->transport);
    else if (partial)
        complete_as_told(split, to, length);
    split->piece++;
}

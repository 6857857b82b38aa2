/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A capture shows more than a receiver would take: packets cut
 * by the snap length, checksums that a device was to complete, super-segments whose
 * length did not fit the header. So headers are read leniently, what is there is
 * told apart from what there was, and only what cannot be understood is odd.
 */
#include "explain/packet.h"

#include <string.h>

#include "base/bytes.h"
#include "explain/fragments.h"
#include "wire/ip.h"

enum {
    TCP_HEADER = 20,
    TCP_HEADER_MOST = 60,
    KIND_END = 0,
    KIND_NOP = 1,
    USUAL_MTU = 1500, /* longer packets are super-segments, or come from a link with jumbo frames */
};

static uint8_t longest_nops(const uint8_t *option, size_t length)
{
    uint8_t run = 0, longest = 0;
    for (size_t at = 0; at < length && option[at] != KIND_END;) {
        if (option[at] == KIND_NOP) {
            run++;
            longest = run > longest ? run : longest;
            at++;
            continue;
        }
        run = 0;
        if (at + 1 >= length || option[at + 1] < 2) {
            break;
        }
        at += option[at + 1];
    }
    return longest;
}

/* Bytes of the whole IP packet, as it says itself; super-segments may say 0. */
static uint32_t told_length(const struct packet *packet, const uint8_t *ip, uint32_t captured)
{
    uint32_t told = packet->version == 4 ? get16(ip + 2) : 40U + get16(ip + 4);
    bool none = told == (packet->version == 4 ? 0U : 40U);
    return none || told < packet->header ? captured : told;
}

/* -------------------------------------------------------------- checksums -- */

static enum packet_sum judge_sum(const struct seen *seen, const struct packet *packet,
                                 const uint8_t *tcp, uint32_t length, const struct checksum *sum)
{
    uint64_t pseudo = ip_pseudo_sum(&packet->source, &packet->destination, IP_TCP, length);
    if (checksum_fold(sum->add(tcp, length, pseudo)) == 0xffff) {
        return SUM_GOOD;
    }
    /* What a kernel leaves to the device is the sum of the pseudo-header, not complemented. */
    uint16_t there, left = checksum_fold(pseudo);
    memcpy(&there, tcp + 16, sizeof there);
    bool merged = seen->ip_length > USUAL_MTU;
    return there == left || there == 0 || seen->outgoing || merged ? SUM_UNFINISHED : SUM_WRONG;
}

/* ----------------------------------------------------------------- segments -- */

/* The header with what options there are, if the snap length cut some of them off. */
static const uint8_t *whole_header(struct seen *seen, const uint8_t *tcp, uint32_t *captured,
                                   uint8_t room[TCP_HEADER_MOST])
{
    uint32_t header = (tcp[12] >> 4) * 4U;
    if (header <= *captured || header < TCP_HEADER) {
        return tcp;
    }
    memset(room, KIND_NOP, TCP_HEADER_MOST);
    memcpy(room, tcp, *captured);
    seen->cut_header = true;
    *captured = header;
    return room;
}

static void see_segment(struct seen *seen, const struct packet *packet, uint32_t length,
                        const struct checksum *sums)
{
    const uint8_t *tcp = packet->payload;
    uint32_t captured = packet->length < length ? packet->length : length;
    uint8_t room[TCP_HEADER_MOST];
    if (captured < TCP_HEADER) {
        seen->kind = PACKET_ODD;
        seen->reason = WH_WHY_FRAME_TRUNCATED;
        return;
    }
    uint32_t there = captured;
    tcp = whole_header(seen, tcp, &captured, room);
    struct segment *segment = &seen->segment;
    seen->reason = segment_parse(segment, tcp, captured);
    if (seen->reason != WH_WHY_NONE) {
        seen->kind = PACKET_ODD;
        return;
    }
    /* segment_parse reads from the receiver's side; here local is the sender. */
    uint16_t source = segment->tuple.remote_port;
    segment->tuple =
        (struct tuple){ packet->source, packet->destination, source, segment->tuple.local_port };
    segment->hops = packet->hops;
    segment->traffic_class = packet->traffic_class;
    seen->captured_data = segment->length;
    uint32_t header = captured - segment->length;
    segment->length = length > header ? length - header : 0;
    seen->cut = seen->captured_data < segment->length;
    seen->captured_data = seen->cut_header ? 0 : seen->captured_data;
    if (segment->flags & WH_SYN) {
        seen->nops = longest_nops(tcp + TCP_HEADER, header - TCP_HEADER);
    }
    bool whole = there == length && !seen->cut_header;
    seen->sum = whole && sums != NULL ? judge_sum(seen, packet, packet->payload, length, sums)
                                      : SUM_UNKNOWN;
    seen->kind = PACKET_SEGMENT;
}

/* --------------------------------------------------------------------- ICMP -- */

static void see_icmp(struct seen *seen, const struct packet *packet)
{
    if (icmp_parse(&seen->icmp, packet, checksum_best(), true) != WH_WHY_NONE ||
        !seen->icmp.quoted || seen->icmp.packet.protocol != IP_TCP || !seen->icmp.has_seq) {
        return;
    }
    seen->kind = PACKET_ICMP;
    seen->segment.tuple = (struct tuple){ seen->icmp.packet.source, seen->icmp.packet.destination,
                                          seen->icmp.source_port, seen->icmp.destination_port };
    seen->segment.seq = seen->icmp.seq;
    seen->icmp_source = packet->source;
}

/* ------------------------------------------------------------------- packets -- */

static void see_packet(struct seen *seen, const uint8_t *ip, uint32_t captured,
                       const struct checksum *sums)
{
    struct packet packet;
    seen->reason = ip_parse_quoted(&packet, ip, captured);
    if (seen->reason != WH_WHY_NONE) {
        seen->kind = seen->reason == WH_WHY_IP_FRAGMENT ? PACKET_OTHER : PACKET_ODD;
        return;
    }
    uint32_t total = told_length(&packet, ip, captured);
    seen->ip_length = total;
    seen->ip_id = packet.version == 4 ? get16(ip + 4) : 0;
    if (total < captured) {
        packet.length = total - packet.header; /* the rest fills the frame up */
    }
    if (packet.protocol == IP_TCP) {
        see_segment(seen, &packet, total - packet.header, sums);
    } else if (packet.protocol == (packet.version == 4 ? IP_ICMP : IP_ICMPV6)) {
        see_icmp(seen, &packet);
    }
}

static void clear(struct seen *seen)
{
    /* Not all of it: the options' lists are as long as they say. */
    memset(seen, 0, offsetof(struct seen, segment));
    memset(&seen->segment, 0, offsetof(struct segment, options));
    seen->segment.options.has = 0;
    seen->segment.options.sacks = 0;
    seen->captured_data = 0;
    seen->nops = 0;
    seen->cut = false;
    seen->cut_header = false;
    seen->outgoing = false;
    seen->incoming = false;
    seen->sum = SUM_UNKNOWN;
    seen->ip_id = 0;
    seen->ip_length = 0;
    seen->comment = NULL;
}

void packet_see(struct seen *seen, const struct captured *captured, struct fragments *fragments,
                const struct checksum *sums)
{
    clear(seen);
    seen->kind = PACKET_OTHER;
    seen->number = captured->number;
    seen->when = captured->when;
    seen->interface = captured->interface;
    seen->outgoing = captured->outgoing;
    seen->incoming = captured->incoming;
    seen->comment = captured->comment;
    const uint8_t *ip = captured->ip;
    size_t length = captured->ip_length;
    if (ip == NULL) {
        return;
    }
    if (fragments != NULL) {
        enum fragment piece = fragments_take(fragments, ip, length, seen->when, &ip, &length);
        if (piece == FRAGMENT_WAITS || piece == FRAGMENT_BAD) {
            seen->kind = piece == FRAGMENT_WAITS ? PACKET_PIECE : PACKET_ODD;
            seen->reason = WH_WHY_IP_FRAGMENT;
            return;
        }
    }
    see_packet(seen, ip, (uint32_t)length, sums);
}

const char *packet_icmp_words(enum icmp_kind kind)
{
    switch (kind) {
    case ICMP_NET_UNREACHABLE: return "network unreachable";
    case ICMP_HOST_UNREACHABLE: return "host unreachable";
    case ICMP_PROTOCOL_UNREACHABLE: return "protocol unreachable";
    case ICMP_PORT_UNREACHABLE: return "port unreachable";
    case ICMP_PROHIBITED: return "prohibited by a filter";
    case ICMP_TIME_EXCEEDED: return "time exceeded on the way (a routing loop?)";
    case ICMP_SOURCE_ROUTE_FAILED: return "source route failed";
    case ICMP_PARAMETER_PROBLEM: return "parameter problem";
    case ICMP_TOO_BIG: return "packet too big";
    default: return "an error";
    }
}

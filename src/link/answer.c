/* SPDX-License-Identifier: MIT */
#include "link/answer.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/ethernet.h"
#include "wire/icmp.h"
#include "wire/segment.h"

enum { TCP_WINDOW = 14, TCP_CHECKSUM = 16, UDP_CHECKSUM = 6 };

/* The link header of the frame answered, turned round if the answer goes back. */
static void copy_link_header(uint8_t *to, const struct sight *sight, bool back)
{
    memcpy(to, sight->frame, sight->link_header);
    if (back && sight->link_header == ETHERNET_HEADER) {
        memcpy(to, sight->frame + 6, 6);
        memcpy(to + 6, sight->frame, 6);
    }
}

struct parcel *answer_reset(const struct sight *sight, bool back, uint32_t seq, uint32_t ack,
                            uint16_t flags, const struct checksum *sum)
{
    const wh_addr *source = back ? &sight->packet.destination : &sight->packet.source;
    const wh_addr *destination = back ? &sight->packet.source : &sight->packet.destination;
    struct segment segment = {
        .seq = seq,
        .ack = ack,
        .flags = (uint16_t)(WH_RST | flags),
        .tuple = {
            .local = *source,
            .remote = *destination,
            .local_port = back ? sight->destination_port : sight->source_port,
            .remote_port = back ? sight->source_port : sight->destination_port,
        },
    };
    uint8_t tcp[SEGMENT_HEADER_MAX], ip[IP_HEADER_MAX];
    size_t tcp_length = segment_build(tcp, &segment);
    struct packet packet = {
        .source = *source,
        .destination = *destination,
        .protocol = IP_TCP,
        .hops = 64,
        .length = (uint32_t)tcp_length,
    };
    size_t ip_length = ip_build(ip, &packet, 0);
    uint64_t pseudo = ip_pseudo_sum(source, destination, IP_TCP, (uint32_t)tcp_length);
    uint16_t check = (uint16_t)~checksum_fold(sum->add(tcp, tcp_length, pseudo));
    memcpy(tcp + TCP_CHECKSUM, &check, sizeof check);

    struct parcel *parcel = parcel_new(sight->link_header + ip_length + tcp_length);
    if (parcel == NULL)
        return NULL;
    copy_link_header(parcel->bytes, sight, back);
    memcpy(parcel->bytes + sight->link_header, ip, ip_length);
    memcpy(parcel->bytes + sight->link_header + ip_length, tcp, tcp_length);
    return parcel;
}

struct parcel *answer_too_big(const struct sight *sight, uint32_t mtu, const struct checksum *sum)
{
    uint8_t packet[1280]; /* RFC 4443 2.4 (c): not longer than any path carries */
    if (!sight->ip || !icmp_error_allowed(&sight->packet))
        return NULL;
    struct icmp_error error = {
        .source = &sight->packet.destination,
        .destination = &sight->packet.source,
        .kind = ICMP_TOO_BIG,
        .mtu = mtu,
        .quoted = sight->frame + sight->link_header,
        .quoted_length = sight->length - sight->link_header,
    };
    size_t length = icmp_build_error(packet, sizeof packet, &error, sum);
    struct parcel *parcel = length > 0 ? parcel_new(sight->link_header + length) : NULL;
    if (parcel == NULL)
        return NULL;
    copy_link_header(parcel->bytes, sight, true);
    memcpy(parcel->bytes + sight->link_header, packet, length);
    return parcel;
}

void zero_window(struct sight *sight)
{
    uint8_t *tcp = sight->frame + sight->transport;
    uint32_t sum = (uint16_t)~get16(tcp + TCP_CHECKSUM);
    sum += (uint16_t)~get16(tcp + TCP_WINDOW); /* minus the old window, plus zero */
    sum = (sum & 0xffff) + (sum >> 16);
    put16(tcp + TCP_CHECKSUM, (uint16_t)~sum);
    put16(tcp + TCP_WINDOW, 0);
}

bool corrupt(struct sight *sight, uint64_t random)
{
    if (!sight->ip || sight->packet.length == 0)
        return false;
    uint8_t *transport = sight->frame + sight->transport;
    size_t length = sight->packet.length;
    size_t at = (size_t)(random % length);
    switch (sight->packet.protocol) {
    case IP_TCP:
    case IP_ICMP:
    case IP_ICMPV6: break;
    case IP_UDP:
        if (length < 8 || get16(transport + UDP_CHECKSUM) == 0)
            return false; /* nothing would tell (RFC 768) */
        /* Not in the checksum itself: with that bit gone it might say "none". */
        if (at == UDP_CHECKSUM || at == UDP_CHECKSUM + 1)
            at -= UDP_CHECKSUM;
        break;
    default: return false;
    }
    /* One bit changes the sum by a power of two, which is never a multiple of 65535. */
    transport[at] ^= (uint8_t)(1U << (random >> 32 & 7));
    return true;
}

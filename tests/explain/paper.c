/* SPDX-License-Identifier: MIT */
#include "paper.h"

#include <string.h>

#include "base/checksum.h"

bool packet_read(struct segment *segment, const uint8_t *packet, uint32_t length)
{
    struct packet ip;
    memset(segment, 0, sizeof *segment);
    if (ip_parse(&ip, packet, length) != WH_WHY_NONE || ip.protocol != IP_TCP ||
        segment_parse(segment, ip.payload, ip.length) != WH_WHY_NONE) {
        return false;
    }
    /* To whoever receives it "local" would be its destination; here it is the source. */
    segment->tuple.local = ip.source;
    segment->tuple.remote = ip.destination;
    segment->tuple.local_port = get16(ip.payload);
    segment->tuple.remote_port = get16(ip.payload + 2);
    segment->hops = ip.hops;
    return true;
}

void packet_travel(uint8_t *packet, uint8_t hops)
{
    if (packet[0] >> 4 == 6) {
        packet[7] = (uint8_t)(packet[7] - hops);
        return;
    }
    packet[8] = (uint8_t)(packet[8] - hops);
    memset(packet + 10, 0, 2);
    uint16_t sum = (uint16_t)~checksum_fold(checksum_add_portable(packet, 20, 0));
    memcpy(packet + 10, &sum, sizeof sum);
}

static uint32_t tcp_at(const uint8_t *packet) { return packet[0] >> 4 == 6 ? 40 : 20; }

void packet_mend(uint8_t *packet, uint32_t length)
{
    struct packet ip;
    uint8_t *tcp = packet + tcp_at(packet);
    if (ip_parse(&ip, packet, length) != WH_WHY_NONE) {
        return;
    }
    memset(tcp + 16, 0, 2);
    uint64_t sum = ip_pseudo_sum(&ip.source, &ip.destination, IP_TCP, ip.length);
    uint16_t folded = (uint16_t)~checksum_fold(checksum_add_portable(tcp, ip.length, sum));
    memcpy(tcp + 16, &folded, sizeof folded);
}

bool packet_strip(uint8_t *packet, uint32_t length, uint8_t kind, bool traceless)
{
    uint8_t *tcp = packet + tcp_at(packet);
    uint8_t kept[SEGMENT_HEADER_MAX] = { 0 };
    uint32_t end = tcp[12] / 16 * 4U, used = 0;
    bool found = false;
    for (uint32_t at = 20; at < end && tcp[at] != 0;) {
        uint32_t size = tcp[at] == 1 ? 1 : tcp[at + 1];
        if (size == 0 || at + size > end) {
            break;
        }
        if (tcp[at] == kind) {
            memset(tcp + at, 1, size);
            found = true;
        } else if (tcp[at] != 1) {
            memcpy(kept + used, tcp + at, size);
            used += size;
        }
        at += size;
    }
    if (found && traceless) {
        memcpy(tcp + 20, kept, end - 20);
    }
    if (found) {
        packet_mend(packet, length);
    }
    return found;
}

uint32_t paper_write(const struct ground *ground, const struct paper *paper,
                     const struct segment *segment, uint8_t *at)
{
    uint8_t tcp[1460];
    struct segment filled = *segment;
    size_t header = segment_build(tcp, &filled);
    memset(tcp + header, 'p', segment->length);
    struct packet packet = {
        .source = paper->source != NULL ? *paper->source : ground->address[paper->from],
        .destination =
            paper->destination != NULL ? *paper->destination : ground->address[other(paper->from)],
        .version = ground->variety.ipv6 ? 6 : 4,
        .protocol = IP_TCP,
        .hops = paper->hops,
        .length = (uint32_t)header + segment->length,
    };
    size_t ip = ip_build(at, &packet, paper->id);
    memcpy(at + ip, tcp, packet.length);
    uint32_t length = (uint32_t)ip + packet.length;
    packet_mend(at, length);
    return length;
}

/* SPDX-License-Identifier: MIT */
#include "explain/packet.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/ip.h"

static uint8_t longest_nops(const uint8_t *tcp, uint32_t header)
{
    uint8_t run = 0, longest = 0;
    for (uint32_t at = 20; at < header;) {
        if (tcp[at] == 1) {
            run++;
            longest = run > longest ? run : longest;
            at++;
            continue;
        }
        run = 0;
        if (tcp[at] == 0 || at + 1 >= header || tcp[at + 1] < 2)
            break;
        at += tcp[at + 1];
    }
    return longest;
}

void packet_see(struct seen *seen, const struct captured *captured, struct fragments *fragments,
                bool check_sums)
{
    (void)fragments;
    (void)check_sums;
    memset(seen, 0, sizeof *seen);
    seen->kind = PACKET_OTHER;
    seen->number = captured->number;
    seen->when = captured->when;
    seen->interface = captured->interface;
    seen->outgoing = captured->outgoing;
    seen->incoming = captured->incoming;
    if (captured->ip == NULL)
        return;
    struct packet packet;
    seen->reason = ip_parse(&packet, captured->ip, captured->ip_length);
    if (seen->reason != WH_WHY_NONE) {
        seen->kind = PACKET_ODD;
        return;
    }
    seen->ip_length = packet.header + packet.length;
    if (packet.version == 4)
        seen->ip_id = get16(captured->ip + 4);
    if (packet.protocol == IP_TCP) {
        seen->reason = segment_parse(&seen->segment, packet.payload, packet.length);
        if (seen->reason != WH_WHY_NONE) {
            seen->kind = PACKET_ODD;
            return;
        }
        uint16_t sport = seen->segment.tuple.remote_port;
        seen->segment.tuple.remote_port = seen->segment.tuple.local_port;
        seen->segment.tuple.local_port = sport;
        seen->segment.tuple.local = packet.source;
        seen->segment.tuple.remote = packet.destination;
        seen->segment.hops = packet.hops;
        seen->kind = PACKET_SEGMENT;
        seen->captured_data = seen->segment.length;
        if (seen->segment.flags & WH_SYN)
            seen->nops = longest_nops(packet.payload, packet.length - seen->segment.length);
    } else if (packet.protocol == IP_ICMP || packet.protocol == IP_ICMPV6) {
        if (icmp_parse(&seen->icmp, &packet, checksum_best(), true) != WH_WHY_NONE ||
            !seen->icmp.quoted || seen->icmp.packet.protocol != IP_TCP)
            return;
        seen->kind = PACKET_ICMP;
        seen->segment.tuple =
            (struct tuple){ seen->icmp.packet.source, seen->icmp.packet.destination,
                            seen->icmp.source_port, seen->icmp.destination_port };
        seen->segment.seq = seen->icmp.seq;
        seen->icmp_source = packet.source;
    }
}
